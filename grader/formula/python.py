"""NumPy text to the syntax tree that LaTeX gives, through ``ast`` and a whitelist; nothing of it is ever run."""

from __future__ import annotations

import ast
import contextlib
import re
import warnings
from collections.abc import Sequence
from typing import Any

from lark import Token, Tree

from grader.formula.faults import MAX_CHARACTERS, MAX_DEPTH, MAX_DIGITS, TooMuch, Unread
from grader.formula.lexer import Vocabulary, read_tokens
from grader.formula.parse import Syntax, parse_tokens

_BINARY = {ast.Mult: "star", ast.MatMult: "matmul", ast.Div: "over"}
_EINSUM_LETTERS = "ABDEFKLMNP"  # capitals number components, never times
_MODULES = ("np", "numpy", "torch", "np.linalg", "numpy.linalg", "torch.linalg")
_CALLS = {"dot": "matmul", "matmul": "matmul", "outer": "outer", "multiply": "odot"}


def parse_python(text: str, vocabulary: Vocabulary) -> tuple[Syntax | None, Syntax]:
    """Return (left side or None, right side) of the last NumPy-like line: names, calls and operators, never run.

    Raises Unread for anything beyond the whitelist.
    """
    if len(text) > MAX_CHARACTERS:
        raise TooMuch(f"a formula of {len(text)} characters is too long to read")
    body = parse_lines(text.strip())
    if body is None:
        raise Unread("looks like Python and is none", text=text, position=0)
    if not body:
        raise Unread("no formula in the code", text=text, position=0)
    reader = _PythonReader(text, vocabulary)
    last = body[-1]
    if isinstance(last, ast.Assign) and len(last.targets) == 1:
        left: Syntax | None = None
        with contextlib.suppress(Unread):  # a name of the writer's own
            left = reader.read_start(last.targets[0])
        return left, reader.read_start(last.value)
    if isinstance(last, ast.Expr):
        return None, reader.read_start(last.value)
    if isinstance(last, ast.Return) and last.value is not None:
        return None, reader.read_start(last.value)
    raise Unread("this statement is no formula", text=text, position=last.col_offset)


def parse_lines(text: str) -> list[ast.stmt] | None:
    """Return the statements of a piece of Python, None where it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # about what students write, to nobody
            return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def read_python(node: ast.expr, text: str, vocabulary: Vocabulary, names: Sequence[str]) -> Syntax:
    r"""Return the tree of one Python expression, in which ``names`` are variables: ``\local0``, ``\local1``...

    Raises Unread for anything beyond the whitelist.
    """
    reader = _PythonReader(text, vocabulary)
    reader.names = list(names)
    return reader.read_start(node)


def _wrap(rule: str, *children: Any) -> Syntax:
    return Tree(rule, list(children))


def _token(kind: str, value: str) -> Token:
    return Token(kind, value)


def _bracket(inside: Syntax) -> Syntax:
    """Return a sum in round brackets, as an item."""
    listed = _wrap("list", _wrap("relation", inside))
    return _wrap("item", _wrap("group", _token("LPAR", "("), listed, _token("RPAR", ")")))


def _order_operands(operands: list[list[Any]], out: str) -> list[list[Any]] | None:
    """Return [indices, operand, transposed] with the output's indices in their order; None where that cannot be."""
    if len(out) == 2 and not any(set(out) <= set(labels) for labels, _, _ in operands):
        operands = sorted(operands, key=lambda entry: out[1] in entry[0])
    operands = [[out, item, True] if labels == out[::-1] and len(set(out)) == 2 else [labels, item, False]
                for labels, item, _ in operands]  # fmt: skip
    seen = "".join(dict.fromkeys(char for labels, _, _ in operands for char in labels if char in out))
    return operands if seen == out else None


