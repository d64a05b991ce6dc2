"""The bodies of webhooks: Twilio's forms and Meta's JSON."""

from prosaas_api import bodies
from prosaas_api.problems import Problem

SEEDS = (
    b"CallSid=CA1&From=%2B972501234567&To=%2B97235550100&Body=%D7%A9%D7%9C%D7%95%D7%9D",
    b'{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"messages":[]}}]}]}',
)


def check(data: bytes) -> None:
    """Fields without a NUL or half a surrogate pair, or a refusal that says 400."""
    for read in (bodies.form, bodies.json_object):
        try:
            fields = read(data, "fuzz")
        except Problem as problem:
            if problem.status_code != 400:
                raise
        else:
            assert "\0" not in repr(dict(fields)).replace("\\x00", "\0")
