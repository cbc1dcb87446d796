"""``python -m reference.hw5.train``: train the reference networks and write their weights, metrics and model card.

One thread, seeds, deterministic algorithms: on one machine and one version of torch every run writes the same bytes.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from reference.hw5.corpus import COURSE_SEED, HIDDEN_COMMENTS, Comment, build_course_comments, build_hidden_comments
from reference.hw5.models import DeepNetwork, Network
from reference.hw5.training import (
    Batches,
    build_vocabulary,
    compute_f1,
    compute_logits,
    evaluate_network,
    seed_everything,
    train_network,
)

WEIGHTS = Path(__file__).parent / "weights"
TRAINING_COMMENTS, VALIDATION_COMMENTS = 4000, 1000
HIDDEN_SEED = 2021
LEARNING_RATE, BATCH_SIZE = 3e-3, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One network to train: its class and arguments, its seed and how often it sees the comments."""

    name: str
    m_type: str
    epochs: int
    seed: int = 13
    deep: bool = False
    embedding_dim: int = 32
    hidden_size: int = 64
    drop: float = 0.3
    layer: Mapping[str, Any] = field(default_factory=dict)

    def build_network(self, in_neuron: int) -> torch.nn.Module:
        """Return the untrained network."""
        sizes = {"embedding_dim": self.embedding_dim, "hidden_size": self.hidden_size}
        network = DeepNetwork if self.deep else Network
        return network(in_neuron, m_type=self.m_type, drop=self.drop, **sizes, **self.layer)


RECIPES = (
    Recipe(name="gru", m_type="gru", epochs=5),
    Recipe(name="lstm", m_type="lstm", epochs=5),
    Recipe(name="deep", m_type="gru", epochs=3, deep=True, layer={"num_layers": 2, "bidirectional": True}),
)


def train_recipe(
    recipe: Recipe, training: Sequence[Comment], validation: Sequence[Comment], vocabulary: Mapping[str, int]
) -> tuple[torch.nn.Module, dict[str, list[float]]]:
    """Return the trained network and its curves: a number per epoch of loss and accuracy, training and validation."""
    seed_everything(recipe.seed)
    network = recipe.build_network(len(vocabulary))
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    loss_fn = torch.nn.BCEWithLogitsLoss()
    shuffled = Batches(training, vocabulary, BATCH_SIZE, seed=recipe.seed)
    curves: dict[str, list[float]] = {key: [] for key in ("loss", "accuracy", "val_loss", "val_accuracy")}
    for epoch in range(1, recipe.epochs + 1):
        passed = train_network(network, shuffled, optimizer, loss_fn, epoch)
        checked = evaluate_network(network, Batches(validation, vocabulary, 128), None, loss_fn)
        for key, value in zip(curves, (*passed, *checked), strict=True):
            curves[key].append(float(f"{value:.4g}"))
    return network, curves


def compute_comments_f1(network: torch.nn.Module, comments: Sequence[Comment], vocabulary: Mapping[str, int]) -> float:
    """Return F1 of the toxic class on ``comments``."""
    logits = compute_logits(network, [comment.text for comment in comments], vocabulary)
    return compute_f1(logits, [comment.toxic for comment in comments])


def save_network(path: Path, network: torch.nn.Module, recipe: Recipe, vocabulary: Mapping[str, int]) -> None:
    """Write the weights with the recipe and the words; one metadata entry only, as several have no fixed order."""
    about = json.dumps({"recipe": asdict(recipe), "words": list(vocabulary)})
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), path, metadata={"network": about})
    path.chmod(0o644)  # safetensors writes for the owner alone


