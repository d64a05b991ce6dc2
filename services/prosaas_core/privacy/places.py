"""The tables in which people are kept: each with how long, whose a row is, and what is left when it is taken away.

Plain SQL for asyncpg. `theirs` asks with $1, the digits of the person's number or NULL, and $2, the ids of the
customers who they are.
"""

from typing import NamedTuple

from prosaas_core.phones import COUNTRY

# For how many days something is kept where .env does not say; nought is for ever. env/example.env has the reasons.
DAYS = {
    "keep_transcripts_days": 90,
    "keep_events_days": 30,
    "keep_blackbox_days": 14,
    "keep_summaries_days": 365,
    "keep_callers_days": 365,
    "keep_messages_days": 180,
    "keep_appointments_days": 730,
    "keep_customers_days": 730,
    # On the host, where the services do not reach.
    "keep_captures_days": 30,
    "keep_lines_days": 30,
}
MOST_DAYS = 36_500


def are_days(value: str) -> bool:
    """Whether the text is such a number of days."""
    return value.isascii() and value.isdigit() and len(value) <= 9 and int(value) <= MOST_DAYS


# Of a call's metrics the one that is words: what was promised and not done, as the agent said it.
SPOKEN_METRIC = "unkept"


class Rule(NamedTuple):
    """How long something is kept: its name, its setting in days, which rows are due, and the statement that ends it.

    `age` is the moment it is counted from. What is changed already is not due again.
    """

    kept: str
    setting: str
    age: str
    change: str
    due: str = "true"


class Place(NamedTuple):
    """A table with people in it: its key and the key's type, when a row was made, whose it is, how it is erased.

    Where `reads` says of what, a row is theirs that names them there: `files.mentions` tells, and not the database.
    `named` is a column that may be the id of their call.
    """

    table: str
    key: str
    type: str
    made: str
    theirs: str
    erase: str
    rules: tuple[Rule, ...] = ()
    reads: str = ""
    named: str = ""


def _digits(column: str) -> str:
    return f"regexp_replace({column}, '[^0-9]', '', 'g')"


def spelled(column: str) -> str:
    """The digits of the number there, without the 0 that some leave in where a number has its country."""
    return f"regexp_replace({_digits(column)}, '^9720', '972')"


_CONVERSATIONS = "SELECT id FROM conversations WHERE customer_id = ANY($2)"
# The expressions of the indexes that `make trace` uses.
_BACKWARDS = "(reverse($1::text), reverse(regexp_replace($1::text, '^972', '9720')))"
_CALLED = " OR ".join(f"reverse({_digits(column)}) IN {_BACKWARDS}" for column in ("from_number", "to_number"))
_CALLS = f"SELECT call_sid FROM calls WHERE customer_id = ANY($2) OR {_CALLED}"
# A number that a caller dictated is spelled as it was said: a country before it makes it the whole one. An end alone
# would not do: +972 53-123-4567 ends as 03-123-4567 does, which is somebody else's.
_DICTATED = f"regexp_replace(ltrim({_digits('number')}, '0'), '^9720', '972')"
_SPELLED = f"length({_DICTATED}) >= 8 AND $1::text ~ ('^({COUNTRY})?' || {_DICTATED} || '$')"
_LEFT = f"SELECT id FROM call_messages WHERE call_sid IN ({_CALLS}) OR ({_SPELLED})"
_MESSAGES = f"SELECT id FROM messages WHERE conversation_id IN ({_CONVERSATIONS})"
_DRAFTS = (
    f"SELECT key FROM outbound_messages WHERE {spelled('recipient')} = $1 OR conversation_id IN ({_CONVERSATIONS}) "
    # Word to the business about them has their number in its text.
    f"OR (key LIKE 'business.tell:%' AND split_part(key, ':', 2) IN ({_CALLS})) "
    f"OR (key LIKE 'business.tell:message:%' AND split_part(key, ':', 3) IN (SELECT id::text FROM ({_LEFT}) AS left_))"
)
_TYPED = f"regexp_replace(ltrim({_digits('value')}, '0'), '^9720', '972')"
_PAYLOAD = "convert_from(payload, 'UTF8')::jsonb"

