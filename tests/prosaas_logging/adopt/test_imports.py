"""A hook on a library's import: called once, whenever it comes, and nobody else finds anything changed."""

import importlib
import importlib.util
import runpy
import sys
from collections.abc import Callable, Iterator
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from prosaas_logging.adopt.imports import when_imported

Write = Callable[[str, str], None]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a library that can be imported; imports are afterwards as they were."""
    written: list[str] = []

    def write(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        written.append(name)

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_who_is_imported_later_is_told_of_once_and_when_it_is_loaded(library: Write) -> None:
    told: list[int] = []
    library("hooked_later", "value = 7")
    when_imported("hooked_later", lambda module: told.append(module.value))
    assert told == []
    importlib.import_module("hooked_later")
    importlib.reload(sys.modules["hooked_later"])
    assert told == [7]


def test_who_is_there_already_is_told_of_now(library: Write) -> None:
    told: list[ModuleType] = []
    library("hooked_before", "")
    module = importlib.import_module("hooked_before")
    when_imported("hooked_before", told.append)
    assert told == [module]


@pytest.mark.parametrize("early", [True, False])
def test_a_hook_that_fails_costs_neither_the_library_nor_the_other_hooks(library: Write, early: bool) -> None:
    told: list[str] = []
    library("hooked_badly", "")
    if early:
        importlib.import_module("hooked_badly")
    when_imported("hooked_badly", lambda module: module.no_such_name)
    when_imported("hooked_badly", lambda module: told.append(module.__name__))
    importlib.import_module("hooked_badly")
    assert told == ["hooked_badly"]


def test_a_library_keeps_its_own_loader_and_can_be_run_and_read_as_before(library: Write) -> None:
    library("hooked_main", "value = 7")
    when_imported("hooked_main", lambda _: None)
    # Before it is loaded, as `python -m` does.
    assert runpy.run_module("hooked_main")["value"] == 7
    spec = importlib.util.find_spec("hooked_main")
    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.get_source("hooked_main") == "value = 7"  # type: ignore[attr-defined]
    module = importlib.import_module("hooked_main")
    assert module.__spec__ is not None
    assert isinstance(module.__spec__.loader, SourceFileLoader)
    assert isinstance(module.__loader__, SourceFileLoader)


class Special(ModuleType):
    """Another's own kind of module."""


class Own(Loader):
    """A finder and loader of somebody's own."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == "hooked_special" else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Special(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["value"] = 7


@pytest.mark.parametrize("first", [False, True])
def test_a_loader_that_makes_its_own_kind_of_module_still_makes_it(library: Write, first: bool) -> None:
    """Also where its finder stood before all others when somebody first asked to be told."""
    told: list[object] = []
    library("hooked_special", "value = 8")
    if first:
        others = [finder for finder in sys.meta_path if type(finder).__module__ != when_imported.__module__]
        sys.meta_path[:] = [Own(), *others]  # type: ignore[list-item]
    when_imported("hooked_special", lambda module: told.append((type(module), module.value)))
    if not first:
        finders = [type(finder).__module__ for finder in sys.meta_path]
        sys.meta_path.insert(finders.index(when_imported.__module__) + 1, Own())  # type: ignore[arg-type]
    importlib.import_module("hooked_special")
    assert told == [(Special, 7)]


class Old:
    """Knows nothing of specs, as before Python 3.4."""

    def find_module(self, name: str, path: object = None) -> None:
        return None


def test_a_finder_of_the_old_kind_is_passed_over(library: Write) -> None:
    told: list[str] = []
    library("hooked_behind", "")
    when_imported("hooked_behind", lambda module: told.append(module.__name__))
    sys.meta_path.insert(1, Old())  # type: ignore[arg-type]
    importlib.import_module("hooked_behind")
    assert told == ["hooked_behind"]


def test_a_library_that_is_not_there_is_missing_as_usual(library: Write) -> None:
    when_imported("hooked_nowhere", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="hooked_nowhere"):
        importlib.import_module("hooked_nowhere")
