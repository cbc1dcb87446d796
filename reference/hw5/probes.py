"""What the grader asks a notebook after all its cells have run.

This file is sent as source into the notebook's own process and is read by students as well. Every public function here
takes the notebook's global names and inputs that the grader made, calls what the student wrote, and returns raw values:
numbers, shapes, names, the student's own return values. There is no expected value and no verdict in here; those are
worked out elsewhere, from what comes back.

Requests come in no order that tells anything, under names that tell nothing. ``subject`` is source text that makes
definitions of the grader's own and then says whose are to be looked at, the notebook's or those: answers that the
grader knows beforehand and answers that it does not are asked for alike.

A reply is plain JSON. ``found`` says what was called and how it was recognised (``name`` as in the template, ``shape``
by its arguments); an exception of the student's code comes back as ``error`` with its type, message and line.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import inspect
import io
import json
import math
import traceback
import types
from collections.abc import Iterator
from typing import Any

import torch

# --- What the template calls its things, and how they are recognised under other names ---

NETWORK_ARGUMENTS = ("in_neuron", "embedding_dim", "hidden_size", "out_neuron", "m_type", "drop")
ALIASES = {
    "drop": ("drop",),
    "m_type": ("type", "cell", "kind", "model", "mode", "rnn"),
    "embedding_dim": ("emb",),
    "hidden_size": ("hid",),
    "in_neuron": ("in_", "vocab", "input", "token", "words"),
    "out_neuron": ("out", "class"),
}


def find_network(namespace: Any, deep: Any) -> Any:
    """Return (class, how it was recognised) of the plain or the deep network; (None, "") where there is none."""
    wanted = "DeepNetwork" if deep else "Network"
    if _is_network(namespace.get(wanted)):
        return namespace[wanted], "name"
    own = [value for name, value in namespace.items() if not name.startswith("_") and _is_network(value)]
    own = [cls for cls in dict.fromkeys(own) if cls.__name__ not in ("Network", "DeepNetwork") and _has_type(cls)]
    deeper = [cls for cls in own if _looks_deep(cls)]
    plain = [cls for cls in own if cls not in deeper]
    if deep and not deeper and len(plain) > 1 and "Network" not in namespace:
        deeper, plain = plain[1:2], plain[:1]
    found = deeper if deep else plain
    return (found[0], "shape") if found else (None, "")


def _is_network(value: Any) -> Any:
    return (
        inspect.isclass(value)
        and issubclass(value, torch.nn.Module)
        and not value.__module__.startswith(("torch", "probes"))
    )


def _has_type(cls: Any) -> Any:
    return _map_arguments(cls).get("m_type") is not None


def _looks_deep(cls: Any) -> Any:
    if "deep" in cls.__name__.lower() or "bi" in cls.__name__.lower():
        return True
    name = _map_arguments(cls).get("embedding_dim")
    return name is not None and inspect.signature(cls.__init__).parameters[name].default == 100


def _map_arguments(cls: Any) -> Any:
    """Return the template's argument names mapped to the names that ``cls`` uses; what has no counterpart is absent."""
    given = inspect.signature(cls.__init__).parameters.values()
    names = [item.name for item in given if item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)][1:]
    mapped = {name: name for name in NETWORK_ARGUMENTS if name in names}
    for wanted, parts in ALIASES.items():
        free = [name for name in names if name not in mapped.values()]
        if wanted not in mapped:
            match = [name for name in free if any(part in name.lower() for part in parts)]
            if match:
                mapped[wanted] = match[0]
    return mapped


def build_network(cls: Any, sizes: Any, m_type: Any, drop: Any = 0.0, **extra: Any) -> Any:
    """Return a new network of the student's class, whatever its arguments are called."""
    values = dict(sizes, out_neuron=1, m_type=m_type, drop=drop)
    mapped = _map_arguments(cls)
    named = {mapped[name]: value for name, value in values.items() if name in mapped}
    return cls(**named, **extra)


def find_function(namespace: Any, name: Any, count: Any, words: Any) -> Any:
    """Return (function, how recognised): the template's ``name``, else one with ``count`` arguments named alike."""
    if isinstance(namespace.get(name), types.FunctionType):
        return namespace[name], "name"
    for key, value in namespace.items():
        if not isinstance(value, types.FunctionType) or key.startswith("_") or value.__module__ == "probes":
            continue
        needed = [item for item in inspect.signature(value).parameters.values() if item.default is item.empty]
        if len(needed) == count and any(word in key.lower() for word in words):
            return value, "shape"
    return None, ""


def find_train(namespace: Any) -> Any:
    """Return the student's training function."""
    return find_function(namespace, "train_network", 5, ("train", "fit", "epoch"))


def find_evaluate(namespace: Any) -> Any:
    """Return the student's evaluation function."""
    return find_function(namespace, "evaluate_network", 4, ("eval", "valid", "test"))


def _choose(namespace: Any, subject: Any) -> Any:
    """Return the global names to look at: the notebook's, or those that the grader sent along."""
    made: dict[str, Any] = {"__name__": "sent"}
    exec(compile(subject, "<sent>", "exec"), made)  # noqa: S102  # the grader's own text
    return made["choose"](namespace)


