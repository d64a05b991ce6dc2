"""`make go-live`: from the demo to real calls. Asks, checks with the provider, writes, starts, leads the number here.

Each step looks first whether it is done: run again, it goes on where it stopped.
"""

import getpass
import re
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prosaas_ops.act import reach
from prosaas_ops.act.providers import Answer, OpenAI, Twilio, ask, leads_here, trusting
from prosaas_ops.act.unfinished import refuse_the_paused, resume
from prosaas_ops.act.up import prepare
from prosaas_ops.conduct import plan, secrets
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.run import run as run_plan
from prosaas_ops.conduct.world import World
from prosaas_ops.options import FINE, Options, Problem, complain
from prosaas_ops.screen.piece import piece
from prosaas_ops.texts import conduct as conducted
from prosaas_ops.texts import live as words

OPTIONS = ("ACME_EMAIL", "NAME", "PHONE", "PUBLIC_HOST", "YES")

_READ = "docs/going-live.md"
_ACCOUNT = re.compile(r"AC[0-9a-f]{32}")
_ASKED_TWICE = 3


class Person:
    """Who answers: the words after the make target, else somebody at the terminal."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.there = sys.stdin.isatty()

    def given(self, name: str) -> str:
        """What was typed after the target."""
        return self._options.text(name) if name in OPTIONS else ""

    def asked(self, name: str, what: str, *, secret: bool = False) -> str:
        """An answer; Problem where nobody is there to give one."""
        if not self.there:
            raise problem(words.MISSING(name=name, what=what), words.SET_IT(name=name), _READ)
        question = f"{what}{words.NOT_SHOWN if secret else ''}: "
        while not (said := (getpass.getpass if secret else input)(question).strip()):
            continue
        return said

    def agrees(self, question: str) -> bool:
        """Yes by YES=1 or at the terminal, else no."""
        if self._options.flag("YES", default=False):
            return True
        return self.there and input(f"{question} [y/N] ").strip().lower() in ("y", "yes", "כן")

    def settled(self, name: str, what: str, before: str, check: Callable[[str], None], *, secret: bool = False) -> str:
        """A value that its provider says is good; at a terminal there is another try."""
        value = self.given(name) or before
        for _ in range(_ASKED_TWICE):
            value = value or self.asked(name, what, secret=secret)
            try:
                check(value)
            except Problem as wrong:
                if not self.there:
                    raise
                complain(str(wrong))
                value = ""
            else:
                return value
        raise Problem(words.NOT_SETTLED(name=name))


def run(options: Options) -> int:
    world, person = World(Path.cwd()), Person(options)
    secrets.tell_overridden(world)
    if not world.env.path.exists():
        raise problem(str(conducted.NO_STACK), str(words.DEMO_FIRST), _READ)
    with world.locked("go-live"):
        if not any(found.state == "running" for found in world.containers("gateway")):
            raise problem(str(words.NO_DEMO), str(words.DEMO_FIRST), _READ)
        refuse_the_paused(world, "go-live")
        resume(world)
        context = trusting(world.setting("CA_BUNDLE"))
        found, twilio = _settings(world, person, context)
        public = _public(found)
        # In one act: a real key beside DEMO=1 is something that no service starts with.
        if world.env.put(**found, DEMO="0"):
            world.say(str(words.STARTING))
        prepare(world, "prod")
        world.overrides |= {"YES": options.text("YES")}
        run_plan(plan.up(world, "prod", build=False), world)
        reach.wait_for_certificate(world, public)
        number = _number(world, person, twilio, public)
        _senders(world, person, twilio, public)
        _business(world, person, number)
    world.say(words.NOW_CALL(number=number))
    return FINE


def _settings(world: World, person: Person, context: ssl.SSLContext) -> tuple[dict[str, str], Twilio]:
    """Everything that real calls need, checked, and nothing of it written yet; and the account that was checked."""
    recorded, found = world.recorded, {}
    own = recorded("PUBLIC_URL")
    if not person.given("PUBLIC_HOST") and not recorded("PUBLIC_HOST") and own.startswith("https://"):
        world.say(words.ADDRESS_OWN(address=own))
        found["PUBLIC_URL"] = own
    else:
        before = recorded("PUBLIC_HOST")
        host = person.settled("PUBLIC_HOST", str(words.HOST), before, lambda name: reach.leads_here(world, name))
        found["PUBLIC_HOST"] = host
        if email := person.given("ACME_EMAIL") or recorded("ACME_EMAIL"):
            found["ACME_EMAIL"] = email
        world.say(words.ADDRESS(host=host))
    openai = OpenAI(world.setting("OPENAI_BASE_URL", "https://api.openai.com/v1"), context)
    model = world.setting("OPENAI_REALTIME_MODEL", "gpt-realtime-2.1")
    found["OPENAI_API_KEY"] = person.settled(
        "OPENAI_API_KEY",
        str(words.OPENAI_KEY),
        recorded("OPENAI_API_KEY"),
        lambda key: openai.check(key, model),
        secret=True,
    )
    world.say(words.OPENAI_GOOD(model=model))
    demo = recorded("TWILIO_ACCOUNT_SID") in ("", secrets.DEMO_ACCOUNT)
    account = "" if demo else recorded("TWILIO_ACCOUNT_SID")
    found["TWILIO_ACCOUNT_SID"] = person.settled("TWILIO_ACCOUNT_SID", str(words.ACCOUNT), account, _is_account)
    base, token = world.setting("TWILIO_BASE_URL", "https://api.twilio.com"), recorded("TWILIO_AUTH_TOKEN")
    accounts: list[tuple[Twilio, str]] = []

    def check(said: str) -> None:
        twilio = Twilio(base, found["TWILIO_ACCOUNT_SID"], said, context)
        accounts[:] = [(twilio, twilio.check())]

    found["TWILIO_AUTH_TOKEN"] = person.settled(
        "TWILIO_AUTH_TOKEN", str(words.TOKEN), "" if token.startswith("demo-") else token, check, secret=True
    )
    ((twilio, hint),) = accounts
    world.say(words.TWILIO_GOOD(hint=f"; {hint}" if hint else ""))
    return found, twilio


def _is_account(said: str) -> None:
    if not _ACCOUNT.fullmatch(said):
        raise problem(words.NO_ACCOUNT(said=piece(said, 60)), str(words.ACCOUNT_IS), _READ)


def _public(found: Mapping[str, str]) -> str:
    return f"https://{found['PUBLIC_HOST']}" if "PUBLIC_HOST" in found else found["PUBLIC_URL"].rstrip("/")


def _number(world: World, person: Person, twilio: Twilio, public: str) -> str:
    """The number that callers will dial, which leads here afterwards."""
    numbers = twilio.numbers()
    if not numbers:
        raise problem(str(words.NO_NUMBERS), str(words.BUY_ONE), _READ)
    world.say(str(words.NUMBERS))
    for number in numbers:
        where = str(words.HERE) if leads_here(number, public) else piece(str(number.get("voice_url") or words.NOWHERE))
        print(f"    {piece(str(number['phone_number'])):<16} {piece(str(number.get('friendly_name', ''))):<20} {where}")
    wanted = person.given("PHONE") or (
        numbers[0]["phone_number"] if len(numbers) == 1 else person.asked("PHONE", str(words.WHICH))
    )
    digits = re.sub(r"[^0-9]", "", wanted)
    chosen = [number for number in numbers if re.sub(r"[^0-9]", "", number["phone_number"]) == digits]
    if not chosen:
        raise problem(
            words.NOT_OURS(number=piece(wanted, 30)),
            words.ONE_ABOVE(number=piece(str(numbers[0]["phone_number"]))),
            _READ,
        )
    name = str(chosen[0]["phone_number"])
    if not leads_here(chosen[0], public):
        if not person.agrees(words.LEAD_NUMBER(number=name, public=public)):
            raise problem(words.LEFT(number=name), str(words.SAY_YES), _READ)
        twilio.lead_number(chosen[0], public)
        world.say(words.NUMBER_LEADS(number=name))
    return name


def _senders(world: World, person: Person, twilio: Twilio, public: str) -> None:
    for sender in twilio.senders():
        now = (sender.get("webhook") or {}).get("callback_url") or words.NOWHERE
        name = piece(str(sender.get("sender_id")))
        if now == f"{public}/whatsapp/twilio":
            continue
        if person.agrees(words.LEAD_SENDER(name=name, now=piece(str(now)), public=public)):
            twilio.lead_sender(sender, public)
            world.say(words.SENDER_LEADS(name=name))


def _business(world: World, person: Person, number: str) -> None:
    """The business that this number is of, and a key of its own: each is made where there is none."""

    def rest(method: str, path: str, body: object = None) -> Answer:
        url = f"http://127.0.0.1:{world.setting('API_PORT', '8000')}/v1/businesses{path}"
        headers = {"Authorization": f"Bearer {world.recorded('ADMIN_API_KEY')}"}
        answer = ask(method, url, headers=headers, body=body, direct=True)
        if not 200 <= answer.status < 300:
            raise Problem(words.API_REFUSED(said=answer.said))
        return answer

    def listed(path: str) -> Iterator[dict[str, Any]]:
        cursor: Any = ""
        while cursor is not None:
            page = rest("GET", f"{path}?limit=100{f'&cursor={cursor}' if cursor else ''}").body
            yield from page["items"]
            cursor = page.get("next_cursor")

    business = next((one for one in listed("") if one["phone"] == number), None)
    if business is None:
        name = person.given("NAME") or person.asked("NAME", str(words.BUSINESS_NAME))
        business = rest("POST", "", {"name": name, "phone": number}).body
    own = f"/{business['id']}"
    # A business without one is what a kill leaves behind.
    if any(not key.get("revoked_at") for key in listed(f"{own}/keys")):
        return
    key = rest("POST", f"{own}/keys", {"name": "make go-live"}).body["key"]
    world.say(words.BUSINESS_KEY(id=business["id"], name=piece(business["name"])))
    print(f"    {key}")
    host = urlsplit(world.setting("PUBLIC_URL")).netloc or words.FRONT_DOOR
    world.say(words.THEN_PATCH(id=business["id"], host=host))
