"""How fast formulas are decided, and whether anything that a student can type takes long or much memory.

    python -m tests.benchmarks.formula [--strings 100000] [--seed 1] [--only verdicts,bombs,strings] [--json FILE]

verdicts  every row of tests/cases/formula.yaml, one warm-up and then the median of five
bombs     towers, factorials, thousands of brackets, endless sums, a megabyte of text, code
strings   random rows of tokens, for which nothing but an end in time is asked
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.unit.formula_cases import QUESTIONS, ROWS, check

SECTIONS = ("verdicts", "bombs", "strings")
LIMIT_MS, MEDIAN_MS, GROWTH_MIB = 250.0, 2.0, 20.0

TOKENS = (
    r"\hat{y}", r"\hat y_t", "y_t", "y", r"\frac", r"\frac{", "{", "}", "(", ")", "[", "]", "_", "^", "_t", "_{t,i}",
    "^T", r"^\top", "'", "+", "-", "=", "*", r"\cdot", r"\odot", r"\times", "/", "@", r"\sum", r"\sum_{i=1}^{t}",
    r"\prod_{k=i+1}^{t}", r"\prod", "W_{hh}", "W_{yh}", "g_{h_t}", "g_{o_t}", "h_{t-1}", "h", "z_k", r"\psi", r"\psi'",
    r"\operatorname{diag}", r"\sigma", r"\delta_{ij}", r"\partial", r"\frac{\partial J_t}{\partial h_t}", "t", "i", "k",
    "T", "0", "1", "2", "3.5", "999", r"\Rightarrow", "$", "$$", r"\begin{bmatrix}", r"\end{bmatrix}", r"\\", "&",
    r"\begin{cases}", r"\end{cases}", "|", "!", "~~", "np.", ".T", "where", "and", "یا", "۳", "ŷₜ", "∑", "⊙", "ᵀ", "\n",
    r"\mathbb{1}", r"\dots", r"\left(", r"\right)", r"\boxed{", r"\text{ if }", "<", r"\le", ",", ";", ".", "`",
    "lambda x:",
)  # fmt: skip

BOMBS = {
    "tower": "2^{" * 20 + "9" + "}" * 20,
    "tower without braces": "9^9^9^9^9^9^9^9",
    "power of a matrix": "$W_{hh}^{999999999}$",
    "powers of a matrix": r"$\sum_{i=1}^{t} \sum_{k=1}^{t} (W_{hh}^{50})^{50} h_t$",
    "factorial": "99999! y_t",
    "brackets": "(" * 3000 + "y_t" + ")" * 3000,
    "braces": "{" * 3000 + "y_t" + "}" * 3000,
    "open brackets": "[" * 3000,
    "endless sum": r"$\sum_{i=1}^{999999999} h_i$",
    "sum to t to the t": r"$\sum_{i=1}^{t^{t^{t}}} h_i$",
    "nested sums": r"\sum_{i=1}^{t}" * 12 + " h_i",
    "nested sums of 200": "$" + "".join(rf"\sum_{{{letter}=1}}^{{199}} " for letter in "ijklmn") + "h_i h_j h_k$",
    "nested products": r"\prod_{k=1}^{199}" * 10 + " W_{hh}",
    "many digits": "1" * 2000,
    "small digits": "0." + "0" * 300 + "1 y_t",
    "a megabyte of letters": "y_t - " * 170_000,
    "a megabyte of one word": "y" * 1_000_000,
    "a megabyte of dollars": "$" * 1_000_000,
    "a megabyte of backslashes": "\\" * 1_000_000,
    "a megabyte of lines": "\n" * 1_000_000,
    "a megabyte of open quotes": "`" * 1_000_000,
    "dollars within the limit": "$ " * 1400,
    "struck out": "~~" * 1500,
    "cancelled": r"\cancel{" * 370,
    "many equations": "y_t = " * 500,
    "many formulas": "$y_t$ or " * 330,
    "long chain": r"\Rightarrow y_t - \hat y_t " * 110,
    "long sum": "y_t + " * 480 + "y_t",
    "long product": "W_{hh}" * 480 + "h_t",
    "ambiguous": r"\prod_{k=1}^{t} W_{hh} \odot h_k " * 90,
    "dots": r"h_1 + \dots + " * 200 + "h_T",
    "definitions": ", ".join(f"$a_{{{n}}} = y_t$" for n in range(200)),
    "definitions of one another": "$a = b + b$, $b = c + c$, $c = d + d$, $d = y_t$, $g_{o_t} = a$",
    "doubling definitions": ", ".join(
        f"${b} = {a} + {a}$" for a, b in zip("yabcdefklmnpqrsuv", "abcdefklmnpqrsuvw", strict=True)
    )
    + ", $g_o = w$",
    "a matrix of matrices": r"\begin{bmatrix}" * 25 + "1" + r"\end{bmatrix}" * 25,
    "a large matrix": r"$\begin{bmatrix}" + r" 1 & 2 & 3 \\" * 230 + r"\end{bmatrix}$",
    "combining marks": "y" + "\u0302" * 2500,
    "odd spaces": "\u200b\u202e" * 1400,
    "code": "__import__('os').system('touch /tmp/formula-was-run')",
    "code in NumPy": "np.linalg.inv(__import__('os').environ) @ h",
    "a comprehension": "[x for x in range(10**9)] @ h_t",
    "a lambda": "(lambda f: f(f))(lambda f: f(f)) * np.ones(3)",
    "a large array": "np.ones((10**6, 10**6)) @ h[t]",
    "a power in Python": "np.dot(h, 9**9**9**9)",
    "an f-string": "f'{9**9**9}' @ np.h",
    "null bytes": "\x00" * 2000,
    "dots after a number": "sum over t = 1" + "." * 18_000 + r" $y_t - \hat y_t$",
    "spaces after a formula": r"$y_t - \hat y_t$" + " " * 18_000 + "z",
    "spaces before a formula": " " * 18_000 + r"$y_t - \hat y_t$",
    "lines after a formula": r"$y_t - \hat y_t$" + "\n" * 18_000 + "z",
    "words after a formula": r"$y_t - \hat y_t$" + ", then" * 3_000,
    "brackets after a formula": r"$y_t - \hat y_t$" + "( " * 9_000,
}


def time_one(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return milliseconds, and what came of it."""
    started = time.perf_counter()
    result = run()
    return 1000 * (time.perf_counter() - started), result


