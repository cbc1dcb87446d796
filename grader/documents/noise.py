"""What stands in a report and is no answer: a form's own lines, the header, the question repeated, placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FORM_WORD = r"(?:date|subject|topic|page|year|month|day|تاریخ|موضوع|صفحه|روز|ماه|سال)"
_FORM = re.compile(rf"[\W_]*{_FORM_WORD}\b(?:[\s.:/_\-…\d]|of\b|{_FORM_WORD}\b)*", re.IGNORECASE)
_LATEX_FRAME = re.compile(
    r"\s*\\(?:documentclass|usepackage|maketitle|title|author|date|newpage|clearpage|pagestyle|geometry|newcommand"
    r"|(?:begin|end)\s*\{(?:document|enumerate|itemize|description|center|flushleft|flushright|latin|persian)\})"
)
_LEADING_FORM = re.compile(r"\s*(?:(?:date|subject)\s*[.:]\s*)+(?=\S)", re.IGNORECASE)
_HEADER_WORDS = re.compile(
    r"\b(?:name|student|id|home\s?work|hw\d*|assignment|course|deep\s+learning|neural|university|professor|prof|dr"
    r"|instructor|ta|group|spring|fall|semester|report|date|subject|page|email|author"
    r"|نام|دانشجو|دانشجویی|تمرین|درس|استاد|دانشگاه|گزارش|خدا|خداوند|بسم|تعالی)\b",
    re.IGNORECASE,
)
_HEADER_NUMBERS = re.compile(
    r"\b(?:hw|home\s?work|assignment|تمرین|number|id|no|دانشجویی)\W{0,3}\d+|\d{4,}|\d+\s*[/.\-]\s*\d+\s*[/.\-]\s*\d+",
    re.IGNORECASE,
)
_QUESTION_NAMED = re.compile(r"\bq\W?\d|\b(?:question|problem)\b|سوال|سؤال|پرسش", re.IGNORECASE)
CHOOSES = re.compile(
    r"[$\d=]|\b(?:first|second|third|fourth|last|one|two|three|four|both|all|none|neither|yes|no|true|false|options?)\b"
    r"|اول|دوم|سوم|چهارم|هر|همه|هیچ|بله|خیر|گزینه",
    re.IGNORECASE,
)
_PAGE = re.compile(r"\bpage\b|صفحه", re.IGNORECASE)
_SCAN_LINK = re.compile(r"cdn\.mathpix\.com", re.IGNORECASE)
_LABEL_IN_FORMULA = re.compile(r"\$\$\s*(?:\\text\s*\{\s*)?\(?[a-h]\s*\)")
_STRUCK_FORMULA = re.compile(r"~~[^~\n]*(?:\$[^~\n]*|\b[a-h]\s*\)\s*)~~")
_SPACED_LATEX = re.compile(r"\\(?:text|operatorname)\s+\{|_\{[a-z](?: [a-z,0-9])+\}|\\left\(|\\right\)")
_TASK = re.compile(
    r"[\s*_>#-]*(?:which|what|how|why|calculate|compute|find|derive|explain|choose|select|describe|discuss|obtain"
    r"|determine|کدام|چگونه|چرا|محاسبه|توضیح)\b(?:\W+\w+){3}",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"(?:\w{1,30}\W{1,5}){4}\w{1,30}\W{0,5}[?؟]\W{0,5}$|\b(?:کنید|دهید|بنویسید|بیابید|آورید)\b", re.MULTILINE
)
# No question of a sheet is longer; an answer may be.
_QUESTION_CHARACTERS = 3_000
_OPTION = re.compile(r"^[\s*>-]*[(\[]?[1-4۱-۴a-d][)\].]\s+\S", re.MULTILINE)
_ANSWER_MARK = re.compile(
    r"^[ \t>*_]*(?:(?:my |the )?(?:answer|ans|solution)s?|پاسخ|جواب|ج)[ \t*_]*(?:[:：]|\.(?=\s|$)|$)[ \t*_]*",
    re.IGNORECASE | re.MULTILINE,
)
_QUESTION_FIRST = re.compile(r"[\s*_>#-]*(?:question|problem|q|سوال|سؤال|پرسش)\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"[\s\W_]*(?:(?:n/?a|todo|tbd|none|blank|empty|no answer|not answered|not done|skip(?:ped)?"
    r"|i (?:do not|don'?t) know"
    r"|(?:i )?(?:could not|couldn'?t|cannot|can'?t|did not|didn'?t) (?:solve|do|answer|finish) (?:this|it)"
    r"(?: part| question)?"
    r"|(?:این (?:قسمت|بخش|سوال) را )?(?:نتوانستم|نتونستم)(?: (?:حل|جواب|پاسخ))?(?: (?:کنم|بدهم|دهم))?"
    r"|idk|your answer(?: here)?|write your answer here|بدون پاسخ|ندارد|نمی‌?دانم)[\s\W_]*)?",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\battach(?:ed|ment)\b|\b(?:see|refer to|look at|in|on)\s+"
    r"(?:(?:the|my|an?|next|other|last|following|second|photo)\s+)*"
    r"(?:notebook|colab|pdf|word|file|photos?|pictures?|images?|scans?|page|paper|sheet|handwritten|handwriting)\b"
    r"|پیوست|ضمیمه|در (?:عکس|تصویر|فایل|نوت‌?بوک)|صفحه(?:‌ی|ی)? بعد",
    re.IGNORECASE,
)
_PICTURE = re.compile(r"!\[[^\]\n]{0,300}\]\([^)\n]{0,2000}\)|!\[\[[^\]\n]{0,300}\]\]|\\includegraphics\b")
_STRUCK = re.compile(r"~~.*?~~", re.DOTALL)


def is_form_line(text: str) -> bool:
    """Tell whether a line is an empty field of a printed form ("Date.", "Page 3 of 5") or the frame of a LaTeX file."""
    return len(text) < 80 and (_FORM.fullmatch(text) or _LATEX_FRAME.match(text)) is not None


def cut_form_words(text: str) -> str:
    """Return ``text`` without form words at its beginning ("Date. Subject. c) ...")."""
    return _LEADING_FORM.sub("", text, count=1)


def is_machine_read(lines: Iterable[str]) -> bool:
    """Tell whether a report shows the signs of a scan read by a machine.

    Empty form fields are a strong sign, as are links to a reader's own pictures; labels inside formulas, struck-out
    formulas or labels, and the spaced LaTeX that readers write are weaker ones: two of these are needed.
    """
    listed = list(lines)
    text = "\n".join(listed)
    fields = sum(bool(_FORM.fullmatch(line[:80])) and not _PAGE.search(line) for line in listed)
    signs = 2 * (fields >= 2) + (fields == 1) + 2 * bool(_SCAN_LINK.search(text))
    signs += bool(_LABEL_IN_FORMULA.search(text)) + bool(_STRUCK_FORMULA.search(text))
    signs += len(_SPACED_LATEX.findall(text)) >= 5
    return signs >= 2


def is_header(lines: Iterable[str]) -> bool:
    """Tell whether the lines above the first label only say whose hand-in it is."""
    told = [line for line in lines if re.search(r"\w", line) and not is_form_line(line)]
    names = [line for line in told if not _HEADER_WORDS.search(line) and not _is_number(line)]
    return len(told) <= 15 and len(names) <= 3 and all(_is_header_line(line) for line in told)


def _is_header_line(line: str) -> bool:
    """Tell whether a line can stand in a header: few words, no mathematics, no numbers but those of a header."""
    if "$" in line or "\\" in line or len(line.split()) > 14 or _QUESTION_NAMED.search(line):
        return False
    rest = _HEADER_NUMBERS.sub("", line)
    if re.search(r"\d", rest):
        return False
    named = _HEADER_WORDS.search(line) is not None or _is_number(line)
    return named or (len(line.split()) <= 6 and CHOOSES.search(rest) is None)


def _is_number(line: str) -> bool:
    return re.fullmatch(r"\W*\d{4,}\W*", line) is not None


def is_question_text(text: str) -> bool:
    """Tell whether ``text`` reads like the sheet's question: it asks, begins like a task, or lists options."""
    plain = text.strip()[:_QUESTION_CHARACTERS]
    options = 0 if re.search(r"[$=\[]", plain) else len(_OPTION.findall(plain))
    return bool(_TASK.match(plain) or _ASKED.search(plain) or options >= 3)


