"""Classes of invented students for tests and benchmarks: reports, notebooks that train for about a second, and attacks.

Everything follows from ``seed`` and the hand-in's number, so equal calls write equal classes. Names are s0001, s0002...
"""

import io
import itertools
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

import yaml

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ("reference", "terse", "persian", "out-of-order", "notebook-export", "question-repeated")
CLASS_FILE = "assignment: hw5\nkey: demo\n"
HARD_SHARE = 0.1

# What students get wrong: every report has some of these where the words stand in it.
SLIPS = (
    (r"\hat{y}_t - y_t", r"y_t - \hat{y}_t"),
    (r"\hat{y}_t - y_t", r"\hat{y}_t (1 - \hat{y}_t)"),
    ("W_{yh}^T g_{o_t}", "W_{yh} g_{o_t}"),
    ("W_{yh}^T g_{o_t}", "W_{hh}^T g_{o_t}"),
    ("h_{i-1}^T", "h_{i}^T"),
    (r"\sum_{t=1}^{3} g", r"\sum_{t=1}^{2} g"),
    (r"\psi'(z_i)", r"\psi(z_i)"),
    ("[6, 1, 2]", "[5, 0, 1]"),
    ("index 3", "index 2"),
    ("2 and 3", "1 and 3"),
    ("ption 3", "ption 4"),
    ("گزینه ۳", "گزینه ۱"),
    ("[-2, 3, 0, 6]", "[-2, 3, 1, 6]"),
)

# --- A notebook of the homework's shape. It needs no stand-in: stock nbclient and plain exec run it as well. ---

