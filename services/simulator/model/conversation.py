"""A Realtime conversation's items, in order, with how much audio each of the model's holds."""

from typing import Any

from simulator.audio.mulaw import milliseconds
from simulator.model import events
from simulator.model.events import Event, Item, event, new_id
from simulator.model.session_config import BadEventError

_KINDS = {"message", "function_call", "function_call_output"}


class Conversation:
    """What was said and done so far in one session."""

    def __init__(self) -> None:
        self.id = new_id("conv")
        self._items: dict[str, Item] = {}
        self._audio_ms: dict[str, int] = {}
        self._calls_waiting: set[str] = set()
        # Tokens of text and audio: all there is to read, and what the last response read, which is then cached.
        self._tokens: events.Tokens = (0, 0)
        self._cached: events.Tokens = (0, 0)

    @property
    def last_id(self) -> str | None:
        """The newest item."""
        return next(reversed(self._items), None)

    def add(self, item: Item) -> Event:
        """Add an item; return the event that says so."""
        previous = self.last_id
        self._items[item["id"]] = item
        return event("conversation.item.added", item=item, previous_item_id=previous)

    def complete(self, item: Item) -> Event:
        """Note an item's final state; return the event that says so."""
        self._items[item["id"]] = item
        before = list(self._items)[: list(self._items).index(item["id"])]
        if item["type"] != "message" or item.get("role") != "assistant":
            self.grow((len(str(item.get("content") or item.get("arguments") or item.get("output"))) // 3, 0))
        if item["type"] == "function_call" and item.get("status") == "completed":
            self._calls_waiting.add(item["call_id"])
        return event("conversation.item.done", item=item, previous_item_id=before[-1] if before else None)

    def grow(self, tokens: events.Tokens) -> None:
        """Note that there is so much more for the next response to read."""
        self._tokens = (self._tokens[0] + tokens[0], self._tokens[1] + tokens[1])

    def bill(self, said: events.Tokens) -> dict[str, Any]:
        """Return the usage of a response that said so much, which the next one reads."""
        usage = events.usage(said, self._tokens, self._cached)
        self._cached = self._tokens
        self.grow(said)
        return usage

    def hold_audio(self, item_id: str, byte_count: int) -> None:
        """Note how much audio the client was sent for an item."""
        self._audio_ms[item_id] = self._audio_ms.get(item_id, 0) + milliseconds(byte_count)

    def take_from_client(self, item: Any) -> Item:
        """Return the item that `conversation.item.create` brings, completed as OpenAI completes it."""
        if not isinstance(item, dict) or item.get("type") not in _KINDS:
            raise BadEventError("Invalid value for 'item.type'.", "invalid_value", "item.type")
        if item["type"] == "function_call_output":
            if item.get("call_id") not in self._calls_waiting:
                message = f"Tool call ID '{item.get('call_id')}' not found in conversation."
                raise BadEventError(message, "invalid_tool_call_id", "item.call_id")
            if not isinstance(item.get("output"), str):
                raise BadEventError("Invalid type for 'item.output': must be a string.", "invalid_type", "item.output")
            self._calls_waiting.discard(item["call_id"])
        return {"id": new_id("item"), "object": "realtime.item", "status": "completed", **item}

    def truncate(self, item_id: Any, audio_end_ms: Any) -> Event:
        """Cut an item's audio; return the event that says so."""
        if item_id not in self._audio_ms:
            raise BadEventError(
                f"Item '{item_id}' is not an assistant message with audio.", "item_truncate_invalid_item_id", "item_id"
            )
        if not isinstance(audio_end_ms, int) or audio_end_ms < 0:
            raise BadEventError("Invalid value for 'audio_end_ms'.", "invalid_value", "audio_end_ms")
        if audio_end_ms > self._audio_ms[item_id]:
            message = f"Audio content of {self._audio_ms[item_id]}ms is already shorter than {audio_end_ms}ms"
            raise BadEventError(message, "invalid_value", "audio_end_ms")
        self._audio_ms[item_id] = audio_end_ms
        return event("conversation.item.truncated", item_id=item_id, content_index=0, audio_end_ms=audio_end_ms)

    def retrieve(self, item_id: Any) -> Event:
        """Return the event that shows an item."""
        if item_id not in self._items:
            raise BadEventError(f"Item '{item_id}' does not exist.", "item_retrieve_invalid_item_id", "item_id")
        return event("conversation.item.retrieved", item=self._items[item_id])

    def delete(self, item_id: Any) -> Event:
        """Forget an item; return the event that says so."""
        if self._items.pop(item_id, None) is None:
            raise BadEventError(f"Item '{item_id}' does not exist.", "item_delete_invalid_item_id", "item_id")
        return event("conversation.item.deleted", item_id=item_id)
