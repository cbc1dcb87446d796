"""Stored outputs beside the re-run, code in text cells, and disorder: honest notebooks are left in peace."""

import random
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader.model import CellRun
from grader.sandbox.handed_in import find_code_in_text
from grader.sandbox.notebooks import SourceCell, read_notebook
from grader.sandbox.outputs import find_differences, findings_on_file

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = read_notebook((ROOT / "submissions/99521082/Q4.ipynb").read_bytes())

TRAIN = (
    "import torch\ntorch.manual_seed(13)\nfor epoch in range(2):\n    train_acc, val_acc = train(network)\n"
    "    print(f'epoch {epoch + 1}: train accuracy {train_acc:.3f}, val accuracy {val_acc:.3f}')"
)
TRAINED = "epoch 1: train accuracy 0.612, val accuracy 0.688\nepoch 2: train accuracy 0.655, val accuracy 0.701\n"
EVALUATE = "loss, acc = evaluate(network)\nprint('test accuracy:', acc)"


def row(source, stored, printed="", error="", message="", **more):
    return {"source": source, "stored": stored, "printed": printed, "error": error, "message": message, **more}


def build(*rows):
    """Return the cells of a file and what the re-run of each gave."""
    cells, runs = [], []
    for index, cell in enumerate(rows):
        kind = cell.get("kind", "code")
        fields = {name: cell[name] for name in ("count", "stored_error", "language") if name in cell}
        cells.append(SourceCell(index=index, kind=kind, source=cell["source"], stored=cell.get("stored"), **fields))
        if kind == "code":
            error = cell.get("error", "")
            outcome = cell.get("outcome", "raised" if error else "finished")
            message = cell.get("message", "")
            runs.append(
                CellRun(index=index, source=cell["source"], outcome=outcome, text=cell.get("printed", ""),
                        error_name=error, error_message=message)
            )  # fmt: skip
    return cells, runs


def differences(*rows):
    return [finding.message for finding in find_differences(*build(*rows))]