IMPORTS = """
import random

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from torchtext.data import BucketIterator, Field, LabelField, TabularDataset
from torchtext.vocab import Vectors

SEED = @seed@
random.seed(SEED)
np.random.seed(SEED)
torch.manual_seed(SEED)
device = torch.device('cpu')
"""
READ = """
df = pd.read_csv('data.csv')[['comment_text', 'toxic']]
df = df.dropna()@distinct@
text = ' '.join(df.comment_text)
print(df.shape, len(text))
"""
SPLIT = """
small = df.sample(@rows@, random_state=SEED)
train_df, test_df = train_test_split(small, test_size=0.25, stratify=small['toxic'], random_state=SEED)
train_df, val_df = train_test_split(train_df, test_size=0.20, stratify=train_df['toxic'], random_state=SEED)
train_df.to_csv('train.csv', index=False)
val_df.to_csv('val.csv', index=False)
test_df.to_csv('test.csv', index=False)
print(len(train_df), len(val_df), len(test_df))
"""
FIELDS = """
text_field = Field(tokenize=str.split, lower=True)
label_field = LabelField(dtype=torch.float)
fields = [('comment_text', text_field), ('toxic', label_field)]
train, val, test = TabularDataset.splits(path='./', train='train.csv', validation='val.csv', test='test.csv',
                                         format='csv', fields=fields, skip_header=True)
text_field.build_vocab(@counted@, max_size=100000)
label_field.build_vocab(train)
print(len(text_field.vocab), list(text_field.vocab.stoi.items())[:10])
"""
BATCHES = """
train_iter, val_iter, test_iter = BucketIterator.splits(
    (train, val, test), batch_sizes=(32, 128, 128), sort_key=lambda example: len(example.comment_text), device=device)
batch = next(iter(train_iter))
print(batch.comment_text.shape, batch.toxic.shape)
"""
NETWORK = """
class Network(torch.nn.Module):
    def __init__(self, in_neuron, embedding_dim=@wide@, hidden_size=@hidden@, out_neuron=1, m_type='rnn', drop=0.5,
                 **kwargs):
        super().__init__()
        self.m_type = m_type
        self.embedding = torch.nn.Embedding(in_neuron, embedding_dim)
        self.dropout = torch.nn.Dropout(drop)
        kind = {'rnn': torch.nn.RNN, 'gru': torch.nn.GRU, 'lstm': torch.nn.LSTM}[m_type]
        self.rnn = kind(embedding_dim, hidden_size, **kwargs)
        self.fc = torch.nn.Linear(hidden_size, out_neuron)

    def forward(self, t):
        output, hidden = self.rnn(self.embedding(t))
        if self.m_type == 'lstm':
            hidden = hidden[0]
        return self.fc(self.dropout(@state@))
"""
LOOPS = """
def train_network(network, train_iter, optimizer, loss_fn, epoch_num):
    network.train()
    epoch_loss, epoch_accuracy = 0, 0
    for batch in train_iter:
        @zero@
        out = network(batch.comment_text).squeeze(1)
        loss = loss_fn(out, batch.toxic)
        accuracy = (torch.round(torch.sigmoid(out)) == batch.toxic).float().mean()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
        epoch_accuracy += accuracy.item()
    return epoch_loss / len(train_iter), epoch_accuracy / len(train_iter)


def evaluate_network(network, val_test_iter, optimizer, loss_fn):
    @evaluation@
    total_loss, total_accuracy = 0, 0
    with torch.no_grad():
        for batch in val_test_iter:
            out = network(batch.comment_text).squeeze(1)
            total_loss += loss_fn(out, batch.toxic).item()
            total_accuracy += (torch.round(torch.sigmoid(out)) == batch.toxic).float().mean().item()
    return total_loss / len(val_test_iter), total_accuracy / len(val_test_iter)


def run(network, optimizer):
    for epoch in range(@epochs@):
        print(epoch + 1, train_network(network, train_iter, optimizer, loss_fn, epoch + 1),
              evaluate_network(network, val_iter, optimizer, loss_fn))
"""
TRAIN = """
in_neuron = len(text_field.vocab)
loss_fn = torch.nn.BCEWithLogitsLoss()
network = Network(in_neuron, m_type='@kind@').to(device)
optimizer = torch.optim.Adam(network.parameters(), lr=3e-4)
run(network, optimizer)
"""
DEEP = """
class DeepNetwork(torch.nn.Module):
    def __init__(self, in_neuron, embedding_dim=100, hidden_size=@hidden@, out_neuron=1, m_type='rnn', drop=0.5,
                 **kwargs):
        super().__init__()
        self.m_type = m_type
        self.embedding = torch.nn.Embedding(in_neuron, embedding_dim)
        kind = {'rnn': torch.nn.RNN, 'gru': torch.nn.GRU, 'lstm': torch.nn.LSTM}[m_type]
        self.rnn = kind(embedding_dim, hidden_size, **kwargs)
        self.dropout = torch.nn.Dropout(drop)
        self.fc = torch.nn.Linear(2 * hidden_size, out_neuron)

    def forward(self, t):
        output, hidden = self.rnn(self.embedding(t))
        if self.m_type == 'lstm':
            hidden = hidden[0]
        hidden = torch.cat((hidden[@first@, :, :], hidden[-1, :, :]), dim=1)
        return self.fc(self.dropout(hidden))
"""
TRAIN_DEEP = """
network = DeepNetwork(in_neuron, hidden_size=16, m_type='gru', num_layers=2, bidirectional=True).to(device)
optimizer = torch.optim.Adam(network.parameters(), lr=3e-4)
run(network, optimizer)
"""
GLOVE = """
glove = Vectors('glove.6B.100d.txt', cache='.')


def get_vector(glove, word):
    return glove.vectors[glove.stoi[word.lower()]]


def find_closest(glove, input_value, n=6, vector=False):
    if not vector:
        input_value = get_vector(glove, input_value)
    pairs = [(word, torch.dist(input_value, get_vector(glove, word)).item()) for word in glove.itos]
    return sorted(pairs, key=lambda pair: pair[1])[:n]


def find_analogy(glove, w1, w11, w2, n=7):
    vector = get_vector(glove, w11) @sign@ get_vector(glove, w1) + get_vector(glove, w2)
    closest = find_closest(glove, vector, n=n + 3, vector=True)
    return [pair for pair in closest if pair[0] not in (w1, w11, w2)][:n]


print(find_closest(glove, 'friend'))
print(find_analogy(glove, 'king', 'queen', 'man'))
"""
GLOVE_TRAINING = """
text_field.build_vocab(train, max_size=100000, vectors=glove)
in_neuron = len(text_field.vocab)
network = DeepNetwork(in_neuron, hidden_size=16, m_type='gru', num_layers=2, bidirectional=True).to(device)
network.embedding.weight.data.copy_(text_field.vocab.vectors)
optimizer = torch.optim.Adam(network.parameters(), lr=3e-4)
run(network, optimizer)
"""
CHOICES: Mapping[str, Sequence[str]] = {  # the first is right, and taken most of the time
    "distinct": (".drop_duplicates()", ""),
    "counted": ("train", "train, val, test"),
    "state": ("hidden[-1]", "output[-1]", "output.mean(0)"),
    "zero": ("optimizer.zero_grad()", "pass"),
    "evaluation": ("network.eval()", "pass"),
    "first": ("-2", "0"),
    "sign": ("-", "+"),
    "kind": ("gru", "lstm", "rnn"),
}


