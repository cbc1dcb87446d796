"""Words as students write them: English and Persian text made comparable and cut into sentences.

This layer knows languages, not questions. Two forms are used: *plain* text (strikes and Markdown removed, still the
student's own words, fit to be shown) and *folded* text (lower case, Latin digits, one spelling of each letter, LaTeX
dressing removed), on which phrases are matched.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_CHARACTERS = 20_000

_DIGITS = {ord(c): str(i % 10) for i, c in enumerate("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩")}
_LETTERS = {
    **{ord("ي"): "ی", ord("ى"): "ی", ord("ك"): "ک", ord("ۀ"): "ه", ord("ة"): "ه", ord("أ"): "ا", ord("إ"): "ا"},
    **{ord("،"): ",", ord("؛"): ";", ord("؟"): "?", ord("٫"): ".", ord("٬"): ",", ord("٪"): "%", ord("ـ"): ""},
    **{ord("−"): "-", ord("‐"): "-", ord("‑"): "-", ord("–"): "-", ord("—"): " - ", ord("⁄"): "/"},
    **{ord("’"): "'", ord("‘"): "'", ord("“"): '"', ord("”"): '"', ord("«"): '"', ord("»"): '"', ord("∣"): "|"},
    **{
        ord("\u200c"): " ",
        ord("\u00a0"): " ",
        ord("⇒"): " => ",
        ord("→"): " -> ",
        ord("⟹"): " => ",
        ord("∂"): "partial ",
    },
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
    (re.compile(r"\\(?:left|right|middle|big|Big|bigl|bigr|Bigl|Bigr|displaystyle|limits|nonumber)(?![a-zA-Z])"), " "),
    (re.compile(r"\\(?:[,;:! ]|q?quad(?![a-zA-Z]))"), " "),
    (re.compile(r"\\(?:langle|lt)(?![a-zA-Z])"), "<"),
    (re.compile(r"\\(?:rangle|gt)(?![a-zA-Z])"), ">"),
    (re.compile(r"\\(?:arg\s*\\?max|argmax)(?![a-zA-Z])|\barg[\s_-]+\\?max\b", re.I), "argmax"),
    (re.compile(r"\bsoft[\s-]+max\b", re.I), "softmax"),
    (re.compile(r"\b(?:with respect to|w\.\s?r\.\s?t\b\.?)(?:\s+(?:the|all|all the)\b)?", re.I), "wrt"),
    (re.compile(r"\\(?:checkmark|surd)(?![a-zA-Z])"), " ✓ "),
    (re.compile(r"\\(?:neg|lnot)(?![a-zA-Z])"), " not "),
    (re.compile(r"\\([a-zA-Z]+)"), r"\1"),
    (re.compile(r"\\\("), " "),
    (re.compile(r"\\\)|\$+|\\\[|\\\]"), " "),
)


def remove_struck(text: str) -> str:
    """Return ``text`` without what its writer struck out (``~~ ~~``, ``<s>``, a LaTeX cancel) or hid in comments."""
    return _CANCELLED.sub(" ", _STRIKES.sub(" ", _COMMENTS.sub(" ", text)))


def to_plain(text: str) -> str:
    """Return the words of a Markdown text: no strikes, emphasis, headings or HTML tags; lines and ``$`` are kept."""
    text = _TAGS.sub(" ", remove_struck(text[:MAX_CHARACTERS]))
    text = re.sub(r"(\*\*|__|`+)(?=\S)|(?<=\S)(\*\*|__|`+)", "", text)
    text = re.sub(r"(?<![\w*\\])\*(?=[^\s*])([^*\n]*)(?<=\S)\*(?![\w*])", r"\1", text)
    return re.sub(r"(?m)^[ \t]*(?:#{1,6}|>+)[ \t]*", "", text).strip()


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
# A sentence without an end is cut, so that no text takes long to match.
_LONG = re.compile(r"([^.!?؟]{800}\S{0,80})(?=\s)")
_STOP = re.compile(
    r"(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\bcf)(?<!\betc)(?<!\bw\.r\.t)(?<!\bw\.r)(?<!\.)[.!?؟]+(?=[\s\"')\]]|$)(?!\s*\.)|\n{2,}"
)


def find_sentences(text: str) -> tuple[Sentence, ...]:
    """Cut a plain text into sentences: at full stops, blank lines and entries of lists, not at wrapped lines."""
    sentences = []
    for block, item in _blocks(text):
        start = 0
        block = _LONG.sub(r"\1\n\n", block)
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


# Small words and verbs: what sentences have and strewn keywords have not.
_GLUE = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|cannot|could|will|would|may|might|must|should|not|non"
    r"|\w+n't|no|the|a|an|it|its|this|that|these|they|we|you|he|which|there|to|of|in|on|by|for|from|with"
    r"|through|at|as|so"
    r"|because|since|when|while|but|and|or|also|only|than|into|if|then|therefore|hence|thus|get|gets|gives?"
    r"|makes?|leads?"
    r"|causes?|becomes?|receives?|remains?|stays?|loses|needs|means?|uses?|using|all|other|every|any|one|cant|doesnt|isnt|never|just|more|less|during)\b"
    r"|است|هست|نیست|نیستند|هستند|دارد|ندارد|دارند|ندارند|شود|می\s*\w+|نمی\s*\w+|باشد|شده|کند|کرد|بود|میشه|داره|نداره"
    r"|نداریم|داریم|نداشت\w*|داشت\w*|شوند|شدن|بودن|هستن|نیستن|نیس\b|میش\w+|نمیش\w+|میک\w+|نمیک\w+|میگ\w+|نمیگ\w+"
    r"|(?<!\w)(?:به|از|در|که|را|با|و|برای|این|آن|تا|پس|چون|زیرا|فقط|تنها|یک|همه|هم|نیز|یا|اما|ولی|هر|باید|بنابراین)(?!\w)"
)
_DISPUTED = re.compile(
    r"\b(?:contrary to|one (?:might|may|could) think|(?:people|some|they|friends?) (?:say|think|claim|believe|told)"
    r"|it is (?:often |sometimes |commonly )?(?:said|believed|claimed|false|wrong|not true)|not true that"
    r"|(?:this|that) is (?:wrong|false|not true|incorrect|not the case|a myth)"
    r"|(?:this|that|it) only (?:happens|occurs|holds|applies))\b|میگویند|می گویند|درست نیست|اشتباه است"
)
# A Persian sentence ends with its verb.
_PERSIAN_SENTENCE = re.compile(
    r"(?<!\w)(?:\w+\W+){2}(?:(?:ن?می)\s*\w+|است|هست|نیست|شود|شد|شوند|دارد|ندارد|دارند|ندارند|داریم|نداریم|داره|نداره|کند|کرد"
    r"|هستند|نیستند|هستن|نیستن|بود|بودند)\W*$"
)
# "dL/dq = 0" states something without a verb.
_EQUATION = re.compile(r"\bd ?\w{1,8} ?/ ?d ?\w{1,8} ?=")
# "zero gradients => dead weights": one arrow between a few words states what follows from what.
_FOLLOWS = re.compile(r"[^<>=\w]{0,20}(?:[\w'&/.]{1,40}[ ,()]{1,4}){2,8}[=-]> ?(?:[\w'&/.]+[ ,()]*){2,8}[.!]?")
_SUPPOSED = re.compile(
    r"\b(?:if|unless|suppose|assume)\b.{0,60}\b(?:were|was|would|could|had)\b|\bwould (?:be|have)\b"
    r"|\bone (?:might|may|could) think\b|\bsome (?:people )?(?:say|claim|think)\b|اگر.{0,50}(?:بود|می ?شد)"
)
_CONDITION = re.compile(r"(?:\b(?:if|unless)\b|(?<!\w)اگر)(?:\s+[\w']+){0,2}?(?:\s+(?:not|never|no))?\W*$")


def is_sentence(folded: str) -> bool:
    """Return whether words form a sentence rather than a run of keywords: every fifth word holds it together.

    Four or more scraps of up to three words between commas are no sentence.
    """
    if _PERSIAN_SENTENCE.search(folded) or _EQUATION.search(folded) or _FOLLOWS.fullmatch(folded):
        return True
    pieces = re.split(r"[,;/|]|\s-\s", folded)
    if len(pieces) >= 4 and all(len(piece.split()) <= 3 for piece in pieces):
        return False
    words = [word for word in re.findall(r"[\w']+", folded) if len(word) > 1 or word in ("a", "i", "و")]
    return len(words) >= 2 and len(_GLUE.findall(folded)) * 5 >= len(words)


def is_disputed(folded: str) -> bool:
    """Return whether a sentence tells what others hold or takes back what it tells ("..., but this is wrong")."""
    return bool(_DISPUTED.search(folded))


def is_condition(folded: str, start: int) -> bool:
    """Return whether what starts at ``start`` is a condition: "if argmax was [not differentiable]"."""
    return bool(_CONDITION.search(folded[:start]))


def is_supposed(folded: str) -> bool:
    """Return whether a sentence only supposes what it says ("if it were", "one might think")."""
    return bool(_SUPPOSED.search(folded))


# "At first I thought it was larger, but no: it vanishes", and what is denied as a whole: "it isn't true that ...".
_FIRST_THOUGHT = re.compile(
    r"\b(?:at first|first|initially|originally)\b,? (?:i |we )?(?:had )?"
    r"(?:thought|wrote|believed|said|guessed|assumed)\b"
    r"|(?<!\w)(?:اول|ابتدا|اولش) (?:فکر|نوشتم|گفتم|گمان|تصور)"
)
_TAKEN_BACK = re.compile(
    r"\bbut (?:no|that|this|actually|it) ?(?:(?:is|was) (?:wrong|not true|false|not so|a mistake))? ?[:,;]"
    r"|(?<!\w)(?:ولی|اما) (?:نه|غلط|اشتباه|درست نیست)(?: \w+)? ?[:,;]"
)
_NOT_TRUE = re.compile(
    r"\b(?:it|that) (?:isn't|is not|isnt) (?:true|the case|right|correct|so) that (?P<what>[^;:,]*)[;:,]?"
    r"|\bit is (?:false|wrong|untrue) that (?P<what2>[^;:,]*)[;:,]?"
    r"|(?<!\w)(?:این ?طور|اینجور|چنین|درست) نیست که (?P<what3>[^;:,]*)[;:,]?"
)


def take_back(folded: str) -> str:
    """Return a sentence without a first thought that its writer takes back ("at first I thought ..., but no: ...")."""
    first = _FIRST_THOUGHT.search(folded)
    back = _TAKEN_BACK.search(folded, first.end()) if first else None
    return folded[: first.start()] + " " + folded[back.end() :] if first and back else folded


def split_denial(folded: str) -> tuple[str, str]:
    """Return a sentence without the clause that it denies as a whole, and that clause, "" where there is none."""
    match = _NOT_TRUE.search(folded)
    if not match:
        return folded, ""
    return folded[: match.start()] + " " + folded[match.end() :], next(
        what for what in match.groups() if what is not None
    )