def make_string(random_: random.Random) -> str:
    """Return a row of tokens."""
    tokens = random_.choices(TOKENS, k=random_.choice((3, 6, 12, 25, 60)))
    text = random_.choice((" ", "", " ")).join(tokens)
    return f"${text}$" if random_.random() < 0.5 else text


def read_peak() -> float:
    """Return the most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_verdicts() -> Iterator[tuple[str, float, float | None]]:
    """Time the rows that are real answers."""
    rows = [row for row in ROWS if row["answer"].strip()]
    medians = []
    for row in rows:
        arguments = {"machine_read": row.get("machine_read", False), "answers": row.get("answers", {})}
        runs = [time_one(lambda: check(row["criterion"], row["answer"], **arguments))[0] for _ in range(6)][1:]  # noqa: B023
        medians.append(statistics.median(runs))
    yield f"median of {len(rows)} verdicts, ms", statistics.median(medians), MEDIAN_MS
    yield "95 of 100, ms", sorted(medians)[int(0.95 * len(medians))], None
    yield "slowest, ms", max(medians), LIMIT_MS


def measure_bombs() -> Iterator[tuple[str, float, float | None]]:
    """Time what is meant to hurt."""
    before, taken = read_peak(), {}
    for name, text in BOMBS.items():
        for criterion in QUESTIONS:
            ms, evidence = time_one(lambda: check(criterion, text))  # noqa: B023
            taken[name] = max(taken.get(name, 0.0), ms)
            if evidence.verdict == "correct":
                raise SystemExit(f"{name} was found correct for {criterion}")
    for name, ms in sorted(taken.items(), key=lambda item: -item[1])[:8]:
        print(f"    {name:40} {ms:8.1f} ms")
    yield f"slowest of {len(BOMBS)} bombs, ms", max(taken.values()), LIMIT_MS
    yield "memory that they took, MiB", read_peak() - before, GROWTH_MIB
    if Path("/tmp/formula-was-run").exists():
        raise SystemExit("a formula was run as code")


def measure_strings(count: int, seed: int) -> Iterator[tuple[str, float, float | None]]:
    """Time random rows of tokens."""
    random_, before, slowest, verdicts = random.Random(seed), read_peak(), (0.0, ""), Counter[str]()
    started = time.perf_counter()
    for number in range(count):
        text = make_string(random_)
        criterion = random_.choice(list(QUESTIONS))
        ms, evidence = time_one(lambda: check(criterion, text))  # noqa: B023
        verdicts[evidence.verdict] += 1
        slowest = max(slowest, (ms, text))
        if number + 1 == count // 10:
            before = read_peak()  # what is made once is made by now
    print(f"    {dict(verdicts.most_common())}, the slowest: {slowest[1][:200]!r}")
    yield f"mean of {count} random strings, ms", 1000 * (time.perf_counter() - started) / count, None
    yield "slowest of them, ms", slowest[0], LIMIT_MS
    yield "memory that the last nine tenths took, MiB", read_peak() - before, GROWTH_MIB


def main() -> None:
    """Measure and print; exit with 1 where something is not as wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strings", type=int, default=100_000, help="how many random strings (default 100,000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    sections = {
        "verdicts": measure_verdicts,
        "bombs": measure_bombs,
        "strings": lambda: measure_strings(options.strings, options.seed),
    }
    rows = []
    for name in options.only.split(","):
        for title, value, most in sections[name]():
            met = None if most is None else value <= most
            verdict = (
                {None: "", True: f"wanted <= {most:g}: met", False: f"wanted <= {most:g}: NOT MET"}[met] if most else ""
            )
            print(f"{name:10} {title:45} {value:10.2f}  {verdict}", flush=True)
            rows.append({"section": name, "name": title, "value": value, "wanted": most, "met": met})
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    raise SystemExit(any(row["met"] is False for row in rows))


if __name__ == "__main__":
    main()
