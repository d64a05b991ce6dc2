"""A sent message whose answer was lost: its id and fate, learned later from the provider's status webhook."""

from collections.abc import Sequence

import asyncpg

_TAKEN = """
UPDATE outbound_messages AS draft SET provider_id = given.id
FROM unnest($1::text[], $2::text[]) AS given (key, id)
WHERE draft.key = given.key AND draft.provider_id IS NULL AND draft.status IN ('sending', 'unknown')
"""


async def taken(raw: "asyncpg.Connection[asyncpg.Record]", keys: Sequence[str], message_ids: Sequence[str]) -> None:
    """Note under which ids Meta took drafts: its statuses name them by our key, in `biz_opaque_callback_data`."""
    await raw.execute(_TAKEN, list(keys), list(message_ids))
