"""Classes in which known answers wait for a person, graded for real."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from tests.class_maker import make_quick_course
from tests.unit.batch_cases import run_grade

SIZES = (12, 10, 9, 8, 7, 5, 4, 3, 2)

RIGHT = {
    "1a": "2 and 3",
    "1b": "option 3",
    "1c": "option 3",
    "2a": r"$\hat y_t - y_t$",
    "2b": r"$W_{yh}^T g_{o_t}$",
    "2c": r"$(g_{h_t} \odot \psi'(z_t)) h_{t-1}^T$",
    "2d": r"$\sum_{t=1}^T g_{W_{hh},t}$",
    "3a": "scores = [-2, 3, 0, 6], the argmax index is 3, output = [6, 1, 2]",
    "3b": "Argmax is not differentiable: its gradient is zero almost everywhere, so no gradient reaches the queries "
    "and keys and they cannot be trained by backpropagation.",
}
# What waits, and in how many ways it is written; the ways of one are alike.
WAITING: Sequence[tuple[str, Sequence[str]]] = (
    ("2c", (r"$\sum_{i=2}^t (g_{h_i} \odot \psi'(z_i)) h_{i-1}^T$",
            r"$\sum_{k=2}^{t} (\psi'(z_k) \odot g_{h_k}) h_{k-1}^\top$")),
    ("1b", ("Option 4: a unidirectional network. The mood depends on the days up to t only.",
            "Option 4: a unidirectional  network. The mood depends on the days up to t only")),
    ("2b", (r"$W_{yh}^T g_{o_t}$ or $W_{yh} g_{o_t}$",)),
    ("2a", (r"$\hat y_t - y_t$ or maybe $y_t - \hat y_t$",)),
    ("2d", (r"$\sum_{t=1}^T q_t$",)),
    ("1c", ("I am not sure, options 2 or 3",)),
    ("2b", (r"$\frac{\partial J}{\partial h_t} = \frac{\partial J}{\partial h_t}$",)),
    ("2a", (r"$\hat y_t - q_t$",)),
    ("2c", (r"$(g_{h_t} \odot \psi'(z_t)) q_{t-1}^T$",)),
)  # fmt: skip


def write_report(answers: dict[str, str]) -> str:
    """Return a report in the sheet's own order."""
    lines = []
    for part, answer in answers.items():
        if part.endswith("a"):
            lines.append(f"# Question {part[0]}\n")
        lines.append(f"{part[1]}) {answer}\n")
    return "\n".join(lines)


def make_waiting_class(folder: Path, sizes: Sequence[int] = SIZES, count: int = 200) -> Path:
    """Grade ``count`` reports, of which groups of ``sizes`` wait in one criterion each; return the graded folder."""
    course = make_quick_course(folder / "course", preload=[])
    hand_ins = course / "submissions"
    waiting = [
        (part, ways[number % len(ways)])
        for (part, ways), size in zip(WAITING, sizes, strict=False)
        for number in range(size)
    ]
    for number in range(count):
        part, answer = waiting[number] if number < len(waiting) else ("1a", RIGHT["1a"])
        path = hand_ins / f"s{number:04}" / "report.md"
        path.parent.mkdir(parents=True)
        path.write_text(write_report({**RIGHT, part: answer}), encoding="utf-8")
    out = folder / "graded"
    run = run_grade(hand_ins, "--out", out, "--jobs", 2)
    assert run.returncode == 3, run.stdout + run.stderr
    return out


class Server:
    """``grade review`` as a process of its own, with the links that it printed."""

    def __init__(self, out: Path, *options: str, who: Sequence[str] = ("ada", "bob")) -> None:
        names = [part for name in who for part in ("--as", name)]
        command = [sys.executable, "-m", "grader", "review", str(out), "--no-browser", *names, *options]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, **streams)
        assert self.process.stdout is not None
        self.links: dict[str, str] = {}
        for line in self.process.stdout:
            if found := re.match(r"(\w+): (http://\S+)", line):
                self.links[found[1]] = found[2]
            if line.startswith("Each link opens once"):
                break
        assert len(self.links) == len(who), "the server did not start"
        self.host = self.links[who[0]].split("/")[2]

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.kill()

    def end(self) -> str:
        """End it as Ctrl+C does, and return what else it printed."""
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=120)
        return said

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        self.process.kill()
        self.process.communicate(timeout=30)


class Client:
    """A browser's requests without a browser: a cookie, and headers that a test may choose."""

    def __init__(self, server: Server, who: str = "ada") -> None:
        self.server, self.cookie = server, ""
        answer = self.get("/enter/" + server.links[who].rpartition("/")[2])
        assert answer.status == 200
        self.cookie = str(answer.headers["set-cookie"]).split(";")[0]

    def get(self, path: str, **headers: str) -> Answer:
        """Return the answer to a GET."""
        return self.send("GET", path, None, headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """Return the answer to a form that our own page sends."""
        return self.send("POST", path, fields, {"Origin": f"http://{self.server.host}", **headers})

    def send(self, method: str, path: str, fields: Mapping[str, str] | None, headers: Mapping[str, str]) -> Answer:
        """Return an answer; no redirect is followed."""
        connection = http.client.HTTPConnection(self.server.host, timeout=30)
        body = None if fields is None else urlencode(fields)
        sent = {"Cookie": self.cookie} if self.cookie else {}
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, {**sent, **headers})
        answer = connection.getresponse()
        found = Answer(status=answer.status, headers={k.lower(): v for k, v in answer.getheaders()}, body=answer.read())
        connection.close()
        return found

    def open_next(self) -> tuple[str, dict[str, str]]:
        """Return the address of the group that comes first, and the hidden fields of its form."""
        place = self.get("/next").headers["location"]
        return place, self.read_form(place)

    def read_form(self, place: str, form: str = 'class="choices"') -> dict[str, str]:
        """Return the hidden fields of the first such form, which decides."""
        page = self.get(place).body.decode()
        inside = page[page.index(form) :].split("</form>")[0]
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', inside))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
