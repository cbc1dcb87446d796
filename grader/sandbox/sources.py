"""What a cell's code can do, told from its text alone: nothing is run, and what cannot be told counts as unknown."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence

MOST_PARSED = 20_000  # letters: Python's own parser takes much memory for more, and no cell of a homework has them
MOST_CODE = 1_000_000  # letters in all cells together; a notebook with more is not looked at
SYNTAX_ERRORS = ("SyntaxError", "IndentationError", "TabError")
MISSING_NAME = re.compile(r"name '(\w+)' is not defined")

_ESCAPES = re.compile(r"^[ \t]*(?:\w[\w, ]*=[ \t]*)?[%!]|^[ \t]*\?|^[^#\n]*\?[ \t]*$", re.MULTILINE)
_HARMLESS = re.compile(r"^[ \t]*%(?:matplotlib|config|load_ext|reload_ext|autoreload|tensorflow_version)\b.*$", re.M)
_COMMANDS = re.compile(
    r"^(?:!|%(?:matplotlib|config|load_ext|reload_ext|autoreload|tensorflow_version|cd|pip|conda|ls|pwd|mkdir|env)\b).*$",
    re.MULTILINE,
)
# Builtins whose results are the same in every process and every version.
_SAFE = frozenset(
    "abs all any ascii bin bool bytes chr complex dict divmod enumerate filter float format int isinstance issubclass "
    "iter len list map max min next oct ord pow print range repr reversed round slice sorted str sum tuple type zip "
    "ArithmeticError Exception IndexError KeyError RuntimeError StopIteration TypeError ValueError "
    "ZeroDivisionError object property staticmethod classmethod super".split()
)
_SAFE_MODULES = frozenset(
    "__future__ bisect collections dataclasses decimal fractions functools heapq itertools json math operator re "
    "statistics string textwrap typing".split()
)
_QUIET_DECORATORS = frozenset(
    "abstractmethod abc classmethod dataclass dataclasses functools jit np numba overload property staticmethod torch "
    "typing".split()
)
_UNFIXED = (
    ast.Set, ast.SetComp, ast.Try, ast.With, ast.AsyncWith, ast.AsyncFor, ast.Await, ast.Global, ast.Nonlocal,
    ast.NamedExpr, ast.Match, ast.Delete,
)  # fmt: skip
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WORD_END = re.compile(r"([^\W\d_]{2,})[\s:=]*$")
_WORD_FIELD = re.compile(r"(?<![^\W\d_])([^\W\d_]{2,40})[ :=]{0,9}(\{[^{}]*\}|%[-+ 0-9.]*[a-zA-Z])")
_FIELD = re.compile(r"\{[^{}]*\}|%[-+ 0-9.]*[a-zA-Z]")
_DECIMALS = re.compile(r"\.(\d{1,2})f\}?$")


def parse_code(text: str) -> ast.Module | None:
    """Return the tree of Python code; None for what is too long or does not parse."""
    if len(text) > MOST_PARSED:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a student's invalid escape sequence is no warning about the grader
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def drop_commands(source: str) -> str:
    """Return a cell's code without the lines that are shell commands or magics of a kind that defines no name."""
    return _COMMANDS.sub("", source)


def escapes_python(source: str) -> bool:
    """Return whether what a cell prints comes from outside its Python: shell commands, magics, IPython's help."""
    return _ESCAPES.search(_HARMLESS.sub("", source)) is not None


def find_bound(tree: ast.AST) -> frozenset[str]:
    """Return every name that the code gives a value to, at any depth; ``*`` for a star import."""
    return frozenset(_bound(tree))


def _bound(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def prints_nothing(tree: ast.Module) -> bool:
    """Return whether the code only defines: functions, classes, values without a call."""
    return all(map(_is_quiet, tree.body))


def _is_quiet(statement: ast.stmt) -> bool:
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)) and not all(
        map(_is_quiet_decorator, statement.decorator_list)
    ):
        return False
    if isinstance(statement, _FUNCTIONS):
        defaults = (*statement.args.defaults, *(value for value in statement.args.kw_defaults if value))
        return not any(map(_calls, defaults))
    if isinstance(statement, ast.ClassDef):
        inner = [part for part in statement.body if not _is_docstring(part)]
        return all(map(_is_quiet, inner)) and not any(map(_calls, (*statement.bases, *statement.keywords)))
    return isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Pass)) and not _calls(statement)


