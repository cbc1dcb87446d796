"""YAML and JSON text to records and back: strict, every problem at once, each with its path and line.

Plain ``yaml.safe_load`` reads ``1e-5`` as a string and ``No`` as False and keeps the last of two equal keys. The loader
here resolves numbers and booleans as the YAML 1.2 core schema does (https://yaml.org/spec/1.2.2/#103-core-schema),
refuses duplicate keys and remembers lines.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from grader.errors import ConfigError, InfrastructureError, Problem
from grader.model import (
    CellRun,
    Checked,
    Decision,
    Deduction,
    Evidence,
    Execution,
    Finding,
    Json,
    Mark,
    Marksheet,
    NetworkLook,
    ProbeReply,
    Review,
)

MARKSHEET_SCHEMA = "grader/marksheet/1"
MAX_YAML_BYTES = 2_000_000

T = TypeVar("T")
Path_ = tuple[str | int, ...]


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where PyYAML has libyaml


class _CoreLoader(_Loader):  # type: ignore[misc]
    """A SafeLoader with the resolvers of YAML 1.2's core schema and nothing else."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (as the base has it)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)


def _construct_int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    """Read an integer as YAML 1.2 does: ``010`` is ten, ``0o10`` is eight."""
    text = loader.construct_scalar(node)
    digits = text.lstrip("+-")
    base = {"0o": 8, "0x": 16}.get(digits[:2], 10)
    return (-1 if text.startswith("-") else 1) * int(digits[2:] if base != 10 else digits, base)


def _construct_float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    return float(loader.construct_scalar(node).replace(".inf", "inf").replace(".Inf", "inf").replace(".nan", "nan"))


_CoreLoader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_CoreLoader.add_constructor("tag:yaml.org,2002:float", _construct_float)


def read_yaml(text: str, file: str) -> tuple[Json, Mapping[Path_, int], list[Problem]]:
    """Return the data, the line (from 1) of every path in it, and duplicate-key problems.

    Raises ConfigError where the text is no YAML at all.
    """
    loader = _CoreLoader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Path_, int] = {}
        problems = list(_walk(node, (), lines, file)) if node is not None else []
        data = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = getattr(error, "problem", None) or "not valid YAML"
        problem = Problem(file=file, line=mark.line + 1 if mark else None, message=message, hint="not valid YAML")
        raise ConfigError([problem]) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError([Problem(file=file, message=f"cannot be read: {error}")]) from None
    finally:
        loader.dispose()
    return data, lines, problems


def _walk(node: yaml.Node, path: Path_, lines: dict[Path_, int], file: str) -> Iterator[Problem]:
    """Note the line of every node below ``node`` and yield a problem per repeated key."""
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), lines, file)
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                yield Problem(
                    file=file,
                    line=line,
                    where=_dotted((*path, name)),
                    message=f"key stands already in line {seen[name]}",
                )
            seen.setdefault(name, line)
            yield from _walk(value, (*path, name), lines, file)
            lines[(*path, name)] = line


