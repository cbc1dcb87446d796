"""Something added to a YAML text, as text: comments, spaces and everything else stay as they are, byte by byte.

PyYAML writes a document anew and loses its comments. Here only the place is found from the nodes' marks; what is added
is written in the style of what stands there already. Afterwards both texts are read and compared: a text of which
anything but the addition has changed is never returned.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from grader.codec import read_yaml
from grader.errors import ConfigError

Path_ = tuple[str | int, ...]
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = re.compile(r"[a-z][a-z0-9_]*(?:\|[a-z]+)*")
_NOT_PLAIN = frozenset("true false null yes no on off y n".split())
_HARMLESS = "\u200c\u200d"  # Persian's joiners
_WIDTH = 118


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What is added: ``value`` as the last item of the list at ``path``, or under ``key`` of the mapping there.

    ``after`` is the item of the list behind which it goes, None for the last one. A list that is not there yet is made.
    """

    path: Path_
    value: Any
    key: str | None = None
    after: int | None = None


def insert(text: str, addition: Addition, *, quote: str = '"') -> str:
    """Return ``text`` with the addition. Raises ValueError where it cannot be put there and nothing else be changed.

    ``quote`` is the sign that strings are quoted with where they may be quoted with either.
    """
    before = _read(text)
    parent = _find(before, addition.path[:-1])
    if addition.key is None and isinstance(parent, dict) and addition.path[-1] not in parent:
        addition = Addition(path=addition.path[:-1], key=str(addition.path[-1]), value=[addition.value])
    wanted = _add(before, addition)
    node = _compose(text, addition.path)
    after = _insert_flow(text, node, addition, quote) if node.flow_style else _insert_block(text, node, addition, quote)
    if not _is_same(_read(after), wanted):
        raise ValueError("nothing can be added here without changing something else: add it by hand")
    return after


def _read(text: str) -> Any:
    try:
        data, _, problems = read_yaml(text, "")
    except ConfigError as error:
        raise ValueError(f"is no YAML: {error}") from None
    if problems:
        raise ValueError(problems[0].message)
    return data


def _find(data: Any, path: Path_) -> Any:
    for part in path:
        data = data[part]
    return data


def _add(data: Any, addition: Addition) -> Any:
    """Return the data with the addition in it."""
    data = _unshare(data)
    target = _find(data, addition.path)
    value = _plain(addition.value)
    if addition.key is not None:
        if addition.key in target:
            raise ValueError(f"{addition.key} stands there already")
        target[addition.key] = value
    else:
        target.insert(len(target) if addition.after is None else addition.after + 1, value)
    return data


def _unshare(data: Any) -> Any:
    """Return a copy in which what an alias stands for is a value of its own: only one of the two gets the addition."""
    if isinstance(data, dict):
        return {key: _unshare(item) for key, item in data.items()}
    return [_unshare(item) for item in data] if isinstance(data, list) else data


def _plain(value: Any) -> Any:
    """Return a value as a YAML reader gives it back."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    return float(value)


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two documents say the same, in the same order and in values of the same types (1 is not 1.0)."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other) and (isinstance(one, str) == isinstance(other, str))


# --- the place ---


def _compose(text: str, path: Path_) -> Any:
    """Return the node at ``path``. Raises ValueError where a part of it is an alias, which stands for another place."""
    node: Any = yaml.compose(text, Loader=_Loader)
    for part in path:
        if isinstance(part, int):
            child, before = node.value[part], node.value[part - 1] if part else node
        else:
            before, child = next((key, value) for key, value in node.value if key.value == part)
        if child.start_mark.index < before.start_mark.index:
            raise ValueError(f"{part} is an alias (*...): what is added would count in another place too")
        node = child
    return node


def _children(node: Any) -> list[Any]:
    return [pair[1] for pair in node.value] if isinstance(node, yaml.MappingNode) else list(node.value)


def _find_end(node: Any) -> int:
    """Return where the text of a node ends, without the comments and blank lines that a block's mark takes in."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    if isinstance(last, tuple):
        key, last = last
        if last.start_mark.index < key.start_mark.index:
            raise ValueError("ends with an alias (*...): add it by hand")
    elif last.start_mark.index < node.start_mark.index:
        raise ValueError("ends with an alias (*...): add it by hand")
    return _find_end(last)