def _is_quiet_decorator(decorator: ast.expr) -> bool:
    while isinstance(decorator, (ast.Call, ast.Attribute)):
        decorator = decorator.func if isinstance(decorator, ast.Call) else decorator.value
    return isinstance(decorator, ast.Name) and decorator.id in _QUIET_DECORATORS


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _calls(tree: ast.AST) -> bool:
    return any(isinstance(node, (ast.Call, ast.Await)) for node in ast.walk(tree))


def find_fixed(trees: Sequence[ast.Module | None], *, in_order: bool) -> frozenset[int]:
    """Return the places of the cells whose output is the same wherever they run: no data, no chance, no library.

    Values are followed from cell to cell only where ``in_order`` says that every cell ran once, from top to bottom.
    """
    everywhere = frozenset(name for tree in trees if tree for name in _bound(tree))
    if None in trees or "*" in everywhere:  # who knows what that cell defines
        return frozenset()
    safe = _SAFE - everywhere
    fixed: set[int] = set()
    suspect: set[str] = set()  # named where something unknown happens, so perhaps changed by it
    known: set[str] = set()
    for place, tree in enumerate(trees):
        known = known if in_order else set()
        results = [_follow(statement, safe, known, suspect) for statement in (tree.body if tree else ())]
        if all(results):
            fixed.add(place)
    return frozenset(fixed)


def _follow(statement: ast.stmt, safe: frozenset[str], known: set[str], suspect: set[str]) -> bool:
    """Return whether a statement is fixed; ``known`` and ``suspect`` afterwards say what it leaves."""
    if _is_fixed(statement, safe | known):
        if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, *_FUNCTIONS, ast.ClassDef)):
            known |= _find_results(statement) - suspect
        return True
    suspect |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)} | set(_bound(statement))
    known -= suspect
    return False


def _find_results(statement: ast.stmt) -> frozenset[str]:
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        return frozenset({statement.name})
    return find_bound(statement)


def _is_fixed(statement: ast.stmt, allowed: frozenset[str]) -> bool:
    loaded: set[str] = set()
    inner: set[str] = set()
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        inner |= find_bound(statement)
    for node in ast.walk(statement):
        if isinstance(node, _UNFIXED) or (isinstance(node, ast.Attribute) and node.attr.startswith("__")):
            return False
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not _is_safe_import(node):
            return False
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            loaded.add(node.id)
        elif isinstance(node, ast.AugAssign):
            loaded |= {part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)}
        elif isinstance(node, (ast.comprehension, ast.For)):
            inner |= find_bound(node.target)
        elif isinstance(node, ast.Lambda):
            inner |= find_bound(node.args)
    return loaded <= allowed | inner


def _is_safe_import(node: ast.Import | ast.ImportFrom) -> bool:
    names = [node.module or "."] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    return all(name.split(".")[0] in _SAFE_MODULES for name in names)


def find_formats(trees: Iterable[ast.Module | None]) -> dict[str, frozenset[int]]:
    """Return, for the words that the code prints right before a number, how many decimals the code gives it.

    A word that is ever printed before a number of free form is left out.
    """
    formats: dict[str, set[int | None]] = {}
    for tree in trees:
        for node in ast.walk(tree) if tree else ():
            for word, decimals in _formats_in(node):
                formats.setdefault(word.lower(), set()).add(decimals)
    return {
        word: frozenset(count for count in counts if count is not None)
        for word, counts in formats.items()
        if None not in counts
    }


def _formats_in(node: ast.AST) -> Iterator[tuple[str, int | None]]:
    if isinstance(node, ast.JoinedStr):
        for before, after in zip(node.values, (*node.values[1:], None), strict=True):
            if isinstance(after, ast.FormattedValue) and isinstance(before, ast.Constant):
                if word := _WORD_END.search(str(before.value)[-80:]):
                    spec = ast.unparse(after.format_spec)[2:-1] if after.format_spec else ""
                    yield word[1], _decimals(spec)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        for match in _WORD_FIELD.finditer(node.value):
            yield match[1], _decimals(match[2])
    elif isinstance(node, (ast.Call, ast.BinOp, ast.Dict)):  # print("accuracy", x), "accuracy" + str(x)
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                if word := _WORD_END.search(part.value[-80:]):
                    yield word[1], None


def find_literals(trees: Iterable[ast.Module | None]) -> list[str]:
    """Return all words that stand in strings of the code, with a zero where something is put into them."""
    texts: list[str] = []
    for tree in trees:
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.JoinedStr):
                parts = (str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
                texts.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(_FIELD.sub("\0", node.value))
    return texts


def _decimals(spec: str) -> int | None:
    match = _DECIMALS.search(spec)
    return int(match[1]) if match else None
