"""Words as students write them: English and Persian text made comparable, cut into sentences, matched and negated.

This layer knows languages, not questions. Two forms are used: *plain* text (strikes and Markdown removed, still the
student's own words, fit to be shown) and *folded* text (lower case, Latin digits, one spelling of each letter, LaTeX
dressing removed), on which phrases are matched.

A **phrase** is how a rubric writes words down, so that a teacher can read it:

- words stand in the order given; ``word*`` allows any ending, ``(a|b)`` means one of them, ``(a )?`` is optional;
- ``...`` stands for up to six words, not across "but", "while" or the end of a sentence;
- ``a + b`` means both in one sentence, in any order;
- a phrase counts when it is asserted; a leading ``not`` asks for it denied (``not differentiable`` meets "isn't
  differentiable", "non-differentiable" and "مشتق‌پذیر نیست").
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MAX_CHARACTERS = 20_000

_DIGITS = {ord(c): str(i % 10) for i, c in enumerate("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩")}
_LETTERS = {
    **{ord("ي"): "ی", ord("ى"): "ی", ord("ك"): "ک", ord("ۀ"): "ه", ord("ة"): "ه", ord("أ"): "ا", ord("إ"): "ا"},
    **{ord("،"): ",", ord("؛"): ";", ord("؟"): "?", ord("٫"): ".", ord("٬"): ",", ord("٪"): "%", ord("ـ"): ""},
    **{ord("−"): "-", ord("‐"): "-", ord("‑"): "-", ord("–"): "-", ord("—"): " - ", ord("⁄"): "/"},
    **{ord("’"): "'", ord("‘"): "'", ord("“"): '"', ord("”"): '"', ord("«"): '"', ord("»"): '"', ord("∣"): "|"},
    **{ord("\u200c"): " ", ord("\u00a0"): " ", ord("⇒"): " => ", ord("→"): " -> ", ord("⟹"): " => "},
}
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋ₜₙᵢⱼₖₛ", "0123456789+-tnijks")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵗᵀⁿⁱ", "0123456789+-tTni")

_STRIKES = re.compile(r"~~.*?~~|<(s|del|strike)\b[^>]*>.*?</\1\s*>", re.S | re.I)
_CANCELLED = re.compile(r"\\(?:x|b)?cancel\s*\{[^{}]*\}|\\sout\s*\{[^{}]*\}|\\st\s*\{[^{}]*\}")
_COMMENTS = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_TAGS = re.compile(r"</?(?:p|br|b|i|u|em|strong|span|div|ul|ol|li|sub|sup|code|mark|font|center|h[1-6])\b[^<>]*>", re.I)

_UNWRAP = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathbb|mathcal|operatorname|boldsymbol|bm"
                     r"|vec|boxed|underline|mbox|hbox|overline|bar|hat)\*?\s*\{([^{}]*)\}")  # fmt: skip
_LATEX = (
    (re.compile(r"\\(?:Rightarrow|implies|Longrightarrow|leadsto|rightsquigarrow)(?![a-zA-Z])"), " => "),
    (re.compile(r"\\(?:rightarrow|to|longrightarrow)(?![a-zA-Z])"), " -> "),
    (re.compile(r"\\(?:ldots|dots|cdots|dotsc|dotsb|hdots)(?![a-zA-Z])|…|⋯"), "..."),
    (re.compile(r"\\(?:mid|vert|lvert|rvert|big\||Big\|)(?![a-zA-Z])"), "|"),
    (
        re.compile(
            r"\\(?:left|right|big|Big|bigl|bigr|displaystyle|limits|,|;|:|!|quad|qquad|middle|Bigl|Bigr|nonumber)(?![a-zA-Z])"
        ),
        " ",
    ),
    (re.compile(r"\\(?:langle|lt)(?![a-zA-Z])"), "<"),
    (re.compile(r"\\(?:rangle|gt)(?![a-zA-Z])"), ">"),
    (re.compile(r"\\(?:arg\s*\\?max|argmax)(?![a-zA-Z])|\barg[\s_-]+\\?max\b", re.I), "argmax"),
    (re.compile(r"\bsoft[\s-]+max\b", re.I), "softmax"),
    (re.compile(r"\\(?:checkmark|surd)(?![a-zA-Z])"), " ✓ "),
    (re.compile(r"\\(?:neg|lnot)(?![a-zA-Z])"), " not "),
    (re.compile(r"\\([a-zA-Z]+)"), r"\1"),
    (re.compile(r"\\\("), " "),
    (re.compile(r"\\\)|\$+|\\\[|\\\]"), " "),
)


def remove_struck(text: str) -> str:
    """Return ``text`` without what its writer struck out (``~~ ~~``, ``<s>``, ``\\cancel``) or hid in comments."""
    return _CANCELLED.sub(" ", _STRIKES.sub(" ", _COMMENTS.sub(" ", text)))


def to_plain(text: str) -> str:
    """Return the words of a Markdown text: no strikes, emphasis, headings or HTML tags; lines and ``$`` are kept."""
    text = _TAGS.sub(" ", remove_struck(text[:MAX_CHARACTERS]))
    text = re.sub(r"(\*\*|__|`+)(?=\S)|(?<=\S)(\*\*|__|`+)", "", text)
    text = re.sub(r"(?<![\w*\\])\*(?=[^\s*])([^*\n]*)(?<=\S)\*(?![\w*])", r"\1", text)
    return re.sub(r"(?m)^\s*(?:#{1,6}|>+)\s*", "", text).strip()


def fold(text: str) -> str:
    """Return ``text`` for comparison: lower case, one spelling of letters and digits, LaTeX dressing removed."""
    text = re.sub(r"[₀-₉₊₋ₜₙᵢⱼₖₛ]+", lambda m: "_{" + m[0].translate(_SUBSCRIPTS) + "}", text)
    text = re.sub(r"[⁰¹²³⁴-⁹⁺⁻ᵗᵀⁿⁱ]+", lambda m: "^{" + m[0].translate(_SUPERSCRIPTS) + "}", text)
    text = text.translate(_LETTERS)
    text = unicodedata.normalize("NFKC", text).translate(_DIGITS).translate(_LETTERS)
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cf", "Cc", "Mn"))
    for _ in range(3):
        text = _UNWRAP.sub(r" \1 ", text)
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    return re.sub(r"[ \t]+", " ", text).lower()


def one_line(text: str, limit: int = 160) -> str:
    """Return ``text`` on one line of at most ``limit`` characters, for tables and summaries."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