def _find_line_end(text: str, node: Any) -> int:
    """Return where the last line of a node ends, before its line end."""
    end = _find_end(node)
    while end > 0 and text[end - 1].isspace():  # a literal block's mark stands after its line end
        end -= 1
    found = text.find("\n", end)
    end = len(text) if found < 0 else found
    return end - 1 if text[end - 1 : end] == "\r" else end


def _insert_block(text: str, node: Any, addition: Addition, quote: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    children = _children(node)
    if addition.key is None:
        beside = children[len(children) - 1 if addition.after is None else addition.after]
        column = node.start_mark.column
        flow = not isinstance(beside, yaml.ScalarNode) and beside.flow_style
        lines = _render_item(addition.value, column, flow=flow, quote=quote)
    else:
        beside, column = node, node.value[0][0].start_mark.column
        collections = [child for child in children if not isinstance(child, yaml.ScalarNode)]
        flow = bool(collections) and all(child.flow_style for child in collections)
        lines = _render_entry(addition.key, addition.value, column, flow=flow, quote=quote)
    end = _find_line_end(text, beside)
    return text[:end] + "".join(newline + line for line in lines) + text[end:]


def _insert_flow(text: str, node: Any, addition: Addition, quote: str) -> str:
    value = render_flow(addition.value, quote)
    shown = value if addition.key is None else f"{addition.key}: {value}"
    if not node.value:
        end = node.end_mark.index - 1
        return text[:end] + shown + text[end:]
    children = _children(node)
    end = _find_end(children[-1 if addition.after is None else addition.after])
    return text[:end] + ", " + shown + text[end:]


# --- the words ---


def render_flow(value: Any, quote: str) -> str:
    """Return a value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {render_flow(item, quote)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return render_text(value, quote)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return render_number(value)
    return "[" + ", ".join(render_flow(item, quote) for item in value) + "]"


def _render_item(value: Any, column: int, *, flow: bool, quote: str) -> list[str]:
    if isinstance(value, Mapping) and not flow:
        lines = [line for key, item in value.items() for line in _render_entry(key, item, column + 2, True, quote)]
        return [" " * column + "- " + lines[0].lstrip(" "), *lines[1:]]
    return [" " * column + "- " + render_flow(value, quote)]


def _render_entry(key: str, value: Any, column: int, flow: bool, quote: str) -> list[str]:
    start = " " * column + f"{key}:"
    if isinstance(value, Mapping) and not flow:
        return [start, *(line for name, item in value.items()
                         for line in _render_entry(name, item, column + 2, True, quote))]  # fmt: skip
    return [f"{start} {render_flow(value, quote)}"]


def render_text(text: str, quote: str = '"') -> str:
    """Return a string so that YAML reads exactly it: plain where it is a word, else quoted.

    What a reader cannot see (control signs, marks that turn the direction of writing) is written by its number. Raises
    ValueError for a half of a surrogate pair, which no file can hold.
    """
    if _PLAIN.fullmatch(text) and text not in _NOT_PLAIN:
        return text
    if any(unicodedata.category(char) == "Cs" for char in text):
        raise ValueError("the text holds half of a sign (a lone surrogate)")
    seen = all(map(_is_seen, text))
    if seen and (quote == "'" or "\\" in text or '"' in text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escape, text)) + '"'


def _is_seen(char: str) -> bool:
    return char == " " or char in _HARMLESS or unicodedata.category(char)[0] in "LMNPS"


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if _is_seen(char):
        return char
    if char in "\n\t":
        return "\\n" if char == "\n" else "\\t"
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def render_number(value: int | float | Decimal) -> str:
    """Return a number without an exponent, which YAML 1.1 and 1.2 read alike."""
    text = f"{Decimal(str(value)):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
