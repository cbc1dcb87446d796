"""Programs in NumPy to expressions: assignments, loops over ``range``, conditions. They are worked out, never run.

``ast`` reads them; every line must be of a kind that is listed here, and every formula in it is read as any other is.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from grader.formula.faults import MAX_CHARACTERS, MAX_PASSAGE, TooMuch, Unread
from grader.formula.meaning import read_meaning
from grader.formula.python import parse_lines, read_python
from grader.formula.setting import Definition, Setting
from grader.formula.symbols import Key
from grader.formula.tree import Add, Choice, Div, Expr, Give, Loop, Mul, Num, Program, Set, Step, Sym, Var

_SIGNS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=", ast.NotEq: "!="}
_CONTAINERS = (ast.Dict, ast.List, ast.ListComp, ast.DictComp)
_FENCE = re.compile(r"```[a-zA-Z]*\n(.*?)```", re.DOTALL)
_CODE_LINE = re.compile(
    r"\s*(for\s+\w+\s+in\s+((range|reversed)\s*\(|[(\[]?\s*\d\s*,).*:|def\s+\w+\s*\(.*:|while\s.*:|\w+(\[[^\]]*\])?\s*[-+]=\s.*)\s*(#.*)?$"
)
_NUMPY = re.compile(r"\b(np|numpy|torch)\.|\.T\b|\.(sum|max|dot|t)\(|\s@\s")
MAX_STEPS = 40


def is_plain(program: str) -> bool:
    """Whether a program is nothing but assignments, so that its last line may say all."""
    *before, last = parse_lines(program) or [ast.Pass()]
    allowed = (ast.Assign, ast.Import, ast.ImportFrom)
    return all(isinstance(node, allowed) for node in before) and isinstance(last, ast.Assign | ast.Expr)


def split_program(text: str) -> tuple[str, str]:
    """Return the program that a passage holds ("" for none) and the rest of the passage.

    Raises Unread for code that cannot be told from what stands around it, and for several programs.
    """
    if len(text) > MAX_PASSAGE:
        return "", text
    found = [match for match in _FENCE.finditer(text) if _is_program(match[1])]
    if len(found) > 1:
        raise Unread("several programs", text=text, position=found[1].start())
    if found:
        return textwrap.dedent(found[0][1]), text[: found[0].start()] + text[found[0].end() :]
    return _split_lines(_FENCE.sub(lambda match: "\n" * match[0].count("\n"), text), text)


def _split_lines(plain: str, text: str) -> tuple[str, str]:
    """Find a program that stands among the lines of a passage without a fence."""
    lines = plain.splitlines()
    marked = [number for number, line in enumerate(lines) if _CODE_LINE.match(line)]
    if not marked:
        all_code = all(_is_line(line) for line in lines if line.strip()) and _NUMPY.search(text)
        return (text, "") if all_code and _is_program(text) else ("", text)
    start, end = marked[0], marked[-1] + 1
    while start and _is_line(lines[start - 1]):
        start -= 1
    while end < len(lines) and (_is_line(lines[end]) or (lines[end][:1].isspace() and lines[end].strip())):
        end += 1
    program = textwrap.dedent("\n".join(lines[start:end]))
    if not _is_program(program):
        raise Unread("this code is not understood", text=lines[marked[0]], position=0)
    return program, "\n".join([*lines[:start], *lines[end:]])


def _is_line(line: str) -> bool:
    """Whether a line is an assignment or a comment."""
    body = parse_lines(line.strip())
    if body is None or not line.strip():
        return False
    return all(isinstance(node, ast.Assign | ast.AugAssign | ast.Return) for node in body)


def _is_program(text: str) -> bool:
    """Whether a text is Python of more than one formula: loops, functions, conditions, growing sums, several lines."""
    body = parse_lines(textwrap.dedent(text))
    if not body:
        return False
    lines = [node for node in body if not isinstance(node, ast.Import | ast.ImportFrom)]
    parts = [node for part in lines for node in ast.walk(part)]
    return (len(lines) > 1 and any(isinstance(node, ast.Assign) for node in lines)) or any(
        isinstance(node, ast.For | ast.While | ast.FunctionDef | ast.If | ast.AugAssign) for node in parts
    )


def read_program(text: str, setting: Setting) -> Program:
    """Return what a program comes to. Raises Unread for whatever is not listed here."""
    if len(text) > MAX_CHARACTERS:
        raise TooMuch(f"a program of {len(text)} characters is too long to read")
    body = parse_lines(text)
    if not body:
        raise Unread("looks like Python and is none", text=text, position=0)
    return _Reader(text, setting, body).read()


class _Reader:
    def __init__(self, text: str, setting: Setting, body: list[ast.stmt]) -> None:
        self.text, self.body, self.steps = text, _unfold(body), 0
        self.indexed = {_find_name(node) for part in self.body for node in ast.walk(part) if _is_indexed(node)}
        self.names = list(dict.fromkeys(name for part in self.body for name in _find_targets(part)))
        parts = [node for part in self.body for node in ast.walk(part)]
        loops = [node.target.id for node in parts if isinstance(node, ast.For) and isinstance(node.target, ast.Name)]
        letters = {"t", "i", "T", *setting.times}
        self.names = [name for name in self.names if name not in letters]
        definitions: dict[Key, Definition] = {}
        for number, name in enumerate(self.names):
            indices = ("_1",) if name in self.indexed else ()
            expr = Sym(f"${name}", tuple(Var(index) for index in indices))
            definitions[f"\\local{number}", ()] = Definition(indices=indices, expr=expr)
        self.setting = replace(setting, times=tuple(dict.fromkeys((*setting.times, *loops))), definitions=definitions)
        self.asked = setting.times

    def fail(self, node: ast.AST, reason: str = "this line is not understood") -> Unread:
        lines = self.text.splitlines(keepends=True)
        position = sum(map(len, lines[: getattr(node, "lineno", 1) - 1])) + getattr(node, "col_offset", 0)
        return Unread(reason, text=self.text, position=position)

    def read(self) -> Program:
        steps = tuple(self.read_steps(self.body))
        return Program(steps, self.find_result())

    def find_result(self) -> Expr:
        """Return the variable that holds the answer where nothing is returned: the growing sum, else the last one."""
        last = self.body[-1]
        if isinstance(last, ast.Return):
            return Num(0.0)  # never looked at
        if isinstance(last, ast.Expr):
            return self.read_expr(last.value)
        grown = {name for node in ast.walk(last) if isinstance(node, ast.AugAssign) for name in _find_targets(node)}
        before = {name for part in self.body[:-1] for name in _find_targets(part)}
        changed = [name for name in _find_targets(last) if name in before or not isinstance(last, ast.For)]
        chosen = [name for name in changed if name in grown] or changed[-1:]
        if len(set(chosen)) != 1:
            raise self.fail(last, "which variable is the answer is not clear")
        if chosen[0] in self.indexed:
            return Sym(f"${chosen[0]}", tuple(Var(name) for name in self.asked[-1:]))
        return Sym(f"${chosen[0]}", ())

    def read_steps(self, body: Sequence[ast.stmt]) -> Iterator[Step]:
        for node in body:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise TooMuch(f"a program of more than {MAX_STEPS} lines")
            step = self.read_step(node)
            if step is not None:
                yield step

    def read_step(self, node: ast.stmt) -> Step | None:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Expr(value=ast.Constant()):
                return None
            case ast.Assign(targets=[target]):
                return self.read_set(target, node.value)
            case ast.AugAssign():
                return self.read_set(node.target, node.value, node.op)
            case ast.For(orelse=[]):
                return self.read_loop(node)
            case ast.If():
                return self.read_choice(node)
            case ast.Return(value=ast.expr() as value):
                return Give(self.read_expr(value))
            case ast.Expr() if node is self.body[-1]:
                return None  # the result
        raise self.fail(node)

    def read_set(self, target: ast.expr, value: ast.expr, op: ast.operator | None = None) -> Step | None:
        if isinstance(target, ast.Name) and target.id == "T" and isinstance(value, ast.Constant) and value.value == 3:
            return None
        name = _find_name(target)
        if name not in self.names:
            raise self.fail(target)
        if isinstance(value, _CONTAINERS) or _is_call(value, "dict") or _is_call(value, "list"):
            return None
        if isinstance(value, ast.BinOp) and isinstance(value.left, ast.List):  # [None] * (T + 1)
            return None
        indices = (self.read_expr(target.slice),) if isinstance(target, ast.Subscript) else ()
        if op is None and not indices and name in self.indexed:
            if _is_call(value, "zeros") or _is_call(value, "zeros_like") or _is_call(value, "empty"):
                return None  # room for all steps
            raise self.fail(target)
        if op is None:
            return Set(f"${name}", indices, self.read_expr(value))
        before, more = Sym(f"${name}", indices), self.read_expr(value)
        match op:
            case ast.Add() | ast.Sub():
                return Set(before.name, indices, Add(((1, before), (1 if isinstance(op, ast.Add) else -1, more))))
            case ast.Mult():
                return Set(before.name, indices, Mul("star", before, more))
            case ast.Div():
                return Set(before.name, indices, Div(before, more))
        raise self.fail(target)

    def read_loop(self, node: ast.For) -> Step:
        call, turned = node.iter, False
        if isinstance(call, ast.Call) and _is_call(call, "reversed") and len(call.args) == 1:
            call, turned = call.args[0], True
        if isinstance(node.target, ast.Name) and isinstance(call, ast.Tuple | ast.List):
            return self.read_listed(node.target.id, call, node, turned=turned)
        if not isinstance(node.target, ast.Name) or not isinstance(call, ast.Call) or not _is_call(call, "range"):
            raise self.fail(node, "this loop is not understood")
        bounds = [self.read_expr(item) for item in call.args]
        stride = call.args[2] if len(call.args) == 3 else None
        down = isinstance(stride, ast.UnaryOp) and isinstance(stride.op, ast.USub)
        size = stride.operand if isinstance(stride, ast.UnaryOp) else stride
        if not 1 <= len(bounds) <= 3 or (size is not None and not (isinstance(size, ast.Constant) and size.value == 1)):
            raise self.fail(node, "this loop is not understood")
        low, stop = (Num(0.0), bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[1])
        return Loop(node.target.id, low, stop, down, turned, tuple(self.read_steps(node.body)))

    def read_listed(self, name: str, listed: ast.Tuple | ast.List, node: ast.For, *, turned: bool) -> Step:
        """Read ``for t in 1, 2, 3:``, whose numbers must go up or down by one."""
        numbers = [item.value for item in listed.elts if isinstance(item, ast.Constant) and type(item.value) is int]
        if len(numbers) != len(listed.elts) or {b - a for a, b in pairwise(numbers)} not in ({1}, {-1}):
            raise self.fail(node, "this loop is not understood")
        down = numbers[0] > numbers[-1]
        stop = numbers[-1] + (-1 if down else 1)
        steps = tuple(self.read_steps(node.body))
        return Loop(name, Num(float(numbers[0])), Num(float(stop)), down, turned, steps)

    def read_choice(self, node: ast.If) -> Step:
        test = node.test
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in _SIGNS:
            raise self.fail(node, "this condition is not understood")
        sides = (self.read_expr(test.left), self.read_expr(test.comparators[0]))
        body, other = (tuple(self.read_steps(part)) for part in (node.body, node.orelse))
        return Choice(sides[0], _SIGNS[type(test.ops[0])], sides[1], body, other)

    def read_expr(self, node: ast.expr) -> Expr:
        tree = read_python(node, self.text, self.setting.table.vocabulary, self.names)
        return read_meaning(tree, self.setting, self.text).expr


def _unfold(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the lines of a single function for the function."""
    body = [node for node in body if not isinstance(node, ast.Import | ast.ImportFrom)]
    if len(body) == 1 and isinstance(body[0], ast.FunctionDef):
        return body[0].body
    return body


def _is_call(node: ast.expr, name: str) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return name == (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""))


def _find_name(node: ast.AST) -> str:
    """Return the variable that ``name`` or ``name[index]`` stands for, "" for anything else."""
    inner = node.value if isinstance(node, ast.Subscript) else node
    return inner.id if isinstance(inner, ast.Name) else ""


def _is_indexed(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and not isinstance(node.slice, ast.Slice | ast.Tuple)
    )


def _find_targets(node: ast.AST) -> Iterator[str]:
    """Yield the variables that a line or block assigns, in order, loops' own left out."""
    for inner in ast.walk(node):
        targets = inner.targets if isinstance(inner, ast.Assign) else []
        for target in [inner.target] if isinstance(inner, ast.AugAssign) else targets:
            if name := _find_name(target):
                yield name