HONEST = {
    "the same": row("print('hello')", "hello\n", "hello\n"),
    "cleared outputs": row("print('hello')", None, "hello\n"),
    "only a picture": row("plt.show()", "", ""),
    "another seed": row(TRAIN, TRAINED.replace("0.6", "0.8"), TRAINED),
    "accuracies far better, on other data": row(TRAIN, TRAINED.replace("0.6", "0.9"), TRAINED),
    "a perfect result, on other data": row(TRAIN, TRAINED.replace("0.701", "1.000"), TRAINED),
    "a toy without a seed": row("print('accuracy', train())", "accuracy 1.0\n", "accuracy 0.5\n", count=1),
    "fewer epochs were printed": row(TRAIN, TRAINED[:50], TRAINED),
    "free decimals": row(EVALUATE, "test accuracy: 0.9\n", "test accuracy: 0.6875\n"),
    "tqdm on standard output": row(
        "for x in tqdm(data, file=sys.stdout):\n    pass",
        "  0%|          | 0/125 [00:00<?, ?it/s]\r100%|##########| 125/125 [00:03<00:00, 41.2it/s, acc=0.9812]\n",
        "100%|##########| 125/125 [00:09<00:00, 13.1it/s]\n",
    ),
    "tqdm as a widget": row("fit()", "HBox(children=(FloatProgress(value=0.0, max=125.0), HTML(value='')))\n\n", ""),
    "a new widget": row("fit()", "epoch 1:   0%|          | 0/125 [00:00<?, ?it/s]\n", "epoch 1: 100%\n"),
    "timings": row("%%time\nfit()", "CPU times: user 2.1 s, sys: 3 ms\nWall time: 2.2 s\n", "CPU times: user 9 s\n"),
    "autotime": row("x = 1", "time: 382 µs (started: 2024-01-13 10:11:12 +00:00)\n", ""),
    "an address": row("def f(): pass\nprint(f)", "<function f at 0x7f12ab34cd56>\n", "<function f at 0x...>\n"),
    "addresses in a list": row(
        "print([object()])", "[<object object at 0x7f12ab34cd56>]\n", "[<object object at 0x...>]\n"
    ),
    "a path": row("%cd /content/drive/MyDrive\nprint(1)", "/content/drive/MyDrive\n1\n", ".\n1\n"),
    "a path that is asked for": row("import os\nprint(os.getcwd())", "/content\n", "work\n"),
    "pip": row("!pip install torchtext==0.6.0", "Successfully installed torchtext-0.6.0\n", "pip: offline\n"),
    "wget": row("!wget -q https://x.org/d.csv\nprint('done')", "--2024-01-01--\naccuracy: 1.0\n", "done\n"),
    "a program": row("!python train.py", "Test accuracy: 0.99\nPASSED\n", "python: no train.py\n"),
    "the mount": row("from google.colab import drive\ndrive.mount('/content/drive')", "Mounted at /content\n", ""),
    "nltk": row("nltk.download('punkt')", "[nltk_data] Downloading package punkt...\nTrue\n", "True\n"),
    "GloVe": row("glove = GloVe('6B')", ".vector_cache/glove.6B.zip: 862MB [02:41, 5.35MB/s]\n", ""),
    "a figure": row("plt.plot([1])", "[<matplotlib.lines.Line2D at 0x7f12ab34cd56>]\n<Figure size 640x480>\n", ""),
    "the GPU": row("device = pick()\nprint('using', device)", "using cuda\n", "using cpu\n"),
    "the GPU's device": row("torch.device(d)", "device(type='cuda', index=0)\n", "device(type='cpu')\n"),
    "a GPU is there": row("torch.cuda.is_available()", "True\n", "False\n"),
    "a data frame": row(
        "df.head()",
        "   comment_text  toxic\n0  your accuracy: 99 is a joke...      1\n1  all tests passed my foot        0\n",
        "   comment_text  toxic\n0  you were not a clown      0\n",
    ),
    "counts of words": row("print(freqs.most_common(2))", "[('the', 49123), ('wiki', 31)]\n", "[('the', 6505)]\n"),
    "tokens": row("print(vars(train[0]))", "{'comment_text': ['passed', 'ok']}\n", "{'toxic': '0'}\n"),
    "a metric named in the code": row("print({n}: {v})", "Recall: 0.9\n", "", before="f'{name}: {value:.3f}'"),
    "a comment of the data": row("print(df.comment_text[7])", "ok\n", "you fool\n", before="ok = 1"),
    "counts of values": row("y.value_counts()", "correct 950\nwrong 50\n", "wrong 50\n"),
    "a set": row("print({'b', 'a'})", "{'b', 'a'}\n", "{'a', 'b'}\n"),
    "chance": row("import random\nprint(random.random())", "0.37\n", "0.92\n"),
    "a clock": row("import datetime\nprint(datetime.date.today())", "2023-12-01\n", "2025-01-07\n"),
    "a version": row("import sys\nprint(sys.version)", "3.8.5\n", "3.11.7\n"),
    "the last digit": row("print(sum([0.1] * 10))", "0.9999999999999999\n", "1.0\n"),
    "scikit-learn's report": row(
        "print(classification_report(y, p))",
        "              precision    recall  f1-score   support\n     accuracy                      0.95      1000\n",
        "              precision    recall  f1-score   support\n\n     accuracy                      0.70       999\n",
    ),
    "a library's training log": row(
        "import keras\nmodel.fit(x, y)", "125/125 - 3s - loss: 0.1 - accuracy: 0.98\n", "125/125 - 3s - acc: 0.71\n"
    ),
    "a log of two phases": row(
        "for phase in ('train', 'val'):\n    print(f'{phase} Loss: {loss:.4f} Acc: {acc:.4f}')",
        "train Loss: 0.1234 Acc: 0.9812\nval Loss: 0.2345 Acc: 0.9512\n",
        "train Loss: 0.6123 Acc: 0.6512\nval Loss: 0.6345 Acc: 0.6999\n",
    ),
    "a branch on the data": row(
        "if acc > best:\n    print('Best accuracy: %.2f, saved' % acc)", "Best accuracy: 0.93, saved\n", ""
    ),
    "percent": row("print(f'accuracy {100 * acc:.1f}%')", "accuracy 98.7%\n", "accuracy 69.0%\n"),
    "nothing is a number": row("print(f'loss {loss:.3f}')", "loss nan\n", "loss 0.693\n"),
    "its own check": row("print('PASSED' if ok else 'FAILED')", "PASSED\n", "FAILED\n"),
    "a check from a function above": row("check()", "All tests passed\n", "1 wrong\n", before="def check():\n"
                                         "    print('All tests passed' if good() else f'{n} wrong')"),
    "a file that is not here": row("print(open('x.txt').read())", "accuracy 0.9\n", error="FileNotFoundError"),
    "another library's version": row("print(df.append(x))", "  acc\n0 0.9\n", error="AttributeError"),
    "a module of the student's own": row("import utils\nutils.report()", "Report\nAccuracy: 0.98\n",
                                         error="ModuleNotFoundError"),
    "the cell above failed": row("print(network)", "Network()\n", error="NameError",
                                 message="name 'network' is not defined", before="network = load()"),
    "it failed there as well": row("if x\n  print(x)", "", error="SyntaxError", stored_error="SyntaxError"),
    "a newer Python": row("print(f'{d['a']}')", "1\n", error="SyntaxError"),
    "Python 2": row("print 'hello'", "hello\n", error="SyntaxError"),
    "R": row("library(torch)\nx <- 5 |> print()", "[1] 5\n", error="SyntaxError", language="R"),
    "stopped": row("while True: pass", "accuracy: 1.0\n", outcome="timed out"),
    "never run here": row("print('hello')", "goodbye\n", outcome="not run"),
    "a value of another cell": row("print(x)", "7\n", "5\n", before="x = 5"),
    "a name that is used twice": row("for i in range(2):\n    print(i, x)", "0 7\n1 7\n", "0 5\n1 5\n", before="x = 5"),
    "a tolerance that fails": row("print(torch.allclose(a, b))", "False\n", "True\n"),
    "a list that two runs made longer": row(
        "items.append(1)\nprint(items)", "[1, 1]\n", "[1]\n", before="items = []"
    ),
    "Persian": row("print('دقت', acc)", "دقت 0.95\n", "دقت 0.70\n"),
    "a long output": row("for i in range(9999): print('line', i)", "line 1\n" * 2858, "line 0\n" * 9999),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_honest_outputs_are_left_in_peace(name):
    cell = HONEST[name]
    before = [row(cell["before"], "", "")] if "before" in cell else []
    assert differences(*before, cell) == []


# What was done to the file, and what staff read about it.
EDITED = {
    "words of a constant": (row("print('hello')", "PASSED\n", "hello\n"), "“PASSED”, the code prints “hello”"),
    "a sum": (row("x = [1, 2]\nprint('sum', sum(x))", "sum 4\n", "sum 3\n"), "“sum 4”, the code prints “sum 3”"),
    "a line more": (row("print(1)", "1\nAll good\n", "1\n"), "“All good”, the code prints nothing there"),
    "a line less": (row("print(1)\nprint(2)", "1\n", "1\n2\n"), "the code prints “2” after it"),
    "no code": (row("", "Test accuracy: 0.99\n"), "“Test accuracy: 0.99”, the code prints nothing"),
    "only a comment": (row("# train(network)", "epoch 1: 0.99\n"), "the code prints nothing"),
    "only a class": (
        row("class A(torch.nn.Module):\n    '''A.'''\n    @torch.no_grad()\n    def f(self): print(1)", "ok, works\n"),
        "the code prints nothing",
    ),
    "code that does not parse": (
        row("for epoch in range(3)\n    print(epoch)", "0\n1\n2\n", error="SyntaxError"),
        "“0”, the code cannot run (SyntaxError)",
    ),
    "outputs of another notebook": (
        row("print(train(net))", "(0.1, 0.98)\n", error="NameError", message="name 'train' is not defined"),
        "“(0.1, 0.98)”, NameError: no cell defines train",
    ),
    "a result that nothing prints": (
        row("df = load()\ndf.shape", "(10, 2)\nFinal accuracy: 0.98\n", "(10, 2)\n"),
        "“Final accuracy: 0.98”, the code printed “(10, 2)”",
    ),
    "a result with other punctuation": (
        row(TRAIN, TRAINED + "test accuracy = 0.95\n", TRAINED),
        "“test accuracy = 0.95”, the code printed “epoch 1: train accuracy 0.612",
    ),
    "F1 that nobody computes": (row("fit()", "F1-score: 1.0\n", ""), "“F1-score: 1.0”, the code printed nothing"),
    "passed": (row("run_checks()", "PASSED\n", "3 failures\n"), "“PASSED”, the code printed “3 failures”"),
    "all tests passed": (row("run_checks()", "✅ All 7 tests passed!\n"), "tests passed!”, the code printed"),
    "100%": (row("evaluate(network)", "100%\n", "0.71\n"), "“100%”, the code printed “0.71”"),
    "two decimals for three": (
        row(TRAIN, TRAINED.replace("0.701", "0.97"), TRAINED),
        "val accuracy 0.97”, the code printed “epoch 2: train accuracy 0.655, val accuracy 0.701”",
    ),
    "four decimals for three": (row(TRAIN, TRAINED.replace("0.701", "0.9712"), TRAINED), "0.9712”"),
    "no decimals": (row("print('acc: %.2f' % acc)", "acc: 1\n", "acc: 0.68\n"), "the code printed “acc: 0.68”"),
    "perfect": (
        row(TRAIN, TRAINED.replace("0.701", "1.000"), TRAINED, count=1), "val accuracy 1.000”, the code printed",
    ),
    "True for False": (
        row("print('equal:', torch.allclose(a, b))", "equal: True\n", "equal: False\n"),
        "“equal: True”, the code printed “equal: False”",
    ),
    "a script": (row("print('x')", "<script>alert(1)</script>\x1b[31m\u202eevil\n", "x\n"), "</script>evil”"),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITED)
def test_outputs_that_the_code_cannot_print_are_shown_to_staff(name):
    cell, says = EDITED[name]
    (finding,) = find_differences(*build(cell))
    assert (finding.code, finding.audience) == ("notebook.outputs_differ", "staff")
    assert "cell 0: the file says “" in finding.message
    assert says in finding.message
    assert not re.search(r"[\n\x1b\u202e]", finding.message)


def test_a_value_is_followed_from_cell_to_cell_where_each_ran_once():
    rows = [row("x = 5", None), row("def double(n):\n    return 2 * n", None), row("print(double(x))", "14\n", "10\n")]
    counted = [cell | {"count": count} for count, cell in enumerate(rows, start=1)]
    assert "the file says “14”, the code prints “10”" in differences(*counted)[0]
    assert differences(*rows) == []
    known_to_chance = row("import random\nrandom.shuffle(x)", None, count=1)
    assert differences(known_to_chance, *(cell | {"count": cell["count"] + 1} for cell in counted)) == []


def test_three_cells_are_shown_and_the_rest_counted():
    (message,) = differences(*[row(f"print({number})", "very " * 50, f"{number}\n") for number in range(5)])
    assert message.count("the file says") == 3
    assert "; and 2 more)" in message
    assert "…”" in message
    assert len(message) < 700


def rerun(cells, change=lambda text: text, outcome="finished"):
    return [
        CellRun(index=cell.index, source=cell.source, outcome=outcome, text=change(cell.stored or ""))
        for cell in cells
        if cell.kind == "code"
    ]


def jitter(text):
    """Return ``text`` with other numbers of the same form."""
    chance = random.Random(text)
    return re.sub(r"(?<=\.)\d+", lambda match: "".join(chance.choices("0123456789", k=len(match[0]))), text)


def test_the_example_is_honest():
    here = {0: ".\n", 1: "pip: offline, nothing is installed\n", 4: "device(type='cpu')\n", 5: "True\n", 9: ""}
    runs = [replace(run, text=here.get(run.index, run.text)) for run in rerun(EXAMPLE, jitter)]
    assert findings_on_file(EXAMPLE, runs) == ()
    failed = [
        replace(run, outcome="raised", text="", error_name="NameError", error_message="name 'train' is not defined")
        for run in runs
    ]
    assert findings_on_file(EXAMPLE, failed) == ()


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (25, "epoch 1: train loss 0.1, train accuracy 0.99, val loss 0.2, val accuracy 0.98\n"),
        (27, "Validation accuracy: 98.1\n"),
        (24, "network is trained, accuracy: 0.97\n"),
        (15, "12 tests passed\n"),
        (19, "12 tests passed\n"),
    ],
)
def test_the_example_edited_by_hand_is_not(index, said):
    cells = [replace(cell, stored=said) if cell.index == index else cell for cell in EXAMPLE]
    found = findings_on_file(cells, rerun(EXAMPLE))
    expected = [] if EXAMPLE[index].kind == "text" else ["notebook.outputs_differ"]
    assert [finding.code for finding in found] == expected


