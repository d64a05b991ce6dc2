# The operator's whole surface. A line `target: ## text` is its own documentation: bare `make` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# What was typed after a target reaches the tools whole, by name: no shell reads a value. The names travel beside them.
TYPED := $(strip $(foreach v,$(.VARIABLES),$(if $(filter command line,$(origin $(v))),$(v))))
$(foreach v,$(TYPED),$(eval override $(v) := $$(value $(v))))
export $(TYPED)
export PROSAAS_TYPED := $(TYPED)

# The words of make's own targets, each with what it takes. Any other word is refused by name, before anything is made, as
# the tools refuse it.
OWN := env-prod test test-fast lint lock docs bench fuzz mutate
GENERAL := AUTO_SETUP COMPOSE_PROJECT_NAME COMPOSE_PROFILES OPS_LANG PROJECT PYTHON VENV
WORDS.test := T
WORDS.test-fast := T
WORDS.bench := B ARGS OUT
WORDS.fuzz := MINUTES TARGET
WORDS.mutate := ROOM MINUTES OUT
unknown = $(filter-out $(WORDS.$1) $(GENERAL),$(TYPED))
$(foreach goal,$(filter $(OWN),$(MAKECMDGOALS)),$(if $(call unknown,$(goal)),$(error make $(goal) does not know $(call unknown,$(goal)))))

VENV := .venv
PYTHON := $(VENV)/bin/python

##@ The stack

.PHONY: setup up-prod up-dev up-swarm go-live down ps rollback restart-api restart-calls restart-worker

setup: ## prepare this machine: engine, base images, .env, secrets
	@scripts/run $@

up-prod: ## build and start production beside what runs; no call is cut [YES=1]
	@scripts/run $@

up-dev: ## build and start development: source mounted, reload on change, DEBUG [YES=1]
	@scripts/run $@

up-swarm: ## the same on several machines, from a manager of their Docker Swarm [BUILD=0: REGISTRY has this version]
	@scripts/run $@

go-live: ## from the demo to real calls, each step asked for and checked [PUBLIC_HOST= PHONE=+972… NAME= ACME_EMAIL= YES=1]
	@scripts/run $@

down: ## stop the stack; calls in progress are let to their end, data stays
	@scripts/run $@

ps: ## what runs, of which version, whether it is healthy, and at which level each service says it is
	@scripts/run $@

rollback: ## the images of the release before, or of N releases before [N=1 YES=1]
	@scripts/run $@

restart-api: ## recreate prosaas-api [LOG_LEVEL=DEBUG WHY=]
	@scripts/run $@

restart-calls: ## a new prosaas-calls beside the old one, which keeps its calls [LOG_LEVEL=DEBUG WHY=]
	@scripts/run $@

restart-worker: ## recreate worker [LOG_LEVEL=DEBUG WHY=]
	@scripts/run $@

##@ Watching

.PHONY: status alert-test soak

status: ## one screen: who is up, calls, waits, jobs, alerts [WATCH=1 JSON=1]
	@scripts/run $@

soak: ## simulated calls for hours, faults now and then, and what drifted [HOURS=8 CALLS=10 SPEED=1]
	@scripts/run $@

alert-test: ## send one alert through to whoever is told of them
	@scripts/run $@

##@ Calls and logs

.PHONY: call calls console costs errors levels logs trace blackbox capture debug-api debug-calls debug-worker quiet-api quiet-calls quiet-worker

call: ## place one simulated call, show its lines, judge them [SCENARIO=demo SPEED=1 LEVEL=DEBUG MAX=200 TO=+972… PHONE=+972…]
	@scripts/run $@

console: ## all this as pages in a browser, on this machine alone; prints the link [CONSOLE_PORT=8090]
	@scripts/run $@

logs: ## every service on one clock [S=calls SINCE=1h UNTIL= LEVEL=WARNING CALL=CA… GREP=… NOT=… FOLLOW=0 WHY=]
	@scripts/run $@

calls: ## the calls of a time, worst first with BAD=1 [SINCE=1d UNTIL= PHONE= BUSINESS= BAD=1 SORT=slowest MAX=30 WHY=]
	@scripts/run $@

