"""``google.colab``: mounting a Drive does nothing, uploads answer with the course's files, downloads are ignored."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ..facts import Facts


def install(facts: Facts) -> None:
    """Put ``google.colab`` with its usual parts among the loaded modules."""

    def upload(*args: Any, **kwargs: Any) -> dict[str, bytes]:
        return {name: (Path(facts.work) / name).read_bytes() for name in facts.data}

    def mount(path: str = "/content/drive", *args: Any, **kwargs: Any) -> None:
        facts.note("colab")
        print(f"Mounted at {path}")

    colab = _module("google.colab", __path__=[])
    parts: dict[str, dict[str, Any]] = {
        "drive": {"mount": mount, "flush_and_unmount": _nothing},
        "files": {"upload": upload, "download": _nothing, "view": _nothing},
        "auth": {"authenticate_user": _nothing},
        "output": {"clear": _nothing, "eval_js": _nothing, "enable_custom_widget_manager": _nothing},
        "userdata": {"get": lambda key: ""},
        "data_table": {"enable_dataframe_formatter": _nothing, "disable_dataframe_formatter": _nothing},
        "patches": {"cv2_imshow": _nothing},
        "runtime": {"unassign": _nothing},
    }
    for name, content in parts.items():
        setattr(colab, name, _module(f"google.colab.{name}", **content))
    google = sys.modules.get("google") or _module("google", __path__=[])
    google.colab = colab  # type: ignore[attr-defined]


def _module(name: str, **content: Any) -> ModuleType:
    module = ModuleType(name, "A stand-in: this notebook does not run on Colab.")
    module.__dict__.update(content)
    sys.modules[name] = module
    return module


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None