# In the order in which they are erased: what leads to a person goes before the person.
PLACES = (
    Place(
        "log_switches",
        "id",
        "bigint",
        "asked_at",
        # A switched number is spelled as the operator typed it. Its row goes with its end, a day at the most.
        f"target = 'phone' AND length({_TYPED}) >= 7 AND $1::text LIKE '%' || {_TYPED} "
        f"OR target = 'call' AND value IN ({_CALLS})",
        "DELETE FROM log_switches",
    ),
    Place(
        "pgqueuer",
        "id",
        "bigint",
        "created",
        f"payload IS NOT NULL AND ({_PAYLOAD} #>> '{{cause,call_sid}}' IN ({_CALLS}) "
        f"OR {_PAYLOAD} #>> '{{cause,message_id}}' IN ({_MESSAGES}) "
        f"OR ({_PAYLOAD} ->> 'conversation_id')::bigint IN ({_CONVERSATIONS}) "
        f"OR ({_PAYLOAD} ->> 'appointment_id')::bigint IN (SELECT id FROM appointments WHERE customer_id = ANY($2)))",
        "DELETE FROM pgqueuer",
    ),
    Place(
        "message_fates",
        "provider_id",
        "text",
        "told_at",
        f"provider_id IN ({_MESSAGES}) OR provider_id IN (SELECT provider_id FROM outbound_messages "
        f"WHERE key IN ({_DRAFTS}))",
        "DELETE FROM message_fates",
        (Rule("message fates", "keep_messages_days", "told_at", "DELETE FROM message_fates"),),
    ),
    Place(
        "outbound_messages",
        "key",
        "text",
        "created_at",
        f"key IN ({_DRAFTS})",
        "DELETE FROM outbound_messages",
        # The key is what keeps a message from being sent twice; the words and the number are not.
        (
            Rule(
                "sent words",
                "keep_messages_days",
                "created_at",
                "UPDATE outbound_messages SET body = '', recipient = '', template = NULL",
                "status IN ('sent', 'unknown') AND (body <> '' OR recipient <> '' OR template IS NOT NULL)",
            ),
        ),
    ),
    Place(
        "messages",
        "id",
        "text",
        "created_at",
        f"conversation_id IN ({_CONVERSATIONS})",
        "DELETE FROM messages",
        (Rule("messages", "keep_messages_days", "created_at", "DELETE FROM messages"),),
    ),
    Place(
        "conversations",
        "id",
        "bigint",
        "opened_at",
        "customer_id = ANY($2)",
        "DELETE FROM conversations",
        (
            Rule(
                "conversations",
                "keep_messages_days",
                "last_activity_at",
                "DELETE FROM conversations",
                "status = 'closed' AND NOT EXISTS (SELECT FROM messages WHERE conversation_id = conversations.id)",
            ),
        ),
    ),
    Place(
        "call_messages",
        "id",
        "bigint",
        "created_at",
        f"id IN ({_LEFT})",
        "DELETE FROM call_messages",
        (Rule("messages left by callers", "keep_messages_days", "created_at", "DELETE FROM call_messages"),),
    ),
    Place(
        "appointments",
        "id",
        "bigint",
        "created_at",
        "customer_id = ANY($2)",
        "DELETE FROM appointments",
        (Rule("appointments", "keep_appointments_days", "ends_at", "DELETE FROM appointments"),),
    ),
    Place(
        "calls",
        "call_sid",
        "text",
        "started_at",
        f"call_sid IN ({_CALLS})",
        # How long it was and how it ended is nobody's and stays, under the id: late news would make the row anew.
        "UPDATE calls SET from_number = '', to_number = '', customer_id = NULL, transcript = '[]', events = '[]', "
        f"summary = NULL, metrics = metrics - '{SPOKEN_METRIC}'",
        (
            Rule(
                "recordings of events",
                "keep_events_days",
                "started_at",
                "UPDATE calls SET events = '[]'",
                "events <> '[]'",
            ),
            Rule(
                "transcripts",
                "keep_transcripts_days",
                "started_at",
                f"UPDATE calls SET transcript = '[]', metrics = metrics - '{SPOKEN_METRIC}'",
                f"(transcript <> '[]' OR metrics ? '{SPOKEN_METRIC}')",
            ),
            Rule(
                "summaries",
                "keep_summaries_days",
                "started_at",
                "UPDATE calls SET summary = NULL",
                "summary IS NOT NULL",
            ),
            Rule(
                "callers of calls",
                "keep_callers_days",
                "started_at",
                "UPDATE calls SET from_number = '', to_number = '', customer_id = NULL",
                "(from_number <> '' OR to_number <> '' OR customer_id IS NOT NULL)",
            ),
        ),
    ),
    Place(
        "customers",
        "id",
        "bigint",
        "created_at",
        f"id = ANY($2) OR {spelled('phone')} = $1 OR {spelled('external_id')} = $1",
        "DELETE FROM customers",
        (
            Rule(
                "customers",
                "keep_customers_days",
                "created_at",
                "DELETE FROM customers",
                "NOT EXISTS (SELECT FROM appointments WHERE customer_id = customers.id) "
                "AND NOT EXISTS (SELECT FROM conversations WHERE customer_id = customers.id) "
                "AND NOT EXISTS (SELECT FROM calls WHERE customer_id = customers.id)",
            ),
        ),
    ),
    # The last: which ids are theirs must be known by then.
    Place(
        "black_boxes",
        "id",
        "bigint",
        "written_at",
        "false",
        "DELETE FROM black_boxes",
        (Rule("black boxes", "keep_blackbox_days", "written_at", "DELETE FROM black_boxes"),),
        reads="concat_ws(E'\\n', name, content)",
        named="name",
    ),
)

# Whose keys a line or a file may name instead of the person.
NAMED = ("calls", "messages", "message_fates")

# The other tables, and why no caller is in them.
NOBODY = {
    "businesses": "our own customers, who are there as long as they are",
    "api_keys": "a key's name and its hash",
    "charges": "what was paid, under the id of a call",
    "job_effects": "ids of work that was done",
    "pgqueuer_log": "ids and errors of jobs, gone after 14 days",
    "pgqueuer_statistics": "counts",
    "pgqueuer_schedules": "the timetable",
    "alembic_version": "the schema's number",
    "audit": "who did what: operators, and targets without a number",
}

RULES = tuple((place, rule) for place in PLACES for rule in place.rules)
