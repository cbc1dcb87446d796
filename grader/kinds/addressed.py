"""What to do with text that speaks to the grader: it is left out before an answer is read, and staff hear of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from grader.documents.skipped import is_blank, is_skipped
from grader.documents.wording import MAX_CHARACTERS, fold, one_line, to_plain
from grader.kinds.pleas import LINKS, find_plea
from grader.model import Answer, Finding

# A formula is one piece, so that no comma in it cuts it; the words in it are looked at by themselves.
_FORMULA = re.compile(
    r"(\$\$.{0,5000}?\$\$|\\\[.{0,5000}?\\\]|\\\(.{0,2000}?\\\)|\$(?!\s)[^$\n]{0,2000}?(?<!\s)\$)", re.DOTALL
)
_CLAUSE = re.compile(r"(?<=[.!?;,،؛؟])(?=\s|$)|(?<=\n)")
_WORDS_IN_FORMULA = re.compile(r"\\(?:text|textbf|textit|mbox|mathrm|mathbf|operatorname)\s*\{([^{}]*)\}")
# Lines without any of these hold no phrase of the table, unless they are not written in ASCII.
_HINT = re.compile(
    r"mark|credit|grad|score|point|ignore|disregard|forget|override|skip|bypass|you are|teacher|prof|instruct|examin"
    r"|\btas?\b|correct|please|im_start|inst\]|<<sys|system|assistant|developer|admin|\bai\b|llm|language model"
    r"|[^\x00-\x7f]|&#?\w+;",
    re.IGNORECASE,
)
# A tag is one word, whatever stands in it.
_TOKEN = re.compile(r"<[^<>\n]{0,500}>|[^\s<]+|<|\s+")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_DRESSING = re.compile(r"<[^<>\n]{0,500}>|[*_`~\\]")
_MOST_LINE, _MOST_PLACES, _MOST_WORDS, _MUCH, _MOST_ROUNDS = 2_000, 5, 100, 4, 20


def leave_out_pleas(answer: Answer) -> Answer:
    """Return the answer without what speaks to the grader (``written`` keeps it); missing where nothing else stands.

    Missing is also what says that it is no answer ("I had no time"). Formulas stay, also in a sentence that is left
    out: an answer does not become worthless by what is asked for it.
    """
    if answer.state != "given" or len(answer.text) > MAX_CHARACTERS:  # no kind reads so long a text
        return answer
    kept = "".join(_keep(answer.text))
    empty = is_skipped(kept)
    if kept == answer.text:
        return replace(answer, state="missing") if empty else answer
    stands = not empty and not is_blank(to_plain(kept))
    return replace(answer, text=kept, written=answer.text, state="given" if stands else "missing")


def build_addressed() -> Finding:
    """Return the note to staff that part of an answer was left out."""
    message = "Part of the text speaks to the grader; it was not counted."
    return Finding(code="answer.addressed_to_grader", audience="staff", message=message)


def _keep(text: str) -> Iterator[str]:
    for number, piece in enumerate(_FORMULA.split(text)):
        if number % 2:
            inner = _WORDS_IN_FORMULA.sub(lambda found: "" if _speaks(found[1]) else found[0], piece)
            mark = 2 if inner.startswith(("$$", "\\")) else 1
            yield "".join([inner[:mark], *_keep_clauses(_CLAUSE.split(inner[mark:-mark])), inner[-mark:]])
        else:
            yield from _keep_clauses(_CLAUSE.split(piece))


def _keep_clauses(clauses: Sequence[str]) -> Iterator[str]:
    """Yield the clauses without what speaks to the grader in them, also where its line was wrapped."""
    rest = list(reversed(clauses))
    while rest:
        clause = rest.pop()
        if rest and clause.endswith("\n") and _is_wrapped(clause, rest[-1]):
            clause += rest.pop()
        yield _cut(clause) if _speaks(clause) else clause


def _cut(clause: str) -> str:
    """Return a clause without the words that speak to the grader.

    What stands before them is an answer like any other, unless it only leads to them; what comes after mostly says what
    for, and is an answer where it says much or a number, or after a greeting. Line ends stay, since they part answers.
    """
    tokens = _TOKEN.findall(clause)
    words = [_fold(token) for token in tokens]
    gone: set[int] = set()
    sorts: set[str] = set()
    for _ in range(_MOST_ROUNDS):
        plea = _find_spoken(words, gone)
        if plea is None:
            break
        sorts.add(plea[0])
        gone |= plea[1]
    else:  # a flood of pleas: nothing after the first is looked at
        gone |= set(range(min(gone), len(tokens)))
    first = min(gone, default=0)  # a plea that is seen in the whole alone goes as a whole
    kept = {index for index in range(first) if any(_is_word(word) for word in words[index:first])}
    rest = {index for index in range(first, len(tokens)) if gone and index not in gone}
    said = [words[index] for index in rest]
    if sorts == {"greeting"} or sum(map(_is_word, said)) >= _MUCH or re.search(r"\d", "".join(said)):
        kept |= rest
    return "".join(
        token if index in kept else " " * (not index) + "\n" * token.count("\n") for index, token in enumerate(tokens)
    )


def _is_word(folded: str) -> bool:
    return re.search(r"\w", folded) is not None and folded not in LINKS


def _find_spoken(words: Sequence[str], gone: set[int]) -> tuple[str, set[int]] | None:
    """Return how the words that are not gone speak to the grader, and which of them do."""
    left = [index for index, word in enumerate(words) if word and index not in gone]
    plea = find_plea(" ".join(words[index] for index in left))
    if plea is None:
        return None
    start, spoken = 0, set()
    for index in left:
        end = start + len(words[index])
        if start < plea.end and end > plea.start:
            spoken.add(index)
        start = end + 1
    return plea.sort, spoken


def _speaks(text: str) -> bool:
    return _LETTERS.search(text) is not None and find_plea(_fold(text)) is not None


def _is_wrapped(line: str, after: str) -> bool:
    """Return whether two lines speak to the grader together and neither does alone."""
    return not _speaks(line) and not _speaks(after) and _speaks(f"{line} {after}")


def _fold(text: str) -> str:
    return " ".join(fold(to_plain(text)).split())


# --- where it stands in a file -----------------------------------------------------------------------------------


def find_addressed(file: str, texts: Iterable[tuple[str, str]]) -> Finding | None:
    """Return the note to staff on where a file speaks to the grader; None where it does not.

    ``texts`` are (place, text): all that stands in the file, also what no reader of the page sees. Each line of a text
    is a place of its own.
    """
    found = [spot for place, text in texts for spot in _find_lines(place, text)]
    if not found:
        return None
    told = "; ".join(found[:_MOST_PLACES])
    more = f"; and {len(found) - _MOST_PLACES} more" if len(found) > _MOST_PLACES else ""
    message = f"“{file}” speaks to the grader, which counts for nothing: {told}{more}."
    return Finding(code="handed_in.addressed_to_grader", audience="staff", message=message)


def _find_lines(place: str, text: str) -> Iterator[str]:
    lines = text.split("\n")
    hidden = False
    for number, line in enumerate(lines, 1):
        within = hidden or "<!--" in line
        hidden = within and "-->" not in line[line.rfind("<!--") + 1 :]
        if words := _find_words(line, lines[number] if number < len(lines) else ""):
            comment = " in a comment that no reader sees" if within else ""
            yield f"{place}line {number}{comment}: “{words}”"


def _find_words(line: str, after: str) -> str:
    """Return what in a line speaks to the grader, "" for nothing; a plea may end on the line after."""
    for start in range(0, len(line), _MOST_LINE):
        piece = _open(line[start : start + _MOST_LINE])
        if not _HINT.search(_DRESSING.sub("", piece)):
            continue
        for clause in _CLAUSE.split(piece):
            if _speaks(clause):
                return one_line(_fold(clause), _MOST_WORDS)
    opened, second = _open(line[-_MOST_LINE:]), _open(after[:_MOST_LINE])
    last = _CLAUSE.split(opened)[-1]
    if len(line) + len(after) and _HINT.search(last + second) and _is_wrapped(last, _CLAUSE.split(second)[0]):
        return one_line(_fold(f"{last} {second}"), _MOST_WORDS)
    return ""


def _open(text: str) -> str:
    """Return a line's words, also those in a comment and those written as entities."""
    return html.unescape(text).replace("<!--", " ").replace("-->", " ").lstrip(" #>/*-")
