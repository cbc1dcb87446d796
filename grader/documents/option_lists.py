"""Lists in which every option has its own mark: "1: no, 2: yes", ticked boxes, copied options with some in bold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from grader.documents.option_places import is_said
from grader.documents.option_words import LETTERS, NOUN, ORDINALS, Nameable, build_names, parse_option
from grader.documents.phrases import find_phrase

BOLD = "\ue000"  # stands for ** around bold words

_YES = (
    r"✓|✔|✅|☑|\[x\]|yes\b|true\b|correct\b|right\b|suitable\b|ok\b|many[ -]to[ -]one\b|t\b|بله|آره|درست|صحیح|بلی"
    r"|مناسب(?!\s*نیست)"
)
_NO = (
    r"✗|✘|❌|×|☒|\[ \]|nope\b|no\b|not\b|false\b|wrong\b|incorrect\b|unsuitable\b|many[ -]to[ -]many\b|f\b|خیر|نه\b|غلط"
    r"|نادرست|نیست|مناسب نیست"
)
_SYMBOL = re.compile(rf"(?P<yes>✓|✔|✅|☑|\[x\]|{BOLD})|(?P<no>✗|✘|❌|×|☒|\[ \])")
_MARK = re.compile(rf"(?:^|[:|=>(,\-]|\b(?:is|are)\b|  )\W*?(?:(?P<no>{_NO})|(?P<yes>{_YES}))", re.M)
_MARK_NEXT = r"(?=\s*(?:->?\s*|=>\s*)?(?:yes|no|true|false|✓|✗|✔|✘|✅|❌|×|بله|خیر|نه|درست|غلط|صحیح|نادرست)(?!\w))"


def read_list(folded: str, options: Sequence[Nameable], denials: Sequence[str]) -> tuple[str, frozenset[int] | None]:
    """Return the text without the list, and the options that its marks choose.

    None where there is no such list; a list of all options copied without marks is only removed from the text.
    """
    segments, start, end = _segments(folded, options)
    if len(segments) < 2:
        return folded, None
    rest = folded[:start] + " " + folded[end:]
    marks = {number: _read_mark(segment, denials) for number, segment in segments.items()}
    complete = len(segments) == len(options)
    if all(mark is None for mark in marks.values()):
        said = all(is_said(option, segments.get(option.number, "")) for option in options)
        copied = complete and (
            said or (_is_column(folded[start:end], segments) and bool(re.search(r"\w", folded[end:])))
        )
        return (rest if copied else folded), None
    if not complete:
        return folded, None
    unmarked_counts = True not in marks.values()
    return rest, frozenset(n for n, mark in marks.items() if mark or (mark is None and unmarked_counts))


def _segments(folded: str, options: Sequence[Nameable]) -> tuple[dict[int, str], int, int]:
    """Return what stands behind each option's label, and where the list starts and ends; {} for no proper list."""
    label = re.compile(
        rf"(?:^[ \t]*(?:[-*•+][ \t]*)?(?P<sign>[✓✔✅☑✗✘❌×☒])[ \t]*|^|(?<=[\s,;.|(]))"
        rf"(?:[-*•+]\s*)?(?P<box>\[[ x]\]\s*)?{BOLD}?(?:{NOUN}\s*)?"
        rf"(?:\(?(?P<name>{build_names(options, LETTERS)})\s*[).:|\]=]|(?P<digit>{build_names(options)}){_MARK_NEXT}"
        rf"|(?:the )?(?P<order>{build_names(options, ORDINALS)})(?: one| option)?\s*:)",
        re.M,
    )
    labels = [m for m in label.finditer(folded) if not re.search(r"[\w^_]\Z", folded[: m.start()])]
    if len(labels) < 2:
        return {}, 0, 0
    newline = folded.find("\n", labels[-1].end())
    end = len(folded) if newline < 0 else newline
    segments: dict[int, str] = {}
    for match, stop in zip(labels, [*(m.start() for m in labels[1:]), end], strict=True):
        number = parse_option(match["name"] or match["digit"] or match["order"])
        if number in segments:
            return {}, 0, 0
        bold = BOLD if BOLD in match[0] else ""
        segments[number] = (match["sign"] or "") + (match["box"] or "") + bold + folded[match.end() : stop]
    return segments, labels[0].start(), end


def _is_column(listed: str, segments: Mapping[int, str]) -> bool:
    """Return whether a list has an entry of a few words on each line, in the sheet's order."""
    lines = [line for line in listed.splitlines() if line.strip()]
    words = [len(segment.split()) for segment in segments.values()]
    return len(lines) == len(segments) and list(segments) == sorted(segments) and min(words) >= 2


def _read_mark(segment: str, denials: Sequence[str]) -> bool | None:
    if symbol := _SYMBOL.search(segment):
        return symbol["yes"] is not None
    first = re.split(r"[.;\n]", segment.strip(), maxsplit=1)[0]
    if word := _MARK.search(first):
        return word["yes"] is not None
    return False if any(find_phrase(denial, first) for denial in denials) else None