# --- Weights that the grader chooses, and weights on their way to it ---

PRIME = 2**31 - 1
MOST_WEIGHTS = 200_000


def _noise(count: Any, salt: Any) -> Any:
    """Return numbers between -1 and 1 that follow from ``salt`` alone, on every machine."""
    index = torch.arange(1, count + 1, dtype=torch.int64, device="cpu")
    mixed = (index * 48271 + salt) % PRIME
    mixed = (mixed * mixed + index) % PRIME
    mixed = (mixed * mixed + salt) % PRIME
    return mixed.double() / PRIME * 2 - 1


def _fill(net: Any, salt: Any) -> None:
    """Set all weights to numbers that the grader can work out as well."""
    with torch.no_grad(), contextlib.suppress(Exception):  # weights that cannot be set stay as they are
        for place, item in enumerate(net.parameters()):
            bound = min(0.7, 1.6 * item.shape[-1] ** -0.5) if item.dim() > 1 else 0.7  # wide layers must not saturate
            item.copy_(bound * _noise(item.numel(), (salt + 7919 * place) % PRIME).reshape(item.shape))


def _fill_embedding(net: Any, words: Any, salt: Any) -> None:
    """Start the embedding at numbers of torch's own spread that the grader can work out as well."""
    with torch.no_grad(), contextlib.suppress(Exception):
        for module in net.modules():
            if isinstance(module, torch.nn.Embedding) and module.num_embeddings == words:
                count = module.weight.numel()
                noise = sum(_noise(count, (salt + 7919 * place) % PRIME) for place in range(3))
                module.weight.copy_(noise.reshape(module.weight.shape))
                if module.padding_idx is not None:
                    module.weight[module.padding_idx] = 0


def _layout(net: Any) -> Any:
    return [[name, list(item.shape)] for name, item in list(net.named_parameters())[:60]]


def _pack(net: Any) -> Any:
    """Return all weights in one text (base64 of float32), None where they are too many."""
    rows = [item.detach().cpu().float().reshape(-1) for item in net.parameters()]
    if not rows or sum(row.numel() for row in rows) > MOST_WEIGHTS:
        return None
    return base64.b64encode(torch.cat(rows).numpy().astype("<f4").tobytes()).decode()


# --- Plain values ---


def _plain(value: Any, depth: Any = 0) -> Any:
    """Return ``value`` as JSON: numbers, short lists, and for anything else the name of its type."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return _plain(value.item() if value.numel() == 1 else value.tolist(), depth)
    if value is None or isinstance(value, (bool, str)):
        return value[:300] if isinstance(value, str) else value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else str(value)
    if isinstance(value, (list, tuple)) and depth < 4:
        return [_plain(item, depth + 1) for item in value[:5000]]
    if isinstance(value, dict) and depth < 4:
        return [_plain([key, item], depth + 1) for key, item in list(value.items())[:5000]]
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        return _plain(value.item(), depth + 1)
    if hasattr(value, "tolist") and depth < 4:
        return _plain(value.tolist(), depth + 1)
    return {"type": type(value).__name__}


def _error(error: Any) -> Any:
    """Return an exception of the student's code as JSON."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename and frame.name != "_call"]
    line = own[-1].line if own else ""
    return {"type": type(error).__name__, "message": str(error)[:300], "line": (line or "")[:200]}


@contextlib.contextmanager
def _quiet(seed: Any) -> Iterator[Any]:
    """Seed torch, see to gradients and float32 whatever the notebook left behind, and catch what is printed."""
    printed = io.StringIO()
    torch.manual_seed(seed)
    before, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            yield printed
    finally:
        torch.set_grad_enabled(before)
        torch.set_default_dtype(dtype)


def _found(what: Any, how: Any) -> Any:
    return {"name": getattr(what, "__name__", type(what).__name__), "by": how}


def _device(namespace: Any) -> Any:
    """Return the device that the notebook works on, as far as it can be told."""
    try:
        return torch.zeros(1, device=namespace.get("device", "cpu")).device
    except Exception:
        return torch.device("cpu")


def _ids(rows: Any, device: Any = "cpu") -> Any:
    return torch.tensor(rows, dtype=torch.int64, device=device)


def _logits(network: Any, tokens: Any) -> Any:
    """Return the logits of one batch in evaluation mode, with the shape they came in."""
    network.eval()
    with torch.no_grad():
        out = _tensor(network(_ids(tokens, next(network.parameters()).device)))
    return {"shape": list(out.shape), "values": _plain(out.reshape(-1).tolist())}


def _tensor(value: Any) -> Any:
    """Return the tensor in what a network returned (the first one of a tuple)."""
    while isinstance(value, (tuple, list)) and value:
        value = value[0]
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"the network returned {type(value).__name__}, not a tensor")
    return value


def _attempt(function: Any, *arguments: Any, **named: Any) -> Any:
    """Return the function's JSON, or what it raised."""
    try:
        return function(*arguments, **named)
    except Exception as error:
        return {"error": _error(error)}


