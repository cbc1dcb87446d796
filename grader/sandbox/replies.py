"""What a kernel sent, read as what it is: a claim from another process. Anything malformed is dropped or refused."""

from __future__ import annotations

import json
import math
from typing import Any

from grader.model import NetworkLook, ProbeReply

_MOST_NETWORKS = 200
_MOST_CONTAINERS = 200_000  # lists and objects: an empty one takes twenty times as much memory as text


def parse_looks(networks: Any) -> tuple[NetworkLook, ...]:
    """Return the well-formed looks among ``networks``."""
    rows = networks[:_MOST_NETWORKS] if isinstance(networks, list) else []
    return tuple(look for look in map(_find_look, rows) if look is not None)


def _find_look(row: Any) -> NetworkLook | None:
    kinds = {"name": str, "identity": int, "kind": str, "digest": str, "parameters": int}
    if not isinstance(row, dict) or any(type(row.get(key)) is not kind for key, kind in kinds.items()):
        return None
    return NetworkLook(
        name=row["name"][:100],
        identity=row["identity"],
        kind=row["kind"][:100],
        digest=row["digest"][:64],
        parameters=row["parameters"],
        size=_read_size(row.get("size")),
    )


def _read_size(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def parse_value(text: Any, limit: int) -> ProbeReply:
    """Return the value in a probe's JSON text; NaN and infinities become Python's floats of that name."""
    if not isinstance(text, str):
        return ProbeReply(error="the reply had no value")
    if len(text) > limit:
        return ProbeReply(error=f"ValueError: the reply is larger than {limit} bytes")
    if text.count("[") + text.count("{") > _MOST_CONTAINERS:
        return ProbeReply(error=f"ValueError: the reply has more than {_MOST_CONTAINERS:,} lists")
    try:
        return ProbeReply(value=json.loads(text))
    except (ValueError, RecursionError):
        return ProbeReply(error="the reply is not JSON")