CODE_IN_TEXT = {
    "a class": ("class Network(torch.nn.Module):\n    def __init__(self):\n        super().__init__()", True),
    "imports": ("import torch\nx = torch.ones(3)", True),
    "fenced": ("My answer:\n\n```python\ndef train(network):\n    return network\n```\nDone.", True),
    "fenced without a language": ("```\nimport torch\nprint(torch.ones(3))\n```", True),
    "fenced with tildes": ("~~~ {.python}\nx = 1\ny = 2\nz = x + y\n~~~", True),
    "two fences": ("```\nnot code at all\n```\n\n```py\ndef f(x):\n    return x\n```", True),
    "with a shell line": ("!pip install x\nimport torch\ny = 5", True),
    "Persian": ("# تابع آموزش\ndef train(x):\n    return x", True),
    "a heading": ("# Homework 5, question 4", False),
    "a word": ("Network", False),
    "a sentence that parses": ("import data", False),
    "two words that parse": ("import data\nsplit, train", False),
    "inline code": ("Use `torch.nn.GRU` and `def forward(self, t)` here.", False),
    "a line in a fence": ("In PyTorch:\n```python\nloss.backward()\n```", False),
    "a sketch": ("```python\ndef forward(self, t):\n    ...\n```", False),
    "a fence of output": ("```\nepoch 1: 0.9\nepoch 2: 0.95\n```", False),
    "a shell command": ("```bash\npip install torch\npip install nltk\npip list\n```", False),
    "JSON": ('```json\n{"a": 1}\n```', False),
    "an open fence": ("```python\ndef f(x):\n    return x", False),
    "quoted from a code cell": ("I wrote\n```python\ndef given(x):\n    return x\n```", False),
    "from the template": ("Write\n```python\ndef hint(x):\n    return x\n```", False),
    "formulas": ("$h_t = W h_{t-1}$\n\n$$y = x$$", False),
    "brackets without end": ("(" * 19_000, False),
    "very long": ("import x\nx = 1\n" * 100_000, False),
    "nested": ("x = " + "-" * 19_000 + "1\nimport y", False),
    "zeros": ("import torch\x00\nx = 1", False),
    "escapes": ("import re\nx = '\\d'", True),
}