costs: ## what was spent, from the ledger [SINCE=30d UNTIL= BY=day|month|business|model|ending BUSINESS= CSV=1]
	@scripts/run $@

errors: ## warnings and errors, the same trouble once: how often, since when, which calls [SINCE=1h UNTIL= S=calls MAX=30 WHY=]
	@scripts/run $@

levels: ## which level is in force, who switched what until when; what eats the disk
	@scripts/run $@

trace: ## the whole story of a call, or of a message [CALL=CA… or PHONE=+972… N=2 SINCE=1d AT=22:05 (in OPS_TZ; AT=22:05Z)] [MESSAGE=wamid…] [OUT=html] [LEVEL=DEBUG] [WHY=]
	@scripts/run $@

blackbox: ## the black box of a failed or a live call, its error last [CALL=CA…] [LEVEL=DEBUG: each frame] [WHY=]
	@scripts/run $@

capture: ## one redacted archive of it all, to send to somebody [FOR=10m or SINCE=1h] [CALL=CA… WHY=]
	@scripts/run $@

debug-api: ## DEBUG in prosaas-api for a while, no restart [CALL=CA… BUSINESS=456 PHONE=+972… FOR=15m MAX=200 WHY=]
	@scripts/run $@

debug-calls: ## DEBUG for a call, a business or a number [CALL=CA… BUSINESS=456 PHONE=+972… FOR=15m MAX=200 WHY=]
	@scripts/run $@

debug-worker: ## DEBUG in worker for a while, no restart [CALL=CA… BUSINESS=456 PHONE=+972… FOR=15m MAX=200 WHY=]
	@scripts/run $@

quiet-api: ## take every live DEBUG of prosaas-api back now [WHY=]
	@scripts/run $@

quiet-calls: ## take every live DEBUG of prosaas-calls back now [WHY=]
	@scripts/run $@

quiet-worker: ## take every live DEBUG of worker back now [WHY=]
	@scripts/run $@

##@ Before and after a deploy

.PHONY: diff checklist log-budget env-prod

diff: ## what make up-prod would recreate and why, and the live calls of each container [BUILD=0]
	@scripts/run $@

checklist: ## the deployment guide's seven points, checked on the running stack [SINCE=1h] [SCENARIO=demo SPEED=4]
	@scripts/run $@

log-budget: ## the same calls at INFO and at DEBUG, as a table and a page [CALLS=2 SPEED=4 SCENARIO=demo SINCE=1h OUT=none | FILE=any.log]
	@scripts/run $@

env-prod: ## the logging block to paste into a platform's variables
	@cat env/prod.env

##@ Secrets

.PHONY: rotate-secret

rotate-secret: ## a new value for a secret, in what uses it; nothing is built [NAME=ADMIN_API_KEY WHY=]
	@scripts/run $@

##@ Jobs and data

.PHONY: jobs retry-job backup restore restore-drill

jobs: ## the jobs that failed for good and are held [ALL=1: those that wait or run, too] [WHY=]
	@scripts/run $@

retry-job: ## put held jobs back into the queue [ID="12 13" WHY=]
	@scripts/run $@

backup: ## write the database into backups/ [FILE=] [VERIFY=1: restored aside] [FORCE=1: over a file that is there] [WHY=]
	@scripts/run $@

restore: ## put a backup in place of the database; a live one only with FORCE=1 [FILE=backups/….dump] [FILES=1] [KEY= WHY=]
	@scripts/run $@

restore-drill: ## try the newest backup beside the database, and compare the counts [FILE=] [KEY=]
	@scripts/run $@

##@ People

.PHONY: forget export retention audit

forget: ## remove one person from everywhere, after a yes [PHONE=+972… or CUSTOMER=7] [YES=1 WHY=]
	@scripts/run $@

export: ## everything about one person, for them and for machines [PHONE=+972… or CUSTOMER=7] [IN=en WHY=]
	@scripts/run $@

retention: ## how long people are kept, and how much there is; removes what is old of logs/ on this machine
	@scripts/run $@

