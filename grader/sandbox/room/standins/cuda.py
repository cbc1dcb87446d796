"""Without a GPU, whatever is sent to ``cuda`` stays on the CPU. What was asked for is noted, nothing more."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..facts import Facts
from ..hooks import after_import

# Functions that make a tensor and take ``device=``.
_MAKERS = (
    "tensor as_tensor empty zeros ones full rand randn randint randperm arange linspace logspace eye empty_like "
    "zeros_like ones_like full_like rand_like randn_like randint_like from_file sparse_coo_tensor tril_indices "
    "triu_indices hann_window normal empty_strided complex asarray"
).split()
_TENSOR_MAKERS = ("new_tensor", "new_empty", "new_zeros", "new_ones", "new_full")
_CUDA_TENSORS = "Float Double Half BFloat16 Long Int Short Char Byte Bool".split()


def install(facts: Facts) -> None:
    """Wait for torch."""
    after_import("torch", lambda torch: None if torch.cuda.is_available() else keep_on_cpu(torch, facts))


def keep_on_cpu(torch: Any, facts: Facts) -> None:
    """Wrap every common way to name a CUDA device."""

    def on_cpu(value: Any) -> Any:
        if isinstance(value, str) and value.partition(":")[0] == "cuda":
            facts.note("cuda")
            return "cpu"
        if isinstance(value, torch.device) and value.type == "cuda":
            facts.note("cuda")
            return torch.device("cpu")
        return value

    def mapped(function: Callable[..., Any], *, number_is_device: bool = False) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if kwargs.get("device") is not None:
                kwargs["device"] = on_cpu("cuda" if type(kwargs["device"]) is int else kwargs["device"])
            if number_is_device:  # x.to(0) is x.to("cuda:0")
                args = (*args[:1], *(on_cpu("cuda" if type(arg) is int else arg) for arg in args[1:]))
            return function(*args, **kwargs)

        return call

    def stay(self: Any, *args: Any, **kwargs: Any) -> Any:
        facts.note("cuda")
        return self

    for name in _MAKERS:
        if hasattr(torch, name):
            setattr(torch, name, mapped(getattr(torch, name)))
    for name in _TENSOR_MAKERS:
        setattr(torch.Tensor, name, mapped(getattr(torch.Tensor, name)))
    for owner in (torch.Tensor, torch.nn.Module):
        owner.to = mapped(owner.to, number_is_device=True)
        owner.cuda = stay
    torch.Tensor.pin_memory = stay
    _mend_defaults(torch, on_cpu)
    _mend_load(torch, on_cpu)
    _mend_module(torch, facts)


def _mend_defaults(torch: Any, on_cpu: Callable[[Any], Any]) -> None:
    """``set_default_device('cuda')``, ``set_default_tensor_type('torch.cuda.FloatTensor')``, ``x.type(...)``."""
    set_device, set_type, to_type = torch.set_default_device, torch.set_default_tensor_type, torch.Tensor.type

    def plain(kind: Any) -> Any:
        if isinstance(kind, str) and kind.startswith("torch.cuda."):
            on_cpu("cuda")
            return kind.replace("torch.cuda.", "torch.")
        return kind

    def tensor_type(self: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        return to_type(self) if dtype is None else to_type(self, plain(dtype), *args, **kwargs)

    torch.set_default_device = lambda device: set_device(on_cpu(device))
    torch.set_default_tensor_type = lambda kind: set_type(plain(kind))
    torch.Tensor.type = tensor_type
    for name in _CUDA_TENSORS:
        setattr(torch.cuda, f"{name}Tensor", getattr(torch, f"{name}Tensor"))


def _mend_load(torch: Any, on_cpu: Callable[[Any], Any]) -> None:
    """Load what was saved on a GPU, whatever ``map_location`` says."""
    load = torch.load

    @functools.wraps(load)
    def load_here(f: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
        if map_location is None or isinstance(map_location, str | torch.device):
            map_location = on_cpu(map_location) or "cpu"
        elif isinstance(map_location, dict):
            map_location = {key: on_cpu(value) for key, value in map_location.items()}
        return load(f, map_location, *args, **kwargs)

    torch.load = load_here


def _mend_module(torch: Any, facts: Facts) -> None:
    """Give harmless answers to calls of ``torch.cuda`` that fail without a GPU."""

    def answer(value: Any) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            facts.note("cuda")
            return value

        return call

    for name, value in {
        "synchronize": None,
        "set_device": None,
        "current_device": 0,
        "get_device_name": "CPU (no GPU here)",
        "get_device_capability": (0, 0),
        "memory_summary": "",
    }.items():
        setattr(torch.cuda, name, answer(value))
