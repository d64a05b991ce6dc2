"""Strict validation against OpenAI's own types: nothing missing, nothing they do not know."""

from typing import Any

from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter

_SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def validate(event: dict[str, Any]) -> None:
    """Raise unless OpenAI's types describe this event completely."""
    model = _SERVER_EVENT.validate_python(event)
    assert model.type == event["type"]
    unknown = list(_unknown(model, event["type"]))
    assert not unknown, unknown


def _unknown(value: Any, where: str) -> Any:
    if isinstance(value, BaseModel):
        yield from (f"{where}.{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{where}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from _unknown(each, where)
