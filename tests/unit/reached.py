"""Which answers of a pure module a run has come to: for tests that ask whether each branch has an example."""

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

Span = tuple[tuple[int, int], tuple[int, int]]
"""Where an expression begins and ends: line, and column in bytes."""


def unreached(run: Callable[[], object], *modules: ModuleType) -> list[str]:
    """The answers in functions of these modules that this run does not come to, as `module:line: source`.

    An answer is what is returned; of a conditional expression, each side is one. A constant (None, "") is none.
    """
    files = [str(module.__file__) for module in modules]
    done = _executed(run, frozenset(files))
    return [
        f"{Path(file).stem}:{node.lineno}: {ast.unparse(node)}"
        for file in files
        for node in _answers(ast.parse(Path(file).read_text()))
        if not any(_holds(node, span) for span in done[file])
    ]


def _executed(run: Callable[[], object], files: frozenset[str]) -> dict[str, set[Span]]:
    """The spans of the instructions that were executed, by file."""
    done: dict[str, set[Span]] = {file: set() for file in files}
    spans: dict[CodeType, list[Span | None]] = {}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if code.co_filename not in files:
            return None
        frame.f_trace_opcodes = True
        if code not in spans:
            spans[code] = [_span(*position) for position in code.co_positions()]
        if event == "opcode" and (span := spans[code][frame.f_lasti // 2]) is not None:
            done[code.co_filename].add(span)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return done


def _span(line: int | None, end_line: int | None, column: int | None, end_column: int | None) -> Span | None:
    if line is None or end_line is None or column is None or end_column is None:
        return None
    return (line, column), (end_line, end_column)


def _answers(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from _sides(node.value)
        elif isinstance(node, ast.IfExp):
            yield from (*_sides(node.body), *_sides(node.orelse))


def _sides(value: ast.expr) -> Iterator[ast.expr]:
    if not isinstance(value, ast.IfExp | ast.Constant):
        yield value


def _holds(node: ast.expr, span: Span) -> bool:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    begin, end = span
    return (node.lineno, node.col_offset) <= begin and end <= (node.end_lineno, node.end_col_offset)