# --- Networks ---


def network(
    namespace: Any, *, subject: Any, seed: Any, salt: Any, sizes: Any, inputs: Any, m_types: Any, deep: Any, extra: Any
) -> Any:
    """Build the network once per type and send it the ``inputs`` (name to token ids [seq_len, batch])."""
    namespace = _choose(namespace, subject)
    cls, how = find_network(namespace, deep)
    if cls is None:
        return {"found": None}
    with _quiet(seed):
        looks = {
            m_type: _attempt(_look_at_network, cls, sizes, inputs, m_type, seed, salt, extra) for m_type in m_types
        }
        stacked = _attempt(_describe, cls, sizes, m_types[-1], {"num_layers": 2}, salt, inputs["many"])
    return {"found": _found(cls, how), "types": looks, "kwargs": stacked}


def _describe(cls: Any, sizes: Any, m_type: Any, extra: Any, salt: Any, tokens: Any) -> Any:
    net = build_network(cls, sizes, m_type, **extra)
    _fill(net, salt)
    return {"core": _core(net), "layout": _layout(net), "logits": _attempt(_logits, net, tokens)}


def _recurrent(net: Any) -> Any:
    return [(name, module) for name, module in net.named_modules() if isinstance(module, torch.nn.RNNBase)]


def _find_running(net: Any, tokens: Any) -> Any:
    """Return the names of the recurrent layers that run when the network is called."""
    ran: list[str] = []
    hooks = [module.register_forward_hook(lambda *_, name=name: ran.append(name)) for name, module in _recurrent(net)]
    with contextlib.suppress(Exception):  # what it raises is reported with its logits
        _logits(net, tokens)
    for hook in hooks:
        hook.remove()
    return ran


def _core(net: Any, ran: Any = ()) -> Any:
    """Return what is known of the first recurrent layer (of those that ran), None where there is none of torch's."""
    for name, module in _recurrent(net):
        if not ran or name in ran:
            return {
                "kind": type(module).__name__,
                "layers": module.num_layers,
                "bidirectional": bool(module.bidirectional),
                "input": module.input_size,
                "hidden": module.hidden_size,
            }
    return None


def _look_at_network(cls: Any, sizes: Any, inputs: Any, m_type: Any, seed: Any, salt: Any, extra: Any) -> Any:
    torch.manual_seed(seed)
    net = build_network(cls, sizes, m_type, **extra)
    _fill(net, salt)
    ran = _find_running(net, inputs["many"])
    reply = {"core": _core(net, ran), "parameters": sum(item.numel() for item in net.parameters())}
    reply["layout"] = _layout(net)
    reply["logits"] = {name: _attempt(_logits, net, tokens) for name, tokens in inputs.items()}
    reply["idle"] = [name for name, _ in _recurrent(net) if ran and name not in ran][:10]
    reply["without_gradient"] = _attempt(_without_gradient, net, inputs["many"], salt + 1)
    if extra.get("bidirectional"):
        reply["ablations"] = {name: _attempt(_ablate, net, inputs, rule) for name, rule in ABLATIONS.items()}
    _fill(net, salt + 2)
    reply["moved"] = _attempt(_logits, net, inputs["many"])
    _fill(net, salt)
    reply["loud"] = _attempt(_loud, net, inputs["many"])
    return reply


def _without_gradient(net: Any, tokens: Any, salt: Any) -> Any:
    """Return the names of all parameters, of those that no gradient reaches, and each gradient along a direction."""
    net.train()
    net.zero_grad()
    out = _tensor(net(_ids(tokens, next(net.parameters()).device)))
    (out.reshape(-1) * torch.linspace(0.5, 1.5, out.numel(), device=out.device)).sum().backward()
    missed = [name for name, item in net.named_parameters() if item.grad is None or not bool(item.grad.any())]
    slopes = {
        name: _plain((item.grad.cpu().double().reshape(-1) * _noise(item.numel(), salt + 7919 * place)).sum())
        for place, (name, item) in enumerate(net.named_parameters())
        if item.grad is not None and not item.grad.is_sparse
    }
    return {"all": [name for name, _ in net.named_parameters()][:60], "missed": missed[:60], "slopes": slopes}


def _loud(net: Any, tokens: Any) -> Any:
    """Return the logits after the last linear layer's weights were made 1,000 times as large."""
    linears = [module for module in net.modules() if isinstance(module, torch.nn.Linear)]
    with torch.no_grad():
        for item in linears[-1].parameters() if linears else net.parameters():
            item.mul_(1000.0)
    return _logits(net, tokens)


# Which of the recurrent layers' parameters are set to zero, to see what then still reaches the logits.
ABLATIONS = {
    "backward_only": lambda name, last: not name.endswith("_reverse"),
    "forward_only": lambda name, last: name.endswith("_reverse"),
    "first_layer_only": lambda name, last: f"_l{last}" in name,
}