audit: ## who looked at people, took them along or changed what is kept, and why [SINCE=30d EACH=1 MAX=50]
	@scripts/run $@

##@ This machine

.PHONY: doctor update-bases

update-bases: ## today's base images, each meant by its digest from then on; make up-prod builds on them
	@scripts/run $@

doctor: ## check engine, disk, memory, ports, certificates and .env; each line is ok or what to do
	@scripts/run $@

##@ Development

.PHONY: test test-fast lint lock docs bench fuzz mutate

test: ## everything, on a real stack, in the tests image [T=tests/bundle]
	@scripts/test.sh $(T)

test-fast: $(VENV)/installed ## what needs no engine, no database and no browser, on this machine's Python [T=]
	@$(VENV)/bin/pytest --random-order-bucket=module -m "not browser and not docker and not postgres" $(T)

lint: $(VENV)/installed ## style, types, and the linters of shell, YAML and Dockerfile
	@scripts/lint.sh

lock: $(VENV)/installed ## recompile services/requirements/*.txt from *.in
	@scripts/lock.sh

docs: $(VENV)/installed ## write the tables of events and the samples into docs/ anew
	@PYTHONPATH=services:tests $(PYTHON) -m docs_world.reference docs/events.he.toml docs/events.md docs/guide.md docs/guide.he.md
	@OPS_LANG=en PYTHONPATH=services:tests:. $(PYTHON) -m docs_world.samples

bench: $(VENV)/installed ## the benchmarks [B=logging ARGS="--parts lines" OUT=bench/RESULTS.md]
	@PYTHONPATH=services:tests:. $(PYTHON) -m bench $(B) $(if $(OUT),--out $(OUT)) $(ARGS)

fuzz: $(VENV)/installed ## hostile input for what reads it from outside [MINUTES=5 TARGET=media_stream]
	@PYTHONPATH=services:tests:. $(PYTHON) -m fuzz $(if $(MINUTES),--minutes $(MINUTES)) $(TARGET)

mutate: $(VENV)/installed ## break a room's code step by step and ask its tests [ROOM=worker MINUTES=20 OUT=bench/RESULTS.md]
	@PYTHONPATH=services:tests:. $(PYTHON) -m bench mutation $(if $(OUT),--out $(OUT)) \
		$(if $(MINUTES),--minutes=$(MINUTES)) $(ROOM)

$(VENV)/installed: services/requirements/tools.txt
	@scripts/venv.sh $(VENV)

# For a shell that is to read it as one word.
quoted = '$(subst ','\'',$1)'
MEANT = scripts/meant.sh $(call quoted,$1) $(call quoted,$2) $(foreach v,$(TYPED),$(call quoted,$(v)=$($(v))))

# A word beside a target: the rest of a value, or one without its name, also where it happens to be a target's. Only targets
# of development stand together. Said before anything is done.
ifneq (,$(word 2,$(MAKECMDGOALS)))
TARGETS := $(shell sed -n 's/^\([a-z][a-z-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))
TOGETHER := $(if $(filter $(filter-out $(OWN),$(TARGETS)),$(MAKECMDGOALS)),,$(TARGETS))
STRAY := $(filter-out $(TOGETHER),$(wordlist 2,99,$(MAKECMDGOALS)))
FIRST := $(firstword $(MAKECMDGOALS))
ifneq (,$(STRAY))
# make hands what was typed to its recipes' shells alone.
$(shell OPS_LANG=$(call quoted,$(OPS_LANG)) $(call MEANT,$(FIRST),$(if $(filter $(TARGETS),$(FIRST)),$(STRAY))))
$(error $(FIRST))
endif
endif

# A word that is no target: which one was meant.
.DEFAULT:
	@$(call MEANT,$@)

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { row = sprintf("  make %-16s", $$1); words = split($$2, word, " "); \
			for (i = 1; i <= words; i++) { \
				if (length(row) + 1 + length(word[i]) > 80) { print row; row = sprintf("%23s", "") } \
				row = row " " word[i] } \
			print row }' $(MAKEFILE_LIST)
