"""Gradescope's export: a folder for each submission, and submission_metadata.yml with Ruby's symbols as keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from grader.errors import ConfigError, Problem
from grader.intake.layouts.found import Found, Person, Sorted, clean_id, find_time
from grader.intake.layouts.tree import Tree

METADATA = "submission_metadata.yml"
_HINT = "download the export again"
_FOLDER = re.compile(r"submission_\d+")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the fast one where it is there
    """Reads Ruby's own types as the plain values that they are made of."""


def _construct_any(loader: Any, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _construct_any)
_Loader.add_multi_constructor("tag:ruby.yaml.org", _construct_any)


def claims(tree: Tree, sure: bool) -> bool:
    """Tell whether it is Gradescope's export."""
    del sure  # no other names look like these
    return METADATA in tree.files and bool(tree.folders) and all(_FOLDER.fullmatch(name) for name in tree.folders)


def sort(tree: Tree) -> Sorted:
    """Return the hand-ins, with who submitted each and when. Raises ConfigError for metadata that cannot be read."""
    metadata = _read_metadata(tree)
    found = tuple(_build(tree, name, metadata.get(name)) for name in tree.folders)
    return Sorted(found=found, left=tuple(name for name in tree.files if name != METADATA))


def _read_metadata(tree: Tree) -> Mapping[str, Any]:
    file = f"{tree.folder}/{METADATA}"
    try:
        data = yaml.load(tree.read(METADATA), Loader=_Loader)  # noqa: S506  # made from the safe one
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        message = f"cannot be read: {getattr(error, 'problem', None) or error}"
        line = mark.line + 1 if mark else None
        raise ConfigError([Problem(file=file, line=line, message=message, hint=_HINT)]) from None
    if not isinstance(data, dict):
        raise ConfigError([Problem(file=file, message="holds no list of submissions", hint=_HINT)])
    return {str(key): value for key, value in data.items()}


def _build(tree: Tree, name: str, metadata: Any) -> Found:
    entry = {str(key).lstrip(":"): value for key, value in metadata.items()} if isinstance(metadata, dict) else {}
    submitters = entry.get("submitters")
    persons = tuple(filter(None, map(_read_person, submitters if isinstance(submitters, list) else ())))
    persons = persons or ((("student_id", name),),)
    created = entry.get("created_at")
    if isinstance(created, dict):  # Ruby's time with a zone: the moment in UTC
        created = created.get("utc") or created.get("time")
    label = persons[0][0][1] if len(persons) == 1 else name
    hand_in = tree.hand_in(clean_id(label), [tree.part(name)], submitted_at=find_time(created))
    return Found(hand_in=hand_in, persons=persons)


def _read_person(data: Any) -> Person:
    if not isinstance(data, dict):
        return ()
    fields = {str(key).lstrip(":"): str(value).strip() for key, value in data.items() if value is not None}
    known = (("student_id", "sid"), ("email", "email"), ("name", "name"))
    return tuple((column, fields[name]) for column, name in known if fields.get(name))
