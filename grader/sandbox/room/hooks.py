"""Run a function as soon as a module has been imported, so that a notebook pays only for what it uses."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Hook = Callable[[Any], None]


def after_import(name: str, hook: Hook) -> None:
    """Call ``hook(module)`` when ``name`` is imported for the first time, or now if it is already there."""
    if name in sys.modules:
        hook(sys.modules[name])
        return
    _FINDER.waiting.setdefault(name, []).append(hook)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


class _Finder:
    def __init__(self) -> None:
        self.waiting: dict[str, list[Hook]] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        hooks = self.waiting.pop(name, None)
        if hooks is None:
            return None
        spec = importlib.util.find_spec(name)  # the real finders: this name no longer waits here
        if spec is None or spec.loader is None:
            return spec
        original = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            original(module)
            for hook in hooks:
                hook(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


_FINDER: Any = _Finder()