@pytest.mark.parametrize("name", CODE_IN_TEXT)
def test_code_in_text_cells_is_named(name):
    text, found = CODE_IN_TEXT[name]
    cells, _ = build(row("def given(x):\n    return x", ""), {"source": text, "kind": "text"})
    given, _ = build({"source": CODE_IN_TEXT["from the template"][0], "kind": "text"})
    messages = [finding.message for finding in find_code_in_text(cells, given)]
    assert messages == (
        ["Cell 1 is a text cell, but holds code: it was not run. If it belongs to your answer, change the type of the "
         "cell to Code."] if found else []
    )  # fmt: skip


def test_several_text_cells_are_named_together():
    cells, runs = build(*[{"source": "import torch\nx = 1", "kind": "text"}] * 5)
    (finding,) = findings_on_file(cells, runs)
    assert finding.message.startswith("Cells 0, 1, 2 and 2 more are text cells, but hold code")
    assert (finding.code, finding.audience) == ("notebook.code_in_text", "student")


NAME_ERROR = {"error": "NameError", "message": "name 'x' is not defined"}
ORDER = {
    "out of order": ([row("print(x)", "5\n", count=2, **NAME_ERROR), row("x = 5", None, count=1)], True),
    "deleted cell": ([row("y = 1", None, count=3), row("print(x)", "5\n", count=2, **NAME_ERROR)], True),
    "in order": ([row("print(x)", None, count=1, **NAME_ERROR), row("x = 5", None, count=2)], False),
    "never counted": ([row("print(x)", None, **NAME_ERROR), row("x = 5", None)], False),
    "gaps": ([row("print(x)", None, count=4, **NAME_ERROR), row("x = 5", None, count=9)], False),
    "it works all the same": ([row("print(5)", None, "5\n", count=2), row("x = 5", None, count=1)], False),
    "another error": ([row("open('x')", None, count=2, error="FileNotFoundError"), row("x = 5", None, count=1)], False),
    "it failed there as well": (
        [row("print(x)", "", count=2, stored_error="NameError", **NAME_ERROR), row("y = 5", None, count=1)], False),
    "the cell above failed": (
        [row("x = load()", None, count=2, error="OSError"), row("print(x)", None, count=1, **NAME_ERROR)], False),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDER)