def build_cells(random: Random) -> list[str]:
    """Return a notebook's cells: one student's sizes, mistakes and omissions."""
    values = {
        name: right if random.random() < 0.75 else random.choice(rest) for name, (right, *rest) in CHOICES.items()
    }
    values |= {"seed": str(random.randrange(1000)), "rows": str(random.randrange(260, 360, 20)), "epochs": "2"}
    values |= {"wide": str(random.choice((24, 32, 48))), "hidden": str(random.choice((24, 32, 48)))}
    cells = [IMPORTS, READ, SPLIT, FIELDS, BATCHES, NETWORK, LOOPS, TRAIN]
    cells += [TRAIN.replace("@kind@", "lstm")] if random.random() < 0.5 else []
    cells += [DEEP, TRAIN_DEEP] if random.random() < 0.9 else []
    if random.random() < 0.9:
        cells += [GLOVE, GLOVE_TRAINING] if DEEP in cells else [GLOVE]
    return [re.sub("@([a-z]+)@", lambda found: values[found[1]], cell).strip() for cell in cells]


def build_notebook(*cells: str) -> bytes:
    """Return a notebook file."""
    blank = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    nodes = [{**blank, "id": f"cell-{index}", "source": text} for index, text in enumerate(cells)]
    return json.dumps({"cells": nodes, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def build_report(name: str, random: Random) -> str:
    """Return a report: one of the golden ones, with slips, some without a part, and with the student's own name."""
    text = (ROOT / "tests/golden" / random.choice(REPORTS) / "report.md").read_text(encoding="utf-8")
    for right, wrong in random.sample(SLIPS, random.randrange(5)):
        text = text.replace(right, wrong)
    paragraphs = text.split("\n\n")
    if random.random() < 0.25:
        del paragraphs[random.randrange(len(paragraphs) // 2, len(paragraphs))]
    return f"Student: {name}\n\n" + "\n\n".join(paragraphs)


# --- Broken and hostile hand-ins. None runs endlessly: see make_endless. ---

HARD_CELLS: Mapping[str, str] = {
    "raises": "raise RuntimeError('I did not get further than this')",
    "flood": "for number in range(400_000):\n    print('a line of a huge output', number)",
    "hog": "kept = []\nfor number in range(120):\n    kept.append(np.ones(2**23))\nprint(len(kept))",
    "exits": "import os\nos._exit(3)",
    "forks": "import os, time\nfor n in range(20):\n    if not os.fork():\n        time.sleep(30)\n        os._exit(0)",
}


def _with_cell(kind: str) -> Callable[[Path, Random], None]:
    def make(folder: Path, random: Random) -> None:
        cells = build_cells(random)[:5]
        (folder / "Q4.ipynb").write_bytes(build_notebook(*cells, HARD_CELLS[kind], "print('still here')"))

    return make


def _not_json(folder: Path, random: Random) -> None:
    (folder / "Q4.ipynb").write_text('{"cells": [{"cell_type": "code", "source": "print(', encoding="utf-8")


def _empty(folder: Path, random: Random) -> None:
    (folder / "report.md").unlink()


def _link(folder: Path, random: Random) -> None:
    (folder / "Q4.ipynb").symlink_to("/etc/passwd")


def _binary(folder: Path, random: Random) -> None:
    (folder / "report.md").write_bytes(b"\x7fELF" + random.randbytes(20_000))


def _archive(folder: Path, random: Random) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("Q4.ipynb"), build_notebook(*build_cells(random)))
    (folder / "homework.zip").write_bytes(content.getvalue())


HARD: Mapping[str, Callable[[Path, Random], None]] = {
    "raises": _with_cell("raises"),
    "not_json": _not_json,
    "exits": _with_cell("exits"),
    "empty": _empty,
    "flood": _with_cell("flood"),
    "link": _link,
    "hog": _with_cell("hog"),
    "binary": _binary,
    "forks": _with_cell("forks"),
    "archive": _archive,
}


# --- Classes ---


def make_class(
    folder: Path, count: int, *, seed: int = 1, notebooks: bool = True, mix: float = HARD_SHARE
) -> list[Path]:
    """Write a class of ``count`` hand-ins and return their folders.

    ``mix`` is the share of broken and hostile ones; they take turns, evenly spread. ``notebooks=False`` writes reports
    only, and none of them broken.
    """
    _open_class(folder)
    every = round(1 / mix) if mix and notebooks else 0
    kinds = itertools.cycle(HARD)
    made = []
    for number in range(1, count + 1):
        random = Random(f"{seed} {number}")
        hand_in = _write_report(folder, f"s{number:04d}", random)
        if every and number % every == every // 2:
            HARD[next(kinds)](hand_in, random)
        elif notebooks:
            (hand_in / "Q4.ipynb").write_bytes(build_notebook(*build_cells(random)))
        made.append(hand_in)
    return made


def make_reports(folder: Path, count: int, *, seed: int = 1) -> list[Path]:
    """Write a class without notebooks: every report is another one."""
    return make_class(folder, count, seed=seed, notebooks=False)


def make_small_class(folder: Path, count: int = 8, *, seed: int = 1) -> list[Path]:
    """Write a class whose notebooks take a moment each, some of them broken: for crashes, resumption, many runs."""
    _open_class(folder)
    made = []
    for number in range(1, count + 1):
        random = Random(f"small {seed} {number}")
        hand_in = _write_report(folder, f"s{number:04d}", random)
        cells = [f"x = {random.randrange(10**6)}\nprint(x)", "import numpy as np\nprint(np.arange(x % 100).sum())"]
        cells += {3: ["raise ValueError('no further')"], 5: ["import os\nos._exit(3)"]}.get(number % 8, [])
        if number % 8 != 7:
            (hand_in / "Q4.ipynb").write_bytes(build_notebook(*cells))
        made.append(hand_in)
    return made


def make_endless(folder: Path, name: str = "s9999") -> Path:
    """Write one hand-in whose notebook never ends by itself; return its folder."""
    _open_class(folder)
    random = Random(name)
    hand_in = _write_report(folder, name, random)
    (hand_in / "Q4.ipynb").write_bytes(build_notebook(f"name = {name!r}", "while True:\n    pass", "print(name)"))
    return hand_in


def _open_class(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "class.yaml").write_text(CLASS_FILE, encoding="utf-8")


def _write_report(folder: Path, name: str, random: Random) -> Path:
    hand_in = folder / name
    hand_in.mkdir()
    (hand_in / "report.md").write_text(build_report(name, random), encoding="utf-8")
    return hand_in


# --- Courses ---


def copy_course(folder: Path, **notebook: object) -> Path:
    """Copy the course to ``folder`` and return it; ``notebook`` replaces settings of the rubric's notebook part."""
    for name in ("rubrics", "templates", "reference"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    change_rubric(folder, lambda rubric: rubric["notebook"].update(notebook))
    return folder


def make_quick_course(folder: Path, **notebook: object) -> Path:
    """Copy the course for fast tests: few modules to import beforehand, short limits, hardly any training in probes.

    Its marks for question 4 mean nothing; everything else is the homework's. ``notebook`` replaces settings.
    """
    quick: dict[str, object] = {"preload": ["numpy", "torch", "pandas"], "cell_timeout_seconds": 10.0}
    quick |= {"total_timeout_seconds": 30.0, "probe_timeout_seconds": 20.0}
    copy_course(folder, **{**quick, **notebook})
    path = folder / "reference/hw5/checks/requests.py"
    source = path.read_text(encoding="utf-8")
    for long, short in (("= 4000, 64, 5, 3e-3", "= 128, 64, 1, 3e-3"), ("LEAST_SECONDS = 0.1", "LEAST_SECONDS = 0.0")):
        assert long in source, f"{path} has changed: {long} is not there"
        source = source.replace(long, short)
    path.write_text(source, encoding="utf-8")
    return folder


def change_rubric(course: Path, change: Callable[[dict], object]) -> None:
    """Change the course's rubric in place (its comments are lost)."""
    path = course / "rubrics/hw5.yaml"
    rubric = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(rubric)
    path.write_text(yaml.safe_dump(rubric, sort_keys=False, allow_unicode=True, width=1000), encoding="utf-8")


def move_marks(rubric: dict, marks: float = 1) -> None:
    """Move marks from the second criterion to the first: the sum stays."""
    one, two = rubric["criteria"][:2]
    one["available"], two["available"] = one["available"] + marks, two["available"] - marks