def _ablate(net: Any, inputs: Any, rule: Any) -> Any:
    saved = {name: item.detach().clone() for name, item in net.state_dict().items()}
    try:
        with torch.no_grad():
            for module in net.modules():
                if isinstance(module, torch.nn.RNNBase):
                    for name, item in module.named_parameters():
                        if rule(name, module.num_layers - 1):
                            item.zero_()
        return {name: _logits(net, inputs[name]) for name in ("many", "first_changed", "last_changed")}
    finally:
        net.load_state_dict(saved)


# --- Training and evaluation: batches that look like torchtext's, a network and an optimizer that keep a diary ---


class SentBatch:
    """A batch that the grader sent: ``x, y = batch`` works, and so do the notebook's field names."""

    def __init__(self, tokens: Any, labels: Any, names: Any, device: Any, dataset: Any) -> None:
        self.comment_text = _ids(tokens, device)
        self.toxic = torch.tensor(labels, dtype=torch.float32, device=device)
        self.batch_size = len(labels)
        self.dataset = dataset
        for name, value in zip(names, (self.comment_text, self.toxic), strict=False):
            setattr(self, name, value)

    def __iter__(self) -> Any:
        yield self.comment_text
        yield self.toxic

    def __len__(self) -> int:
        return self.batch_size


class SentBatches:
    """An iterator over sent batches, as torchtext's: it can be walked again and again, and it counts the walks."""

    def __init__(self, batches: Any, names: Any, device: Any) -> None:
        self.dataset = range(sum(len(batch["labels"]) for batch in batches))
        self.batches = [SentBatch(batch["tokens"], batch["labels"], names, device, self.dataset) for batch in batches]
        self.batch_size = max((batch.batch_size for batch in self.batches), default=0)
        self.device = device
        self.walks = 0

    def __iter__(self) -> Any:
        self.walks += 1
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)

    def init_epoch(self) -> None:
        """Do nothing: torchtext's iterators have this."""


class PlainNetwork(torch.nn.Module):
    """Stands in for the student's network where that cannot be built, so that the loops can be looked at alone."""

    def __init__(self, in_neuron: Any, embedding_dim: Any, hidden_size: Any, drop: Any) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(in_neuron, embedding_dim)
        self.layer = torch.nn.GRU(embedding_dim, hidden_size)
        self.drop = torch.nn.Dropout(drop)
        self.linear = torch.nn.Linear(hidden_size, 1)

    def forward(self, t: Any) -> Any:
        """Return logits [batch, 1]."""
        output, _ = self.layer(self.embedding(t))
        return self.linear(self.drop(output[-1]))