def is_quoted_question(text: str) -> bool:
    """Tell whether a quotation is the sheet's question, and no answer that its writer set in a quotation."""
    return bool(_QUESTION_FIRST.match(text) or re.search(r"[?؟]\W*$", text)) or is_question_text(text)


def cut_question(text: str) -> str:
    """Return ``text`` without the word "Answer:" and without the question that stands above it."""
    mark = _ANSWER_MARK.search(text)
    if mark is None or not text[mark.end() :].strip():
        return text
    above = text[: mark.start()]
    return text[mark.end() :].strip() if not above.strip() or is_question_text(above) else text


def is_placeholder(text: str) -> bool:
    """Tell whether ``text`` holds no answer: nothing, dashes, "TODO", "no answer"."""
    return _PLACEHOLDER.fullmatch(text) is not None and not re.search(r"\d", text)


def is_elsewhere(text: str) -> bool:
    """Tell whether a short text only says where the answer is ("see the attached photo")."""
    return len(text.split()) <= 14 and not re.search(r"[$=\[\]\\→]", text) and _ELSEWHERE.search(text) is not None


def has_picture(text: str) -> bool:
    """Tell whether ``text`` shows a picture, in which part of an answer may stand."""
    return _PICTURE.search(text) is not None


def drop_struck(text: str) -> str:
    """Return ``text`` without what is struck out."""
    return _STRUCK.sub("", text)