def _dotted(path: Sequence[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def read_record(record: type[T], text: str, file: str) -> tuple[T, Mapping[Path_, int]]:
    """Return ``text`` (YAML) as a ``record``, with the line of every path. Raises ConfigError with every problem."""
    data, lines, problems = read_yaml(text, file)
    try:
        payload = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError([*problems, Problem(file=file, message=f"holds a value that is no JSON: {error}")]) from None
    try:
        value = TypeAdapter(record).validate_json(payload)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problem = _problem(file, detail["loc"], detail["type"], detail["msg"], detail.get("input"), lines)
            hint = detail.get("ctx", {}).get("hint", problem.hint)
            problems.append(dataclasses.replace(problem, hint=hint))
        raise ConfigError(problems) from None
    if problems:
        raise ConfigError(problems)
    return value, lines


def find_line(path: Sequence[str | int], lines: Mapping[Path_, int]) -> int | None:
    """Return the line of ``path``, or of its nearest ancestor that stands in the file."""
    known = _known(path, lines)
    return lines.get(known)


def _known(path: Sequence[str | int], lines: Mapping[Path_, int]) -> Path_:
    """Drop from a pydantic location what is not in the file: the tags of unions and names of validators."""
    known: Path_ = ()
    for part in path:
        if (*known, part) in lines:
            known = (*known, part)
    return known


def _problem(
    file: str, loc: Sequence[str | int], kind: str, message: str, given: object, lines: Mapping[Path_, int]
) -> Problem:
    known = _known(loc, lines)
    last = loc[-1] if loc else ""
    if kind in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return Problem(file=file, line=lines.get(known), where=_dotted(known), message=f"needs the key '{last}'")
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        hint = "misspelt, or in the wrong place?"
        return Problem(
            file=file, line=lines.get(known), where=_dotted(known), message=f"unknown key '{last}'", hint=hint
        )
    shown = repr(given) if isinstance(given, str | int | float | bool) else type(given).__name__
    text = message[:1].lower() + message[1:]
    return Problem(file=file, line=lines.get(known), where=_dotted(known), message=f"{text}, not {shown[:60]}")


def load_record(record: type[T], path: Path) -> tuple[T, Mapping[Path_, int]]:
    """Read the YAML file at ``path`` as a ``record``. Raises ConfigError with every problem."""
    return read_record(record, load_text(path), str(path))


def load_text(path: Path) -> str:
    """Return a course file's text (UTF-8, a byte-order mark allowed). Raises ConfigError where it cannot be read."""
    try:
        if path.stat().st_size > MAX_YAML_BYTES:
            raise ConfigError([Problem(file=str(path), message=f"is larger than {MAX_YAML_BYTES} bytes")])
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(file=str(path), message=f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        hint = "save the file as UTF-8"
        raise ConfigError([Problem(file=str(path), message=f"is not UTF-8 at byte {error.start}", hint=hint)]) from None


def build_json_schema(record: type) -> str:
    """Return the JSON schema of a record for editors, as text."""
    schema = TypeAdapter(record).json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


# --- marksheets ------------------------------------------------------------------------------------------------------


def build_number(value: Decimal | None) -> int | float | None:
    """Return marks as a JSON number: an integer where they are whole, else at most two decimals."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def build_marksheet(sheet: Marksheet) -> dict[str, Json]:
    """Return a marksheet as the JSON object of schema ``grader/marksheet/1``."""
    return {
        "schema": MARKSHEET_SCHEMA,
        "submission": sheet.submission,
        "assignment": sheet.assignment,
        "title": sheet.title,
        "status": sheet.status,
        "awarded": build_number(sheet.awarded),
        "available": build_number(sheet.available),
        "awarded_so_far": build_number(sheet.awarded_so_far),
        "submitted_at": sheet.submitted_at,
        "deductions": [_build_deduction(item) for item in sheet.deductions],
        "review": _build_review(sheet.review),
        **_build_decisions(moment=sheet.moment),
        "criteria": [_build_mark(mark) for mark in sheet.marks],
        "findings": [dataclasses.asdict(finding) for finding in sheet.findings],
        "environment": dict(sheet.environment),
        "digests": dict(sheet.digests),
        "timing": dict(sheet.timing),
    }


def _build_deduction(deduction: Deduction) -> dict[str, Json]:
    return {"code": deduction.code, "reason": deduction.reason, "marks": build_number(deduction.marks)}


def _build_review(review: Review | None) -> dict[str, Json] | None:
    if review is None:
        return None
    return {
        "reason": review.reason,
        "suggested_verdict": review.suggested_verdict,
        "suggested_credit": None if review.suggested_credit is None else float(review.suggested_credit),
    }


def _build_mark(mark: Mark) -> dict[str, Json]:
    return {
        "id": mark.criterion,
        "title": mark.title,
        "available": build_number(mark.available),
        "awarded": build_number(mark.awarded),
        **build_evidence(mark.evidence),
        **_build_decisions(decision=mark.decision, earlier=mark.earlier),
    }


def _build_decisions(**decisions: Decision | None) -> dict[str, Json]:
    """Return the decisions that there are: a marksheet that nobody touched has no such key."""
    return {name: build_decision(item) for name, item in decisions.items() if item is not None}


def build_decision(item: Decision) -> dict[str, Json]:
    """Return what a decision says, without what is empty; Decimals as text, so that they stay exact."""
    # A credit of 0 equals False, and is said.
    data = {key: v for key, v in dataclasses.asdict(item).items() if not (v is None or v is False or v == "")}
    return {key: str(value) if isinstance(value, Decimal) else value for key, value in data.items()}


def read_decision(item: Mapping[str, Json]) -> Decision:
    """Return the decision of such an object. Raises TypeError or ValueError where it says none."""
    numbers = {name: Decimal(item[name]) for name in ("credit", "marks") if name in item}
    return Decision(**{**item, **numbers})


def _read_decision(item: Mapping[str, Json] | None) -> Decision | None:
    return None if item is None else read_decision(item)


def build_evidence(evidence: Evidence) -> dict[str, Json]:
    """Return what a marksheet says of one criterion, without its marks."""
    return {
        "verdict": evidence.verdict,
        "credit": None if evidence.credit is None else float(evidence.credit),
        "reading": evidence.reading,
        "observed": dict(evidence.observed),
        "expected": dict(evidence.expected),
        "findings": [dataclasses.asdict(finding) for finding in evidence.findings],
        "review": _build_review(evidence.review),
    }


def render_json(data: Json) -> str:
    """Return canonical JSON text: sorted keys, two spaces, UTF-8 letters as they are, no NaN.

    Lone surrogates (from broken files) are escaped, since no UTF-8 file can hold them.
    """
    text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"


def pack_json(data: Json) -> bytes:
    """Return JSON for machines alone: sorted keys, ASCII, no spaces, no NaN; many times as fast as ``render_json``."""
    return json.dumps(data, sort_keys=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def build_fields(record: Any) -> dict[str, Json]:
    """Return a record's fields by name, not copied (as ``dataclasses.asdict`` does, value by value)."""
    return {name.name: getattr(record, name.name) for name in dataclasses.fields(record)}


def read_marksheet(text: str) -> Marksheet:
    """Return the Marksheet of a marksheet.json. Raises ConfigError where it is not of this schema."""
    try:
        data = json.loads(text, parse_float=Decimal)
        if data.get("schema") != MARKSHEET_SCHEMA:
            raise ValueError(f"schema is {data.get('schema')!r}, not {MARKSHEET_SCHEMA!r}")
        return Marksheet(
            submission=data["submission"],
            assignment=data["assignment"],
            title=data["title"],
            status=data["status"],
            awarded=_decimal(data["awarded"]),
            available=Decimal(data["available"]),
            awarded_so_far=Decimal(data["awarded_so_far"]),
            # Marksheets from before there were deadlines, which stay in stores, have none of these three.
            submitted_at=data.get("submitted_at"),
            deductions=tuple(_read_deduction(item) for item in data.get("deductions", ())),
            review=_read_review(data.get("review")),
            moment=_read_decision(data.get("moment")),
            marks=tuple(_read_mark(item) for item in data["criteria"]),
            findings=tuple(Finding(**item) for item in data["findings"]),
            environment=_floats(data["environment"]),
            digests=data["digests"],
            timing=_floats(data["timing"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"not a marksheet that this version reads: {error}") from None


def _read_deduction(item: Mapping[str, Json]) -> Deduction:
    return Deduction(code=item["code"], reason=item["reason"], marks=Decimal(item["marks"]))


def _read_review(item: Mapping[str, Json] | None) -> Review | None:
    return None if item is None else Review(**{**item, "suggested_credit": _decimal(item["suggested_credit"])})


def _read_mark(item: Mapping[str, Json]) -> Mark:
    evidence = Evidence(
        criterion=item["id"],
        verdict=item["verdict"],
        credit=_decimal(item["credit"]),
        reading=item["reading"],
        observed=_floats(item["observed"]),
        expected=_floats(item["expected"]),
        findings=tuple(Finding(**finding) for finding in item["findings"]),
        review=_read_review(item["review"]),
    )
    return Mark(
        criterion=item["id"],
        title=item["title"],
        available=Decimal(item["available"]),
        awarded=_decimal(item["awarded"]),
        evidence=evidence,
        decision=_read_decision(item.get("decision")),
        earlier=_read_decision(item.get("earlier")),
    )


# --- what is stored between a hand-in and its marksheet ---------------------------------------------------------------


def build_execution(execution: Execution) -> dict[str, Json]:
    """Return a notebook's run as a JSON object."""
    return {
        **build_fields(execution),
        "cells": [dataclasses.asdict(cell) for cell in execution.cells],
        "replies": {name: build_fields(reply) for name, reply in execution.replies.items()},
        "findings": [dataclasses.asdict(finding) for finding in execution.findings],
    }


def read_execution(data: Mapping[str, Json]) -> Execution:
    """Return the run of a JSON object that ``build_execution`` made. Raises ConfigError for any other."""
    try:
        return Execution(
            **{
                **data,
                "cells": tuple(_read_cell(item) for item in data["cells"]),
                "replies": {name: ProbeReply(**reply) for name, reply in data["replies"].items()},
                "findings": tuple(Finding(**item) for item in data["findings"]),
            }
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"not a stored run that this version reads: {error}") from None


def _read_cell(item: Mapping[str, Json]) -> CellRun:
    return CellRun(**{**item, "networks": tuple(NetworkLook(**look) for look in item["networks"])})


def build_checked(checked: Checked) -> dict[str, Json]:
    """Return a hand-in's evidence as a JSON object; credits are texts, so that nothing of them is lost."""
    data = dataclasses.asdict(checked)
    for item in data["evidence"]:
        item["credit"] = _exact(item["credit"])
        if item["review"]:
            item["review"]["suggested_credit"] = _exact(item["review"]["suggested_credit"])
    return data


def read_checked(data: Mapping[str, Json]) -> Checked:
    """Return the evidence of a JSON object that ``build_checked`` made. Raises ConfigError for any other."""
    try:
        evidence = tuple(_read_evidence(item) for item in data["evidence"])
        findings = tuple(Finding(**item) for item in data["findings"])
        return Checked(**{**data, "evidence": evidence, "findings": findings})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"not stored evidence that this version reads: {error}") from None


def _read_evidence(item: Mapping[str, Json]) -> Evidence:
    review = item["review"]
    if review:
        review = Review(**{**review, "suggested_credit": _number(review["suggested_credit"])})
    findings = tuple(Finding(**finding) for finding in item["findings"])
    return Evidence(**{**item, "credit": _number(item["credit"]), "findings": findings, "review": review})


def _exact(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _decimal(value: int | Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(value).normalize() + 0


def _floats(value: Json) -> Json:
    """Return JSON data with Decimals as floats again (evidence holds plain JSON values)."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    return [_floats(item) for item in value] if isinstance(value, list) else value


def find_non_json(value: Json, path: str = "") -> str | None:
    """Return where ``value`` is not plain JSON (a NaN, a tuple, a NumPy number), or None where it is all plain."""
    if value is None or isinstance(value, str | bool) or type(value) is int:
        return None
    if type(value) is float:
        return None if math.isfinite(value) else path
    if type(value) is dict:
        items = ((str(key) if isinstance(key, str) else "?", item) for key, item in value.items())
        return next((bad for key, item in items if (bad := find_non_json(item, f"{path}.{key}"))), None)
    if type(value) is list:
        return next((bad for i, item in enumerate(value) if (bad := find_non_json(item, f"{path}[{i}]"))), None)
    return f"{path} ({type(value).__name__})"


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner alone. Raises InfrastructureError as ``write_bytes`` does."""
    write_bytes(path, text.encode("utf-8"), 0o600)


def write_bytes(path: Path, data: bytes, mode: int) -> None:
    """Write a file whole or not at all: a temporary file beside it, flushed to disk, then renamed over it.

    Raises InfrastructureError where the disk or the folder refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InfrastructureError(f"cannot write {path}: {error.strerror or error}") from None