class Diary:
    """Notes in order what happens to a network: forward, backward, zero_grad and step."""

    def __init__(self, net: Any, batches: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.open = True
        self._net_forward = net.forward
        self._tokens = [batch.comment_text for batch in batches.batches]
        self._net = net
        self._head = _find_head(net, self._tokens[0])
        self._head.register_hook(self._backward)
        net.forward = self._forward

    def _note(self, event: Any, **more: Any) -> None:
        if self.open and len(self.events) < 400:
            self.events.append({"event": event, **more})

    def _forward(self, *arguments: Any, **named: Any) -> Any:
        result = self._net_forward(*arguments, **named)
        sent = [item for item in (*arguments, *named.values()) if isinstance(item, torch.Tensor)]
        which = [
            index
            for index, item in enumerate(self._tokens)
            if sent and item.shape == sent[0].shape and bool((item == sent[0]).all())
        ]
        self._note(
            "forward",
            batch=which[0] if which else -1,
            training=bool(self._net.training),
            gradient=torch.is_grad_enabled(),
            logits=_plain(_tensor(result).detach().reshape(-1).tolist()),
            **({"weights": _pack(self._net)} if self.open and len(self.events) < 40 else {}),
        )
        return result

    def _backward(self, gradient: Any) -> None:
        self._note("backward", head=_plain(gradient.reshape(-1)[:200].tolist()))

    def zero_grad(self) -> Any:
        """Note that the gradients were cleared."""
        self._note("zero_grad")

    def step(self) -> Any:
        """Note a step, with the gradient that it takes."""
        taken = self._head.grad
        self._note("step", head=None if taken is None else _plain(taken.reshape(-1)[:200].tolist()))


class DiaryAdam(torch.optim.Adam):
    """Adam that writes into a diary."""

    def __init__(self, parameters: Any, lr: Any, diary: Any = None) -> None:
        super().__init__(parameters, lr=lr)
        self._diary = diary

    def zero_grad(self, *arguments: Any, **named: Any) -> Any:
        """Clear the gradients."""
        if self._diary:
            self._diary.zero_grad()
        return super().zero_grad(*arguments, **named)

    def step(self, *arguments: Any, **named: Any) -> Any:
        """Take a step."""
        if self._diary:
            self._diary.step()
        return super().step(*arguments, **named)


def _find_head(net: Any, tokens: Any) -> Any:
    """Return where the diary looks at gradients: the weight of the linear layer that makes the logits.

    In a network without one, the larger of the last two parameters that a gradient reaches.
    """
    twin = copy.deepcopy(net)
    with contextlib.suppress(Exception):  # a network that fails here fails in its own probe as well
        _tensor(twin(tokens)).sum().backward()
    pairs = list(zip(net.parameters(), twin.parameters(), strict=True))
    reached = [item for item, other in pairs if other.grad is not None] or [item for item, _ in pairs]
    linears = [item for item in net.modules() if isinstance(item, torch.nn.Linear) and item.out_features == 1]
    for weight in [item.weight for item in linears if item.in_features > 1][::-1]:
        if any(weight is item for item in reached):
            return weight
    return max(reached[-2:], key=lambda item: item.numel())


def _field_names(namespace: Any) -> Any:
    """Return the notebook's own names of a batch's two fields, comments first."""
    for name in ("train", "val", "test"):
        fields = getattr(namespace.get(name), "fields", None)
        if isinstance(fields, dict) and len(fields) == 2:
            return tuple(sorted(fields, key=lambda key: bool(getattr(fields[key], "is_target", False))))
    return ("comment_text", "toxic")


def _loop_network(namespace: Any, sizes: Any, drop: Any, device: Any, tokens: Any) -> Any:
    """Return (network, whose): the student's own GRU where it works, else a plain one."""
    cls, _ = find_network(namespace, deep=False)
    if cls is not None:
        with contextlib.suppress(Exception):  # its own probe reports what is wrong with it
            net = build_network(cls, sizes, "gru", drop).to(device)
            _logits(net, tokens)
            return net, "student"
    return PlainNetwork(**sizes, drop=drop).to(device), "grader"


LOOP_WORDS = (("optim",), ("loss", "crit"), ("epoch",), ("iter", "load", "data", "batch"), ("net", "model"))


def _call_loop(function: Any, net: Any, sent: Any, optimizer: Any, count: int = 5) -> Any:
    """Call a training or evaluation function: by position as in the template, by name where it has other arguments.

    The epoch's number is 1, so that a function which takes it for a count of epochs walks over the batches once.
    """
    loss = torch.nn.BCEWithLogitsLoss()
    given = inspect.signature(function).parameters.values()
    needed = [item.name for item in given if item.default is item.empty and item.kind is not item.VAR_KEYWORD]
    if any(item.kind is item.VAR_POSITIONAL for item in given):  # a decorator's wrapper
        return function(*(net, sent, optimizer, loss, 1)[:count])
    if len(needed) in (4, 5):
        return function(*(net, sent, optimizer, loss, 1)[: len(needed)])
    named = {}
    for name in needed:
        for words, value in zip(LOOP_WORDS, (optimizer, loss, 1, sent, net), strict=True):
            if any(word in name.lower() for word in words):
                named[name] = value
                break
    return function(**named)


def _state(net: Any) -> Any:
    return {name: item.detach().clone() for name, item in net.state_dict().items()}


def _movement(before: Any, net: Any) -> Any:
    """Return how far every parameter moved, as the norm of the difference."""
    after = net.state_dict()
    return {name: _plain((after[name].double() - item.double()).norm()) for name, item in list(before.items())[:60]}


def _eval_logits(net: Any, batches: Any) -> Any:
    return [_logits(net, batch.comment_text.tolist()) for batch in batches.batches]


def train(namespace: Any, *, subject: Any, seed: Any, sizes: Any, batches: Any, drop: Any, lr: Any, calls: Any) -> Any:
    """Call the training function ``calls`` times on the same sent batches and random labels."""
    namespace = _choose(namespace, subject)
    function, how = find_train(namespace)
    if function is None:
        return {"found": None}
    with _quiet(seed):
        device = _device(namespace)
        sent = SentBatches(batches, _field_names(namespace), device)
        net, whose = _loop_network(namespace, sizes, drop, device, batches[0]["tokens"])
        reply = {"found": _found(function, how), "network": whose, "before": _eval_logits(net, sent)}
        reply["layout"], reply["start"] = _layout(net), _pack(net)
        before = _state(net)
        diary = Diary(net, sent)
        optimizer = DiaryAdam(net.parameters(), lr, diary)
        reply["returned"], reply["walks"] = [], []
        net.eval()  # a training function must switch to training mode itself
        for _ in range(calls):
            sent.walks = 0
            try:
                result = _call_loop(function, net, sent, optimizer)
            except Exception as error:
                reply["error"] = _error(error)
                break
            reply["returned"].append(_plain(result))
            reply["walks"].append(sent.walks)
            diary.open = False
            reply.setdefault("movement_first", _movement(before, net))
        reply["events"] = diary.events
        reply["movement"] = _movement(before, net)
        reply["after"], reply["final"] = _eval_logits(net, sent), _pack(net)
    return reply


def evaluate(namespace: Any, *, subject: Any, seed: Any, salt: Any, sizes: Any, batches: Any, drop: Any) -> Any:
    """Call the evaluation function once on sent batches with random labels."""
    namespace = _choose(namespace, subject)
    function, how = find_evaluate(namespace)
    if function is None:
        return {"found": None}
    with _quiet(seed):
        device = _device(namespace)
        sent = SentBatches(batches, _field_names(namespace), device)
        net, whose = _loop_network(namespace, sizes, drop, device, batches[0]["tokens"])
        _fill(net, salt)  # new networks have logits near one another, of which a wrong threshold makes no difference
        reply = {"found": _found(function, how), "network": whose, "before": _eval_logits(net, sent)}
        reply["layout"], reply["start"] = _layout(net), _pack(net)
        before = _state(net)
        diary = Diary(net, sent)
        optimizer = DiaryAdam(net.parameters(), 0.05, diary)
        net.train()  # an evaluation function must switch to evaluation mode itself
        try:
            reply["returned"] = [_plain(_call_loop(function, net, sent, optimizer, count=4))]
        except Exception as error:
            reply["error"] = _error(error)
        diary.open = False
        reply["walks"] = [sent.walks]
        reply["events"] = diary.events
        reply["movement"] = _movement(before, net)
        reply["after"], reply["final"] = _eval_logits(net, sent), _pack(net)
        reply["left_in_training"] = bool(net.training)
    return reply


def quality(
    namespace: Any,
    *,
    subject: Any,
    seed: Any,
    salt: Any,
    sizes: Any,
    m_type: Any,
    batches: Any,
    lr: Any,
    epochs: Any,
    hidden: Any,
) -> Any:
    """Train a new network through the training function, and send it hidden comments."""
    namespace = _choose(namespace, subject)
    cls, how = find_network(namespace, deep=False)
    function, _ = find_train(namespace)
    if cls is None or function is None:
        return {"found": None, "network": cls is not None, "train": function is not None}
    with _quiet(seed):
        device = _device(namespace)
        reply = {"found": _found(cls, how), "returned": []}
        try:
            net = build_network(cls, sizes, m_type, drop=0.2).to(device)
            _fill_embedding(net, sizes["in_neuron"], salt)
            optimizer = torch.optim.Adam(net.parameters(), lr=lr)
            sent = SentBatches(batches, _field_names(namespace), device)
            for _ in range(epochs):
                order = torch.randperm(len(sent.batches)).tolist()
                sent.batches = [sent.batches[index] for index in order]
                reply["returned"].append(_plain(_call_loop(function, net, sent, optimizer)))
        except Exception as error:
            reply["error"] = _error(error)
            return reply
        reply["logits"] = _attempt(_hidden_logits, net, hidden)
        reply["layout"], reply["trained"] = _layout(net), _pack(net)
        _fill(net, salt + 2)
        reply["moved"] = _attempt(_hidden_logits, net, hidden[:6])
    return reply


def _hidden_logits(net: Any, hidden: Any) -> Any:
    """Return one number per hidden comment, a batch after the other."""
    values = []
    for tokens in hidden:
        values += _logits(net, tokens)["values"]
    return values


def own_networks(namespace: Any, *, subject: Any, comments: Any) -> Any:
    """Send ``comments`` to the networks that the notebook's own cells left behind, with the notebook's vocabulary.

    They come in groups of one length, each comment as its words, so that none needs padding.
    """
    namespace = _choose(namespace, subject)
    nets = {
        name: value
        for name, value in namespace.items()
        if isinstance(value, torch.nn.Module) and not name.startswith("_") and _is_network(type(value))
    }
    with _quiet(0):
        batches = _attempt(_encode, getattr(namespace.get("text_field"), "vocab", None), comments)
        replies = {
            name: {
                "kind": type(net).__name__,
                "core": _core(net),
                "logits": _attempt(_kept_logits, net, batches),
                "moves": _attempt(_try_optimizers, namespace, net),
            }
            for name, net in sorted(nets.items())[:8]
        }
    return {"networks": replies}


def _encode(vocab: Any, comments: Any) -> Any:
    """Return token ids [length][comments] of every group of equally long comments, in the notebook's vocabulary."""
    groups = [
        [[int(vocab.stoi[word]) if word in vocab.stoi else 0 for word in words] for words in group]
        for group in comments
    ]
    return [[list(column) for column in zip(*rows, strict=True)] for rows in groups]


def _try_optimizers(namespace: Any, net: Any) -> Any:
    """Return, by optimizer, how far it moves the network in one more pass of the student's training, both copied."""
    function, _ = find_train(namespace)
    if function is None:
        return {}
    few = {"tokens": [[2, 3], [4, 2], [3, 4]], "labels": [0, 1]}
    optimizers = [(name, value) for name, value in namespace.items() if isinstance(value, torch.optim.Optimizer)]
    moves = {}
    for name, optimizer in [pair for pair in optimizers if not pair[0].startswith("_")][:4]:
        with torch.random.fork_rng():
            twin, own = copy.deepcopy((net, optimizer))  # together, so that what they share stays shared
            before = _state(twin)
            sent = SentBatches([few], _field_names(namespace), _device(namespace))
            _call_loop(function, twin, sent, own)
            moves[name] = max(_movement(before, twin).values(), default=0.0)
    return moves


def _kept_logits(net: Any, batches: Any) -> Any:
    """Return the logits, with the network left in the mode that it was in."""
    mode = net.training
    try:
        return _hidden_logits(net, batches)
    finally:
        net.train(mode)


# --- Data ---


def data(namespace: Any, *, subject: Any, sample: Any) -> Any:
    """Look at the table, the joined text, the three sets and the vocabulary; ``sample`` says how many rows to try."""
    namespace = _choose(namespace, subject)
    with _quiet(0):
        frame, how = _find_table(namespace)
        reply = {"table": _attempt(_table, frame) if frame is not None else None, "table_by": how}
        reply["raw"] = _attempt(_raw_table)
        reply["text"] = _attempt(_joined, namespace, frame, sample)
        reply["sets"] = {name: _attempt(_set, namespace.get(name)) for name in ("train", "val", "test")}
        reply["vocabulary"] = _attempt(_vocabulary, namespace)
        reply["batch"] = _attempt(_batch, namespace.get("train_iter"))
    return reply


def _find_table(namespace: Any) -> Any:
    if _is_table(namespace.get("df")):
        return namespace["df"], "name"
    for name, value in namespace.items():
        if not name.startswith("_") and _is_table(value) and "comment_text" in value.columns:
            return value, "shape"
    return None, ""


def _is_table(value: Any) -> Any:
    return type(value).__name__ == "DataFrame" and hasattr(value, "columns")


def _table(frame: Any) -> Any:
    text = frame["comment_text"] if "comment_text" in frame.columns else frame.iloc[:, 0]
    return {
        "columns": [str(name) for name in frame.columns][:20],
        "rows": len(frame),
        "duplicates": int(frame.duplicated().sum()),
        "repeated_comments": int(text.duplicated().sum()),
        "empties": int(text.isna().sum() + (text.fillna("x").astype(str).str.strip() == "").sum()),
    }


def _raw_table() -> Any:
    """Return the size of the file as it was given, before and after what the sheet asks for."""
    import pandas

    frame = pandas.read_csv("data.csv")[["comment_text", "toxic"]]
    return {
        "rows": len(frame),
        "duplicates": int(frame.duplicated().sum()),
        "distinct": len(frame.dropna().drop_duplicates()),
    }


def _joined(namespace: Any, frame: Any, sample: Any) -> Any:
    text = namespace.get("text")
    if isinstance(text, (list, tuple)):
        text = " ".join(str(item) for item in text)
    if not isinstance(text, str):
        return {"type": type(text).__name__, "characters": 0, "tried": 0, "held": 0}
    comments = [str(item) for item in frame.iloc[:, 0].dropna()] if frame is not None else []
    if frame is not None and "comment_text" in frame.columns:
        comments = [str(item) for item in frame["comment_text"].dropna()]
    picked = comments[:: max(1, len(comments) // sample)] if comments else []
    whole = " ".join(text.lower().split())
    held = sum(" ".join(item.lower().split()) in whole for item in picked)
    return {"type": "str", "characters": len(text), "tried": len(picked), "held": held}


def _set(value: Any) -> Any:
    if value is None or not hasattr(value, "examples"):
        return {"type": type(value).__name__, "examples": None}
    fields = dict(getattr(value, "fields", {}))
    names = [name for name, field in fields.items() if field is not None]
    return {"type": type(value).__name__, "examples": len(value.examples), "fields": names[:10]}


def _words(value: Any) -> list[str]:
    """Return the words of a set's comments in order, as its field has split them."""
    names = [name for name, field in value.fields.items() if field is not None and not field.is_target]
    return [word for example in value.examples for word in getattr(example, names[0])]


def _vocabulary(namespace: Any) -> Any:
    """Return how many words the vocabulary counted when it was built, and how many the sets hold."""
    field = namespace.get("text_field")
    vocab = getattr(field, "vocab", None)
    if vocab is None:
        return None
    known = set(vocab.itos)
    words = {name: _words(namespace[name]) for name in ("train", "val", "test") if _is_set(namespace.get(name))}
    trained, others = set(words.get("train", ())), {word for name in words for word in words[name]}
    return {
        "words": len(vocab.itos),
        "counted": int(sum(vocab.freqs.values())),
        "in_train": len(words.get("train", ())),
        "in_all": sum(map(len, words.values())),
        "known_of_train": len(known & trained),
        "different_in_train": len(trained),
        "known_from_elsewhere": len(known & (others - trained)),
    }


def _is_set(value: Any) -> Any:
    return hasattr(value, "examples") and hasattr(value, "fields")


def _batch(iterator: Any) -> Any:
    if iterator is None:
        return None
    batch = next(iter(iterator))
    tokens, labels = batch
    return {
        "shape": list(_tensor(tokens).shape),
        "labels": list(labels.shape),
        "type": str(labels.dtype),
        "size": int(iterator.batch_size),
    }


# --- Word vectors ---


class SentVectors:
    """Vectors that the grader sent, which behave like torchtext's: ``stoi``, ``itos``, ``vectors``, ``glove[word]``."""

    def __init__(self, words: Any, rows: Any) -> None:
        self.itos = list(words)
        self.stoi = {word: index for index, word in enumerate(words)}
        self.vectors = torch.tensor(rows, dtype=torch.float32)
        self.dim = self.vectors.shape[1]

    def __getitem__(self, word: Any) -> Any:
        return self.vectors[self.stoi[word]] if word in self.stoi else torch.zeros(self.dim)

    def __len__(self) -> int:
        return len(self.itos)

    def get_vecs_by_tokens(self, tokens: Any, lower_case_backup: Any = False) -> Any:
        """Return the vector of a word, or the stacked vectors of several."""
        words = [tokens] if isinstance(tokens, str) else tokens
        rows = [self[item if item in self.stoi or not lower_case_backup else item.lower()] for item in words]
        return rows[0] if isinstance(tokens, str) else torch.stack(rows)


def _ask(function: Any, printed: Any, *arguments: Any, **named: Any) -> Any:
    """Return what a GloVe helper gave back, and what it printed."""
    start = printed.tell()
    try:
        result = {"value": _plain(function(*arguments, **named))}
    except Exception as error:
        result = {"error": _error(error)}
    printed.seek(start)
    result["printed"] = printed.read()[:3000]
    return result


def glove(
    namespace: Any,
    *,
    subject: Any,
    words: Any,
    rows: Any,
    single: Any,
    closest: Any,
    n: Any,
    vector: Any,
    analogy: Any,
    analogy_n: Any,
    look_up: Any,
) -> Any:
    """Call the GloVe helpers on made-up vectors, and look at the vectors of the notebook's last vocabulary."""
    namespace = _choose(namespace, subject)
    finders = {
        "get_vector": ((2,), ("vector", "embed", "vec")),
        "find_closest": ((2,), ("clos", "near", "simil", "neigh")),
        "find_analogy": ((4,), ("analog",)),
    }
    functions = {name: find_function(namespace, name, *counts, hints) for name, (counts, hints) in finders.items()}
    reply: dict[str, Any] = {"found": {name: _found(*pair) if pair[0] else None for name, pair in functions.items()}}
    vectors = SentVectors(words, rows)
    with _quiet(0) as printed:
        if functions["get_vector"][0]:
            reply["single"] = [_ask(functions["get_vector"][0], printed, vectors, word) for word in single]
        if functions["find_closest"][0]:
            reply["closest"] = [_ask(functions["find_closest"][0], printed, vectors, word, n) for word in closest]
            given = torch.tensor(vector, dtype=torch.float32)
            reply["vector"] = _ask(functions["find_closest"][0], printed, vectors, given, n, True)
        if functions["find_analogy"][0]:
            reply["analogy"] = [
                _ask(functions["find_analogy"][0], printed, vectors, *three, analogy_n) for three in analogy
            ]
        reply["vocabulary"] = _attempt(_vocabulary_vectors, namespace, look_up)
    return reply


def _vocabulary_vectors(namespace: Any, look_up: Any) -> Any:
    """Return how far the last vocabulary's vectors are from the GloVe vectors of the same words."""
    vocab: Any = getattr(namespace.get("text_field"), "vocab", None)
    table = getattr(vocab, "vectors", None)
    source = namespace.get("glove")
    reply = {"shape": None if table is None else list(table.shape), "words": len(getattr(vocab, "itos", ()))}
    reply["glove"] = source is not None and hasattr(source, "stoi")
    if table is None or not reply["glove"]:
        return reply
    shared = [word for word in vocab.itos if word in source.stoi][:200]
    reply["shared"] = len(shared)
    apart = [float((table[vocab.stoi[word]] - source[word]).norm()) for word in shared]
    reply["largest_distance"] = _plain(max(apart, default=0.0))
    reply["rows"] = [_plain(table[vocab.stoi[word]].tolist()[:5]) if word in vocab.stoi else None for word in look_up]
    return reply


# --- What torch itself answers ---


def compute(
    namespace: Any, *, subject: Any, seed: Any, left: Any, right: Any, labels: Any, tokens: Any, salt: Any
) -> Any:
    """Work out some of the things that the other functions build on."""
    namespace = _choose(namespace, subject)
    with _quiet(seed):
        one, two = (torch.tensor(rows, dtype=torch.float32, device="cpu") for rows in (left, right))
        target = torch.tensor(labels, dtype=torch.float32, device="cpu")
        reply: dict[str, Any] = {
            "product": _plain(one @ two.T),
            "sigmoid": _plain(torch.sigmoid(one)),
            "softmax": _plain(torch.softmax(one, dim=1)),
            "loss": _plain(torch.nn.BCEWithLogitsLoss()(one[0], target)),
            "order": _plain(torch.argsort(one[0])),
            "norms": _plain(torch.norm(one - two, dim=1)),
            "close": [torch.allclose(one, one + 1e-9), torch.allclose(one, two)],
            "equal": [torch.equal(one, one.clone()), torch.equal(one, two)],
            "json": json.loads(json.dumps(tokens)),
        }
        for name in ("RNNCell", "GRUCell", "LSTMCell"):
            cell = getattr(torch.nn, name)(one.shape[1], 3).to("cpu")
            _fill(cell, salt)
            with torch.no_grad():
                reply[name] = _plain(_tensor(cell(one)))
    return reply