class _PythonReader:
    """Python's syntax tree to ours; positions are columns of the code."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text, self.vocabulary, self.depth = text, vocabulary, 0
        self.names: list[str] = []

    def read_start(self, node: ast.expr) -> Syntax:
        return _wrap("start", _wrap("relation", self.read_sum(node)))

    def read_sum(self, node: ast.expr) -> Syntax:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooMuch(f"nested deeper than {MAX_DEPTH}", text=self.text, position=node.col_offset)
        result = self._read_sum(node)
        self.depth -= 1
        return result

    def _read_sum(self, node: ast.expr) -> Syntax:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            sign = "+" if isinstance(node.op, ast.Add) else "-"
            return _wrap("sum", self.read_term(node.left), _token("SIGN", sign), self.read_term(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            return _wrap(
                "sum", _token("SIGN", "-" if isinstance(node.op, ast.USub) else "+"), self.read_term(node.operand)
            )
        return _wrap("sum", self.read_term(node))

    def read_term(self, node: ast.expr) -> Syntax:
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            matrices = [bool(re.match(r"W|.*\.T$", ast.unparse(side))) for side in (node.left, node.right)]
            if isinstance(node.op, ast.Mult) and any(matrices):
                raise Unread("* is elementwise in NumPy", text=self.text, position=node.col_offset)
            op = _token("OP", _BINARY[type(node.op)])
            return _wrap("term", self.read_item(node.left), op, self.read_item(node.right))
        return _wrap("term", self.read_item(node))

    def read_item(self, node: ast.expr) -> Syntax:
        if isinstance(node, ast.Name):
            return self._read_name(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            if not abs(node.value) < 10**MAX_DIGITS:
                raise TooMuch("a number with too many digits", text=self.text, position=node.col_offset)
            return _wrap("item", _token("NUMBER", str(node.value)))
        if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
            return self._with_script(node.value, _wrap("sup", _token("SUP", "^"), _token("NAME", "T")))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            if re.match(r"W|.*\.T$", ast.unparse(node.left)):
                raise Unread("** is elementwise in NumPy", text=self.text, position=node.col_offset)
            power = _wrap("brace", _wrap("list", _wrap("relation", self.read_sum(node.right))))
            return self._with_script(node.left, _wrap("sup", _token("SUP", "^"), power))
        if isinstance(node, ast.Subscript):
            return self._read_index(node)
        if isinstance(node, ast.Call):
            return self._read_call(node)
        if isinstance(node, ast.BinOp | ast.UnaryOp):
            return self._group(node)
        raise Unread(f"{type(node).__name__} is not allowed in a formula", text=self.text, position=node.col_offset)

    def _group(self, node: ast.expr) -> Syntax:
        """Return an expression in brackets."""
        inside = _wrap("list", _wrap("relation", self.read_sum(node)))
        return _wrap("item", _wrap("group", _token("LPAR", "("), inside, _token("RPAR", ")")))

    def _with_script(self, base: ast.expr, script: Syntax) -> Syntax:
        item = self.read_item(base)
        return _wrap("item", *item.children, script)

    def _read_name(self, node: ast.Name) -> Syntax:
        if node.id in self.names:
            return _wrap("item", _token("NAME", f"\\local{self.names.index(node.id)}"))
        base, _, labels = node.id.partition("_")
        text = f"{base}_{{{labels.replace('_', ' ')}}}" if labels and node.id not in self.vocabulary.words else node.id
        if node.id in self.vocabulary.functions or node.id in self.vocabulary.words:
            kind = "FUNC" if node.id in self.vocabulary.functions else "NAME"
            return _wrap("item", _token(kind, node.id))
        tokens = read_tokens(text, self.vocabulary)
        tree = parse_tokens(tokens, self.text)
        term: Any = tree.children[0].children[0].children[-1]  # type: ignore[union-attr]
        if len(term.children) != 1:
            raise Unread(f"the name {node.id} is not known", text=self.text, position=node.col_offset)
        item: Syntax = term.children[0]
        return item

    def _read_index(self, node: ast.Subscript) -> Syntax:
        entries = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        relations = [_wrap("relation", self.read_sum(entry)) for entry in entries if not isinstance(entry, ast.Slice)]
        if not relations:
            return self.read_item(node.value)
        return self._with_script(
            node.value, _wrap("sub", _token("SUB", "_"), _wrap("brace", _wrap("list", *relations)))
        )

    def _call(self, name: str, argument: ast.expr) -> Syntax:
        """Return a function of one argument, in brackets of its own."""
        function = _wrap("item", _token("FUNC", name))
        inside = _wrap("list", _wrap("relation", self.read_sum(argument)))
        group = _wrap("item", _wrap("group", _token("LPAR", "("), inside, _token("RPAR", ")")))
        called = _wrap("list", _wrap("relation", _wrap("sum", _wrap("term", function, group))))
        return _wrap("item", _wrap("group", _token("LPAR", "("), called, _token("RPAR", ")")))

    def _read_sum_over(self, node: ast.GeneratorExp | ast.ListComp) -> Syntax:
        """Read ``sum(a[i] for i in range(1, t + 1))`` as a sum with bounds."""
        loop = node.generators[0]
        ranged = isinstance(loop.iter, ast.Call) and getattr(loop.iter.func, "id", "") == "range"
        bounds = loop.iter.args if isinstance(loop.iter, ast.Call) and ranged else []
        if len(node.generators) != 1 or loop.ifs or not isinstance(loop.target, ast.Name) or len(bounds) not in (1, 2):
            raise Unread("this sum is not understood", text=self.text, position=node.col_offset)
        low = bounds[0] if len(bounds) == 2 else ast.Constant(value=0, col_offset=node.col_offset)
        one = ast.Constant(value=1, col_offset=node.col_offset)
        high = ast.BinOp(left=bounds[-1], op=ast.Sub(), right=one, col_offset=node.col_offset)
        start = _wrap("relation", _wrap("sum", _wrap("term", self.read_item(loop.target))), _token("REL", "="))
        start.children.append(self.read_sum(low))
        end = _wrap("relation", self.read_sum(high))
        big = _wrap(
            "item",
            _token("BIG", "sum"),
            _wrap("sub", _token("SUB", "_"), _wrap("brace", _wrap("list", start))),
            _wrap("sup", _token("SUP", "^"), _wrap("brace", _wrap("list", end))),
        )
        inside = _wrap("list", _wrap("relation", _wrap("sum", _wrap("term", big, self._group(node.elt)))))
        return _wrap("item", _wrap("group", _token("LPAR", "("), inside, _token("RPAR", ")")))

    def _read_einsum(self, node: ast.Call, arguments: Sequence[ast.expr]) -> Syntax:
        """Read ``einsum('ab,b->a', A, x)`` as Σ_b A_{ab} x_b, the output's first index first."""
        spec = arguments[0].value if isinstance(arguments[0], ast.Constant) else ""
        match = re.fullmatch(r"([a-z]{1,2}(?:,[a-z]{1,2})*)->([a-z]{0,2})", str(spec).replace(" ", ""))
        if match is None or match[1].count(",") + 2 != len(arguments):
            raise Unread("this einsum is not understood", text=self.text, position=node.col_offset)
        letters = dict(zip(dict.fromkeys(match[1].replace(",", "")), _EINSUM_LETTERS, strict=False))
        renamed = [["".join(letters[char] for char in part), item, False] for part, item in
                   zip(match[1].split(","), arguments[1:], strict=True)]  # fmt: skip
        out = "".join(letters.get(char, "") for char in match[2])
        ordered = _order_operands(renamed, out)
        if ordered is None or set(match[2]) - set(letters):
            raise Unread("this einsum is not understood", text=self.text, position=node.col_offset)
        factors: list[Any] = []
        for labels, item, turned in ordered:
            base = self._group(item)
            if turned:
                inside = _wrap("item", *base.children, _wrap("sup", _token("SUP", "^"), _token("NAME", "T")))
                base = _bracket(_wrap("sum", _wrap("term", inside)))
            entries = [
                _wrap("relation", _wrap("sum", _wrap("term", _wrap("item", _token("NAME", label))))) for label in labels
            ]
            script = _wrap("sub", _token("SUB", "_"), _wrap("brace", _wrap("list", *entries)))
            factors += [_token("OP", "star"), _wrap("item", *base.children, script)]
        signs = [_wrap("item", _token("BIG", "sum"), _wrap("sub", _token("SUB", "_"), _token("NAME", letter)))
                 for letter in letters.values() if letter not in out]  # fmt: skip
        return _bracket(_wrap("sum", _wrap("term", *signs, *factors[1:])))

    def _read_call(self, node: ast.Call) -> Syntax:
        if any(word.arg not in ("dim", "axis", "keepdims", "keepdim") for word in node.keywords):
            raise Unread("keyword arguments are not read", text=self.text, position=node.col_offset)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        module = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in _MODULES
        arguments = list(node.args)
        if isinstance(node.func, ast.Attribute) and not module:
            arguments.insert(0, node.func.value)
        if name in _CALLS and len(arguments) == 2:
            op = _token("OP", _CALLS[name])
            term = _wrap("term", self.read_item(arguments[0]), op, self.read_item(arguments[1]))
            inside = _wrap("list", _wrap("relation", _wrap("sum", term)))
            return _wrap("item", _wrap("group", _token("LPAR", "("), inside, _token("RPAR", ")")))
        if name in ("transpose", "t") and len(arguments) == 1:
            return self._with_script(arguments[0], _wrap("sup", _token("SUP", "^"), _token("NAME", "T")))
        if name == "matrix_power" and len(arguments) == 2:
            power = _wrap("brace", _wrap("list", _wrap("relation", self.read_sum(arguments[1]))))
            return self._with_script(arguments[0], _wrap("sup", _token("SUP", "^"), power))
        if name == "einsum" and len(arguments) > 1:
            return self._read_einsum(node, arguments)
        if name in ("zeros", "zeros_like") and arguments:
            return _wrap("item", _token("NUMBER", "0"))
        if name == "sum" and len(arguments) == 1 and isinstance(arguments[0], ast.GeneratorExp | ast.ListComp):
            return self._read_sum_over(arguments[0])
        if name in ("sum", "max") and len(arguments) == 1 and not isinstance(arguments[0], ast.List):
            bare = isinstance(arguments[0], ast.Name) and arguments[0].id not in self.names
            if bare and not ast.unparse(arguments[0]).endswith("_t"):  # o_t is one vector; is g a list of them?
                raise Unread("of which entries or steps?", text=self.text, position=node.col_offset)
            return self._call(f"entries_{name}", arguments[0])
        if name in ("array", "asarray", "copy") and len(arguments) == 1 and not isinstance(arguments[0], ast.List):
            return self.read_item(arguments[0])
        if name in self.vocabulary.functions and len(arguments) == 1:
            return self._call(name, arguments[0])
        raise Unread(f"the function {name or '?'} is not known", text=self.text, position=node.col_offset)