# --- sentences ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence: ``plain`` for showing, ``folded`` for matching; ``item`` when it is an entry of a list."""

    plain: str
    folded: str
    item: bool = False


_ITEM = re.compile(r"^\s*(?:[-*+•▪◦‣●]|\(?(?:\d{1,2}|[۰-۹]{1,2}|[a-hA-H]|[ivx]{1,4})[.)])\s+")
_STOP = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\bcf)(?<!\betc)(?<!\.)[.!?؟]+(?=[\s\"')\]]|$)(?!\s*\.)|\n{2,}")


def find_sentences(text: str) -> tuple[Sentence, ...]:
    """Cut a plain text into sentences: at full stops, blank lines and entries of lists, not at wrapped lines."""
    sentences = []
    for block, item in _blocks(text):
        start = 0
        for stop in [*_STOP.finditer(block), None]:
            plain = " ".join(block[start : stop.end() if stop else len(block)].split())
            start = stop.end() if stop else 0
            if re.search(r"\w", plain):
                sentences.append(Sentence(plain=plain, folded=fold(plain), item=item))
    return tuple(sentences)


def _blocks(text: str) -> list[tuple[str, bool]]:
    blocks: list[tuple[str, bool]] = []
    fresh = True
    for line in text.splitlines():
        marker = _ITEM.match(line)
        if not line.strip():
            fresh = True
        elif marker:
            blocks.append((line[marker.end() :], True))
            fresh = False
        elif fresh or not blocks or blocks[-1][0].rstrip().endswith((":", ";")):
            blocks.append((line, False))
            fresh = False
        else:
            blocks[-1] = (blocks[-1][0] + "\n" + line, blocks[-1][1])
    return blocks


# --- phrases -----------------------------------------------------------------------------------------------------

CONTRAST = (
    "but|while|whereas|unlike|however|although|though|yet|compared|اما|ولی|لیکن|درحالی|برخلاف|بر خلاف|هرچند|اگرچه"
)
_GAP = rf"(?:[^\w.;!?]+(?!(?:{CONTRAST}|because|since|چون|زیرا)\b)[\w']+){{0,6}}[^\w.;!?]+"
_PERSIAN = re.compile(r"[\u0600-\u06ff]")

_WORD_NEGATORS = (
    r"not|no|never|none|neither|cannot|without|\w+n't|cant|dont|doesnt|isnt|arent|wont|didnt|non|hardly|barely|nothing"
    r"|lack\w*|fail\w*|unable|impossible|prevent\w*|block\w*|stops?|stopped|kills?|hinders?|zero|loses?|breaks?"
)
_PERSIAN_NEGATORS = r"نیست\w*|ندارد|ندارند|نداریم|نداره|نمی\s*\w+|نخواه\w+|نشود|نشده|نباشد|نکند|نکرده|نه|بدون|غیر|عدم|مانع|نمیشه|نرسد|نیس"
_NEGATOR = re.compile(rf"(?<!\w)(?:{_WORD_NEGATORS}|{_PERSIAN_NEGATORS})(?!\w)")
_PERSIAN_NEGATOR = re.compile(rf"(?<!\w)(?:{_PERSIAN_NEGATORS})(?!\w)")
_NOT_NEGATION = re.compile(r"\bnot (?:only|just|merely|simply)\b|\bno (?:doubt|matter|wonder)\b|\bwithout (?:a )?doubt\b"
                           r"|نه تنها|نه فقط|بدون شک")  # fmt: skip
_BOUNDARY = re.compile(rf"[;:?!]|,(?! *(?:or|nor)\b)|\b(?:{CONTRAST}|so|because|since|therefore|thus|hence|which|as|then|we|they|you|i"
                       r"|and (?:so|therefore|thus|it|this|we|the)|چون|زیرا|پس|بنابراین|که|در نتیجه)\b|=>|->")  # fmt: skip
_AFTER = re.compile(
    r"^\W*(?:is|are|was|gets?|becomes?|has|have|does|do|will|would|can|could)?\W*"
    r"(?:not\b|n't|lost\b|missing\b|absent\b|gone\b|impossible\b|blocked\b|broken\b|stopped\b|cut\b)"
)
_PERSIAN_ASSERTION = re.compile(r"(?<!\w)(?:است|هست|هستند|دارد|دارند|باشد|شد|می\s?(?:شود|شوند|کند|کنند|رسد|دهد))(?!\w)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A compiled phrase of a rubric."""

    source: str
    parts: tuple[re.Pattern[str], ...]
    denied: bool


@lru_cache(maxsize=4096)
def compile_phrase(source: str) -> Phrase:
    """Compile a rubric's phrase; raises ValueError (re.error) for an unclosed bracket."""
    denied = source.startswith("not ")
    folded = fold(source[4:] if denied else source)
    parts = tuple(re.compile(rf"(?<!\w)(?:{_pattern(part.strip())})(?!\w)") for part in folded.split(" + "))
    return Phrase(source=source, parts=parts, denied=denied)


def _pattern(part: str) -> str:
    pattern = ""
    position = 0
    while position < len(part):
        char, rest = part[position], part[position:]
        if gap := re.match(r"\s*\.\.\.\s*", rest):
            pattern, position = pattern + _GAP, position + gap.end()
            continue
        if char == "*":
            pattern += r"\w*"
        elif char in "()|?":
            pattern += "(?:" if char == "(" else char
        elif char in " -":
            persian = _PERSIAN.match(part[position + 1 : position + 2] or "x")
            pattern += r"[\s\-]*" if persian or char == "-" else r"[\s\-]+"
        else:
            pattern += re.escape(char)
        position += 1
    return pattern


def find_phrase(phrase: str, folded: str) -> tuple[int, int] | None:
    """Return the span in ``folded`` where ``phrase`` is said with the polarity it asks for, or None."""
    return next(((start, end) for start, end, as_asked in locate_phrase(phrase, folded) if as_asked), None)


def locate_phrase(phrase: str, folded: str) -> list[tuple[int, int, bool]]:
    """Return every (start, end, as asked) where the words of ``phrase`` stand, whatever their polarity."""
    compiled = compile_phrase(phrase)
    spans = []
    for part in compiled.parts[1:]:
        if not (match := part.search(folded)):
            return []
        spans.append(match.span())
    found = []
    for match in compiled.parts[0].finditer(folded):
        start, end = match.span()
        as_asked = is_denied(folded, start, end, own=phrase) == compiled.denied
        found.append((min([start, *(s for s, _ in spans)]), max([end, *(e for _, e in spans)]), as_asked))
    return found


def is_denied(folded: str, start: int, end: int, own: str = "") -> bool:
    """Return whether what stands at ``folded[start:end]`` is negated there; two negations cancel out.

    Negators inside the span count unless they belong to the phrase's ``own`` words. English negates before the words
    (and after them in "the gradient is lost"), Persian with the verb at the end.
    """
    text = _NOT_NEGATION.sub(lambda m: "_" * len(m[0]), folded)
    before = _BOUNDARY.split(text[:start])[-1]
    before = " ".join(re.findall(r"[\w']+", before)[-7:])
    inside = len(_NEGATOR.findall(text[start:end])) - len(_NEGATOR.findall(fold(own.removeprefix("not "))))
    after = _PERSIAN_ASSERTION.split(_BOUNDARY.split(text[end:])[0])[0]
    count = len(_NEGATOR.findall(before)) + max(inside, 0)
    count += bool(_PERSIAN_NEGATOR.search(after)) or bool(_AFTER.match(after))
    return count % 2 == 1


# --- text that is not an answer ----------------------------------------------------------------------------------

_ADDRESSED = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:rubric|instruction|prompt|above|previous|key|rules?|criteria)"
    r"|\b(?:full|maximum|all|100) ?%? (?:marks?|credits?|points?|scores?|grade)\b"
    r"|\b(?:dear|hey|hello|hi|attention|note to)\b.{0,12}\b(?:grader|grading|marker|ta|teacher|professor|instructor|ai)\b"
    r"|\b(?:mark|grade|score|rate|consider|accept|treat)\b.{0,25}\b(?:as )?(?:correct|right|full|passed)\b"
    r"|\byou are (?:a|an|the) (?:grader|grading|assistant|ai|language model)|\b(?:system|assistant|developer) ?: "
    r"|\bplease (?:give|award|grant|pass)\b|\baward me\b|\bgive me\b"
    r"|نمره ?ی? ?کامل|لطفا.{0,20}نمره|نمره.{0,15}(?:بدهید|بدید|لطفا)|استاد (?:گرامی|عزیز)|تصحیح کننده|مصحح (?:گرامی|عزیز)"
)


def is_addressed_to_grader(folded: str) -> bool:
    """Return whether a sentence speaks to whoever (or whatever) marks it instead of answering."""
    return bool(_ADDRESSED.search(folded))