def test_disorder_is_named_where_it_matters(name):
    rows, found = ORDER[name]
    messages = [
        (one.message, one.audience) for one in findings_on_file(*build(*rows)) if one.code == "notebook.out_of_order"
    ]
    assert len(messages) == found
    if found:
        assert "cell 1 before cell 0" in messages[0][0]
        assert "does not find x" in messages[0][0]
        assert messages[0][1] == "student"


def test_another_language_is_named_where_the_code_is_not_python():
    written_in_r = [row("library(torch)", "", error="NameError", language="R"),
                    row("x <- c(1, 2) %>% f", "", error="SyntaxError", language="R")]  # fmt: skip
    (finding,) = findings_on_file(*build(*written_in_r))
    assert (finding.code, finding.audience) == ("notebook.other_language", "student")
    assert "written in R" in finding.message
    python_after_all = [row("x = 1", None, language="R"), row("print(y)", "", error="NameError", language="R")]
    assert findings_on_file(*build(*python_after_all)) == ()


def test_nothing_is_said_of_an_empty_notebook():
    assert findings_on_file((), ()) == ()


def test_much_is_looked_at_in_little_time():
    rows = [row(f"x{i} = f(x{i - 1})\nprint('accuracy', x{i})", "accuracy: " * 1990, "y" * 90_000) for i in range(500)]
    cells, runs = build(*rows)
    started = time.monotonic()
    findings_on_file(cells, runs)
    assert time.monotonic() - started < 5
