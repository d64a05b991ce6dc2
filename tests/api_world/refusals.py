"""A check for schemathesis: what the document allows is refused for those reasons alone that no schema can say."""

import re
from typing import Any

import schemathesis

# What JSON Schema has no words for: an order of times, names that others keep, a cursor that was given, a whole minute,
# one member that says what another is.
UNSAYABLE = re.compile(
    r"the cursor is not one that we gave"
    r"|each window must end after it begins, and before the next one begins"
    r"|no such time zone; an example is Asia/Jerusalem"
    r"|a (?:time|day) between the years 2000 and 2100"
    r"|a whole minute"
    r"|who phones is known by a number|WhatsApp knows people by an id"
)


@schemathesis.check
def what_the_document_allows_is_taken(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """`positive_data_acceptance` knows statuses only, and has to let every 422 pass for the sake of these."""
    if response.status_code == 422 and case.meta is not None and case.meta.generation.mode.is_positive:
        said = response.json()
        reasons = [error["detail"] for error in said.get("errors", ())] or [said["detail"]]
        unfounded = [reason for reason in reasons if not UNSAYABLE.search(reason)]
        assert not unfounded, f"refused for {unfounded}"
