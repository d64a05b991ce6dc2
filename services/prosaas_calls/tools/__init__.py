"""What the model can do besides talking: each module here that has a TOOL is one."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from prosaas_calls.tools.base import Tool


@cache
def toolbox() -> dict[str, Tool[Any]]:
    """Every tool by its name."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    tools = (module.TOOL for module in modules if hasattr(module, "TOOL"))
    return {tool.name: tool for tool in tools}


@cache
def declarations() -> list[dict[str, Any]]:
    """The tools as the model is told of them."""
    return [tool.declaration() for tool in toolbox().values()]
