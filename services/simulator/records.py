"""Data from outside (YAML, JSON) into frozen dataclasses, with errors that name the place and the right choices."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class RecordError(ValueError):
    """The data does not fit; the message says where."""


def build(cls: type[T], data: Mapping[str, Any], where: str = "") -> T:
    """Return `cls` made from `data`; unknown keys, missing keys and wrong types are errors."""
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            raise RecordError(f"{where}{key}: unknown; known are {', '.join(fields)}")
    for name, field in fields.items():
        no_default = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if no_default and name not in data:
            raise RecordError(f"{where}{name}: missing")
    return cls(**{key: _value(hints[key], value, f"{where}{key}") for key, value in data.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _value(next(choice for choice in arguments if choice is not type(None)), value, where)
    if origin is Literal:
        if value not in arguments:
            raise RecordError(f"{where}: {value!r}; must be one of {', '.join(map(str, arguments))}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise RecordError(f"{where}: {value!r}; must be a list")
        return tuple(_value(arguments[0], each, f"{where}[{number}]") for number, each in enumerate(value))
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise RecordError(f"{where}: {value!r}; must be a mapping")
        return build(hint, value, f"{where}.")  # type: ignore[arg-type]
    plain = origin or hint
    if plain is float and type(value) is int:
        return float(value)
    if plain is not Any and (not isinstance(value, plain) or (plain is not bool and isinstance(value, bool))):
        raise RecordError(f"{where}: {value!r}; must be {'a mapping' if origin else f'a {plain.__name__}'}")
    return value
