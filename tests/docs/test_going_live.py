"""The commands of docs/going-live.md make a business and its key on a running stack."""

import json
import re

import pytest

from bundle_world.checkout import ROOT
from stack_world.stack import Stack

pytestmark = pytest.mark.docker


def test_the_commands_make_a_business_that_its_own_key_may_see(stack: Stack) -> None:
    page = (ROOT / "docs/going-live.md").read_text(encoding="utf-8")
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    done = stack.checkout.run("sh", "-ec", f"{script}\necho\n")
    business, *rest = done.out.splitlines()
    key, description = json.JSONDecoder().raw_decode("".join(rest))
    described = json.loads("".join(rest)[description:])
    assert json.loads(business)["phone"] == "+97235550142"
    assert "/v1/businesses/{business_id}/keys" in described["paths"]
    url = f"http://{stack.door}/v1/businesses"
    seen = stack.checkout.run("curl", "--silent", url, "--header", f"Authorization: Bearer {key['key']}").out
    assert [item["name"] for item in json.loads(seen)["items"]] == ["מספרת נועה"]
