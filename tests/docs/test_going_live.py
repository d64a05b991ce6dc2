"""The commands of docs/going-live.md make a business and its key on a running stack."""

import json
import re
from typing import Any

import pytest

from bundle_world.checkout import ROOT
from stack_world.stack import Stack

pytestmark = pytest.mark.docker

# The page's number is the one that `make go-live` leads to the same stack in a test of its own.
PRINTED, NUMBER = "+97235550142", "+97235550149"


def _objects(out: str) -> list[Any]:
    """JSON objects one after the other, as curl writes them: with or without a line's end between them."""
    found, rest = [], out.strip()
    while rest:
        one, end = json.JSONDecoder().raw_decode(rest)
        found.append(one)
        rest = rest[end:].lstrip()
    return found


def test_the_commands_make_a_business_that_its_own_key_may_see(stack: Stack) -> None:
    page = (ROOT / "docs/going-live.md").read_text(encoding="utf-8")
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    assert PRINTED in script
    done = stack.checkout.run("sh", "-ec", f"{script.replace(PRINTED, NUMBER)}\necho\n")
    business, key, changed, back, described = _objects(done.out)
    assert business["phone"] == NUMBER
    assert (changed["id"], changed["instructions"]) == (business["id"], "יש חניה מאחור. לא קובעים תור לצבע בטלפון.")
    assert back == {**business, "updated_at": back["updated_at"]}
    assert "/v1/businesses/{business_id}/keys" in described["paths"]
    url = f"http://{stack.door}/v1/businesses"
    seen = stack.checkout.run("curl", "--silent", url, "--header", f"Authorization: Bearer {key['key']}").out
    assert [item["name"] for item in json.loads(seen)["items"]] == ["מספרת נועה"]
