"""The small steps: what may be changed in a module's source, as places and what to write there instead.

Tables and bounds at module level are changed too, and whole statements taken out: what redacts, bounds, counts or
drains is mostly one of the three, and the libraries for this leave them as they are.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_OPPOSITE: dict[type[ast.AST], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
    ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.FloorDiv: "*", ast.Div: "*", ast.Mod: "//",
}  # fmt: skip
_INSTEAD = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "iter"}


@dataclass(frozen=True)
class Change:
    """One step: bytes *start* to *end* of a module become *text*."""

    line: int
    start: int
    end: int
    text: str

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    def line_in(self, source: bytes) -> tuple[str, str]:
        """The step's line before and after it."""
        before, after = (text.decode().splitlines() for text in (source, self.applied(source)))
        return before[self.line - 1].strip(), after[min(self.line, len(after)) - 1].strip()


def changes(source: bytes) -> list[Change]:
    """Every step there is in a module, in the order of its lines."""
    found = set(_Steps(source).of(ast.parse(source), inside=False))
    return sorted(found, key=lambda change: (change.line, change.start, change.end, change.text))


class _Steps:
    def __init__(self, source: bytes) -> None:
        self._source = source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def of(self, node: ast.AST, *, inside: bool) -> Iterator[Change]:
        """The steps of a node and of all below it; *inside* a function statements can be taken out."""
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        # A name that is missing there is the linter's to notice.
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return
        yield from self._expression(node)
        if inside and isinstance(node, ast.stmt):
            yield from self._statement(node)
        inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _is_docstring(child):
                    yield from self.of(child, inside=inside)

    def _statement(self, node: ast.stmt) -> Iterator[Change]:
        match node:
            case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Delete():
                yield self._put(node, "pass")
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
                yield self._put(node, "pass")
            # A truth is turned where it stands.
            case ast.Return(value=ast.expr() as value) if not _is_constant(value, (None, True, False)):
                yield self._put(value, "None")
            case ast.Break():
                yield self._put(node, "continue")
            case ast.Continue():
                yield self._put(node, "break")

    def _expression(self, node: ast.AST) -> Iterator[Change]:
        match node:
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                yield self._put(test, f"(not ({self._text(test)}))")
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in _OPPOSITE:
                yield self._between(left, right, _OPPOSITE[type(operator)])
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPPOSITE:
                if not _is_text(left) and not _is_text(right):
                    yield self._between(left, right, _OPPOSITE[type(operator)])
            case ast.BoolOp(op=operator, values=values):
                for value in values:
                    yield self._put(value, "True" if isinstance(operator, ast.And) else "False")
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield self._put(node, f"({self._text(operand)})")
            case ast.Constant(value=bool() as value):
                yield self._put(node, str(not value))
            case ast.Constant(value=int() | float() as value):
                yield self._put(node, f"({value} + 1)")
            case ast.Tuple(elts=[_, _, *_] as rows) | ast.Set(elts=rows) | ast.List(elts=rows):
                if isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and all(map(_is_text, rows)):
                    for row in rows:
                        yield self._put(row, '"taken-out"')
            case ast.Call(func=ast.Name(id=name) as called) if name in _INSTEAD:
                yield self._put(called, _INSTEAD[name])
            case ast.Subscript(value=value, slice=ast.Slice(), ctx=ast.Load()):
                yield self._put(node, self._text(value))

    def _offset(self, line: int, column: int) -> int:
        return self._lines[line - 1] + column

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _text(self, node: ast.expr) -> str:
        start, end = self._span(node)
        return self._source[start:end].decode()

    def _put(self, node: ast.expr | ast.stmt, text: str) -> Change:
        return Change(node.lineno, *self._span(node), text)

    def _between(self, left: ast.expr, right: ast.expr, operator: str) -> Change:
        """Another operator; brackets around either side stay where they are."""
        start, end = self._span(left)[1], self._span(right)[0]
        gap = self._source[start:end].decode()
        closing, opening = gap.count(")"), gap.count("(")
        return Change(left.lineno, start, end, f"{')' * closing} {operator} {'(' * opening}")


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_constant(node: ast.AST, values: tuple[object, ...]) -> bool:
    return isinstance(node, ast.Constant) and any(node.value is value for value in values)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