def load_network(name: str, folder: Path = WEIGHTS) -> tuple[torch.nn.Module, dict[str, int]]:
    """Return a shipped network (gru, lstm or deep), in evaluation mode, and its vocabulary, words to ids."""
    with safe_open(folder / f"{name}.safetensors", framework="pt") as file:
        about = json.loads(file.metadata()["network"])
        state = {key: file.get_tensor(key) for key in file.keys()}
    vocabulary = {word: index for index, word in enumerate(about["words"])}
    network = Recipe(**about["recipe"]).build_network(len(vocabulary))
    network.load_state_dict(state)
    return network.eval(), vocabulary


def train_all(folder: Path = WEIGHTS, recipes: Sequence[Recipe] = RECIPES, say: Callable[[str], None] = print) -> None:
    """Train every recipe and write weights, ``metrics.json`` and ``MODEL_CARD.md`` into ``folder``."""
    comments = build_course_comments()
    training = comments[:TRAINING_COMMENTS]
    validation = comments[TRAINING_COMMENTS : TRAINING_COMMENTS + VALIDATION_COMMENTS]
    hidden = build_hidden_comments(HIDDEN_SEED)
    vocabulary = build_vocabulary(training)
    metrics = _describe_run()
    for recipe in recipes:
        network, curves = train_recipe(recipe, training, validation, vocabulary)
        save_network(folder / f"{recipe.name}.safetensors", network, recipe, vocabulary)
        f1 = round(compute_comments_f1(network, hidden, vocabulary), 4)
        parameters = sum(item.numel() for item in network.parameters())
        metrics["networks"][recipe.name] = {**asdict(recipe), "parameters": parameters, "hidden_f1": f1, **curves}
        say(f"{recipe.name}: {parameters} parameters, F1 {f1} on {len(hidden)} hidden comments")
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text(render_model_card(metrics), encoding="utf-8")


def _describe_run() -> dict[str, Any]:
    return {
        "data": {"course_seed": COURSE_SEED, "training": TRAINING_COMMENTS, "validation": VALIDATION_COMMENTS},
        "hidden": {"seed": HIDDEN_SEED, "comments": HIDDEN_COMMENTS},
        "training": {"optimizer": "Adam", "learning_rate": LEARNING_RATE, "batch_size": BATCH_SIZE, "threads": 1},
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__},
        "networks": {},
    }


def render_model_card(metrics: Mapping[str, Any]) -> str:
    """Return the model card as Markdown."""
    rows = [
        f"| `{name}.safetensors` | {'DeepNetwork' if net['deep'] else 'Network'} | {net['m_type']} | {net['epochs']} "
        f"| {net['seed']} | {net['parameters']} | {net['val_accuracy'][-1]:.3f} | {net['hidden_f1']:.3f} |"
        for name, net in metrics["networks"].items()
    ]
    data, hidden, how = metrics["data"], metrics["hidden"], metrics["training"]
    versions = ", ".join(f"{name} {version}" for name, version in metrics["versions"].items())
    return CARD.format(rows="\n".join(rows), versions=versions, **{**data, **how}, hidden=hidden)


CARD = """# Reference networks of homework 5, question 4

Small recurrent networks that tell whether a comment of the generated corpus is toxic. They show that the homework's
task can be learnt, and how well. **They know nothing of real language: do not use them to judge real comments.**

| file | class | layer | epochs | seed | parameters | validation accuracy | F1, hidden comments |
|---|---|---|---|---|---|---|---|
{rows}

- Data: the first {training} comments of the generated corpus (`corpus.py`, seed {course_seed}) for training, the next
  {validation} for validation; three comments in ten are toxic.
- Hidden comments: {hidden[comments]} from seed {hidden[seed]}; none of them is in the course file, and some name
  things that no training comment names.
- Training: {optimizer}, learning rate {learning_rate}, batches of {batch_size} comments of similar length, CPU,
  {threads} thread.
- Versions: {versions}. Another version or machine may give slightly different weights.
- Curves of every epoch: `metrics.json`. Words and arguments of a network: metadata of its file.
- Written by `python -m reference.hw5.train`.
"""


if __name__ == "__main__":
    train_all()
