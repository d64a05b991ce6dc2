"""Hooks that run when a library is imported, so that a library that nobody uses costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Action = Callable[[Any], None]

_actions: dict[str, list[Action]] = {}


def when_imported(name: str, action: Action) -> None:
    """Call *action* with the module *name*, now or once it is imported; what the action raises is ignored."""
    module = sys.modules.get(name)
    if module is not None:
        with suppress(Exception):
            action(module)
        return
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    _actions.setdefault(name, []).append(action)


def afterwards(owner: Any, name: str, then: Action) -> None:
    """Whenever the method *name* of a class is done, call *then* with its object."""
    method = getattr(owner, name)

    @wraps(method)
    def done(own: Any, *arguments: Any, **named: Any) -> None:
        method(own, *arguments, **named)
        then(own)

    setattr(owner, name, done)


class _Finder(MetaPathFinder):
    """Asks the other finders, and has the loader that they name tell when it is done."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _actions:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Telling(spec.loader)
                return spec
        return None


class _Telling(Loader):
    """A loader, and what is to be done when it has loaded."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            # Who asks a module for its loader, for resources or sources, is to find the one it would have found.
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        for action in _actions.pop(module.__name__, []):
            with suppress(Exception):
                action(module)
