"""`make export`: everything about one person in one archive, for them to read and for machines."""

import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prosaas_core.privacy import person
from prosaas_ops.act.capture import archive
from prosaas_ops.audited import note
from prosaas_ops.files import output_folder, replace
from prosaas_ops.options import FINE, NOTHING, Options, complain
from prosaas_ops.screen import export_page
from prosaas_ops.screen.terminal import Prose, Screen
from prosaas_ops.stack.person import whole
from prosaas_ops.stack.records import asked
from prosaas_ops.stack.swarm import opened
from prosaas_ops.texts import people as words

if TYPE_CHECKING:
    import asyncpg

OPTIONS = ("PHONE", "CUSTOMER", "IN")


def run(options: Options) -> int:
    language = options.choice("IN", ("he", "en"), "he")
    engine, screen = opened(), Screen()
    theirs = whole(engine, options, show=True)
    if not theirs.rows and not theirs.recordings:
        complain(words.UNKNOWN(command="export"))
        return NOTHING

    async def ask(connection: "asyncpg.Connection[Any]") -> dict[str, list[dict[str, Any]]]:
        return await person.said(connection, theirs.rows)

    tables, now = asked(ask), datetime.now(UTC)
    name = f"export-{now:%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(3)}"
    document = {"made_at": now.isoformat(timespec="seconds"), "number": theirs.person.number, "tables": tables}
    files = {
        "person.html": export_page.render(tables, theirs.person.number or "", now, language),
        "person.json": json.dumps(document, ensure_ascii=False, indent=2) + "\n",
        **{f"recordings/{file}": text for file, text in theirs.recordings.items()},
    }
    target = output_folder() / f"{name}.tar.gz"
    note("exported", target.name, options.text("WHY"))
    replace(target, archive(name, files))
    screen.say(
        words.EXPORTED(target=target, rows=sum(map(len, tables.values())), recordings=len(theirs.recordings)),
        str(words.NOT_MASKED),
        screen.dim(str(words.HAND_OVER)),
    )
    if theirs.live:
        screen.say(Prose(screen.warn(str(words.NOT_YET_IN_IT))))
    return FINE
