"""Which module of services/ imports which, read off the source.

Every import counts, also one inside a function; what stands under `if TYPE_CHECKING` is for the type checker alone and
does not. That a module lies in a package is no import of that package's own file: only to name it is.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

Arrows = dict[str, set[str]]


def arrows(services: Path, package: str) -> Arrows:
    """By module of the package, in dots, the modules that it imports: those below `services`, and their packages."""
    return {dotted(services, file): set(_imported(services, file)) for file in (services / package).rglob("*.py")}


def circles(arrows: Arrows) -> Arrows:
    """What is left of them once all is gone that leads, or is led to, nowhere: modules that import one another."""
    left = arrows
    while loose := {here for here, there in left.items() if not there & {*left}}:
        left = {here: there for here, there in left.items() if here not in loose}
    while loose := left.keys() - set().union(*left.values()):
        left = {here: there for here, there in left.items() if here not in loose}
    return {here: there & {*left} for here, there in left.items()}


def dotted(services: Path, file: Path) -> str:
    """The name that it is imported by."""
    return ".".join(file.relative_to(services).with_suffix("").parts).removesuffix(".__init__")


def _imported(services: Path, file: Path) -> Iterator[str]:
    package = file.parent.relative_to(services).parts
    here = dotted(services, file)
    for node in _counted(ast.parse(file.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            above = package[: len(package) + 1 - node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [_module(services, base, alias.name) for alias in node.names]
        yield from (name for name in names if name != here and (services / name.partition(".")[0]).is_dir())


def _module(services: Path, base: str, name: str) -> str:
    """`from base import name` is about a module of that name, where there is one."""
    path = services.joinpath(*base.split("."), name)
    return f"{base}.{name}" if path.is_dir() or path.with_suffix(".py").is_file() else base


def _counted(nodes: Iterable[ast.AST]) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _counted(node.orelse)
        else:
            yield from _counted(ast.iter_child_nodes(node))
