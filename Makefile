# The operator's whole surface. A line `target: ## text` is its own documentation: bare `make` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
PYTHON := $(VENV)/bin/python

##@ The stack

.PHONY: setup up-prod up-dev down ps restart-api restart-calls restart-worker

setup: ## prepare this machine: engine, base images, .env, secrets
	@scripts/setup.sh

up-prod: ## build and start production, wait until it is healthy
	@scripts/up.sh prod

up-dev: ## build and start development: source mounted, reload on change, DEBUG
	@scripts/up.sh dev

down: ## stop the stack; calls in progress are let to their end, data stays
	@docker compose --profile '*' down --remove-orphans

ps: ## what runs, and whether it is healthy
	@docker compose ps

restart-api: ## recreate prosaas-api [LOG_LEVEL=DEBUG]
	@scripts/restart.sh prosaas-api API_LOG_LEVEL $(LOG_LEVEL)

restart-calls: ## recreate prosaas-calls once its calls have ended [LOG_LEVEL=DEBUG]
	@scripts/restart.sh prosaas-calls CALLS_LOG_LEVEL $(LOG_LEVEL)

restart-worker: ## recreate worker [LOG_LEVEL=DEBUG]
	@scripts/restart.sh worker WORKER_LOG_LEVEL $(LOG_LEVEL)

##@ This machine

.PHONY: doctor

doctor: ## check engine, disk, memory, ports, certificates and .env; each line is ok or what to do
	@scripts/doctor.sh

##@ Development

.PHONY: test test-fast lint lock bench

test: ## everything, on a real stack, in the tests image [T=tests/bundle]
	@scripts/test.sh $(T)

test-fast: $(VENV)/installed ## what needs no engine and no database, on this machine's Python [T=]
	@$(VENV)/bin/pytest -m "not docker and not postgres" $(T)

lint: $(VENV)/installed ## style, types, and the linters of shell, YAML and Dockerfile
	@scripts/lint.sh

lock: $(VENV)/installed ## recompile services/requirements/*.txt from *.in
	@scripts/lock.sh

bench: $(VENV)/installed ## the benchmarks [B=logging]
	@PYTHONPATH=services:. $(PYTHON) -m bench $(B)

$(VENV)/installed: services/requirements/test.txt
	@scripts/venv.sh $(VENV)

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
