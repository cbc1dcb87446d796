"""Text that speaks to whoever, or whatever, marks it: what it looks like, in English and Persian, in one table.

The phrases are matched against folded text (lower case, ASCII digits, one spelling of letters, nothing invisible). They
are kept narrow: what is left out of an answer is not read, and an answer may well say that hard attention gives full
weight to one key, that the scores give me [0, 6, 1], or that a gate forgets. A greeting is left out alone: what is said
politely is an answer as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Sort = Literal["plea", "command", "greeting"]

_MARKS = r"(?:marks?|credits?|grades?)"
_FULL = r"(?:full|max(?:imum)?|perfect|complete|top|highest|all(?: of)?(?: the)?|100 ?%?)"
_WORDS = r"(?:[\w'’/%]+ ){0,4}?"
_GIVE = r"(?:give|award|grant|assign|allot|put)"
_ANSWER = r"(?:answer|solution|response|submission|report|homework|assignment|student|question|criterion)"
_US = rf"(?:me|us|myself|this (?:one|{_ANSWER})|my \w+|the student|every ?(?:one|thing|body))"
# Where a command begins: an assertion has its subject before the verb ("the weights give").
_COMMAND = r"(?:^\W*|\b(?:please|kindly|must|should|just|simply|to|you|and|then|always|now|pls) )"
_GRADERS = r"(?:auto)?(?:graders?|markers?|teachers?|professors?|instructors?|examiners?|correctors?|tas?)\b"
_PERSIAN_GRADERS = r"(?:استاد|مصحح|تصحیح ?کننده|دستیار(?: ?آموزشی)?|تی ?ای)"

PHRASES: Final[tuple[tuple[Sort, str], ...]] = (
    ("plea", rf"{_COMMAND}{_GIVE} {_WORDS}{_FULL} (?:possible |available )?{_MARKS}\b"),
    ("plea", rf"\b{_GIVE} {_FULL} (?:possible )?marks?\b"),
    ("plea", r"\baward (?:me|us|everything|everybody|all|it all)\b"),
    ("plea", rf"\b{_GIVE} {_US} {_WORDS}(?:{_MARKS}|points?|scores?|pass)\b"),
    ("plea", rf"\b(?:i|we|this {_ANSWER}|the student) {_WORDS}(?:deserves?|should (?:get|receive|be (?:given|awarded)))"
             rf" {_WORDS}(?:{_MARKS}|points?|scores?|pass)\b"),
    ("plea", rf"{_COMMAND}(?:mark|grade|score|rate|count|treat|accept|consider|classify|judge) "
             rf"(?:this|it|my|me|the) ?(?:whole |entire )?{_ANSWER}? ?(?:as|to be)? (?:completely |fully )?"
             r"(?:correct|right|full|passed|valid|complete)\b(?! (?:gradient|value|matrix|vector|sum|one|key))"),
    ("plea", rf"^\W*{_FULL} (?:{_MARKS}|points?|scores?)\W*"
             r"(?:please|pls|thanks|thank you|here|now|for (?:me|this))?\W*$"),
    ("plea", rf"\b{_FULL} {_MARKS},? (?:please|pls)\b|\bplease,? {_FULL} {_MARKS}\b"),
    ("plea", rf"\b(?:please|kindly|pls) {_GIVE} {_WORDS}(?:{_MARKS}|points)\b|\bpartial credits? (?:please|pls)\b"),
    ("plea", rf"^\W*{_FULL} {_MARKS} ?[:;,.-].{{0,60}}\b(?:{_GRADERS}|verified|approved|confirmed)\b"),
    ("plea", r"\b(?:do not|dont|don't|never) (?:take off|deduct|subtract) (?:any |the |my )*(?:marks?|points?)\b"),
    ("plea", r"\bplease (?:just |kindly )?(?:pass me|be (?:kind|generous|lenient|merciful)|have mercy)\b"),
    ("command", r"\b(?:ignore|disregard|forget|override|skip|bypass)\b"
                r"(?: (?:the|all|any|your|previous|above|prior|earlier|these|those|my|of|every|other|given|and))* "
                r"(?:rubrics?|instructions?|prompts?|criteria|grading|answer keys?|marking|guidelines)\b"),
    ("command", r"\byou are (?:now )?(?:a|an|the|my) (?:\w+ ){0,3}?"
                r"(?:(?:auto)?grader|marker|examiner|assistant|ai|language model|llm|chatbot)\b"),
    ("command", r"^\W*(?:system|assistant|developer|admin) ?(?:prompt|message|note|override)? ?:.{0,40}\b"
                rf"(?:you|ignore|mark|grade|award|give|{_ANSWER})\b"),
    ("command", r"^\W*(?:please |just |now )?(?:ignore|disregard|forget) (?:the |your |any )?"
                r"(?:answer |solution |model |marking )?(?:key|solution|notes?)s?,? and "
                r"(?:record|return|mark|give|award|enter|put|set|write|report|output|accept|grade)\b.*$"),
    ("command", rf"(?:^\W*|\band )(?:return|output|print|respond with|record|report|set|enter|write) {_WORDS}"
                rf"(?:verdict|correct|passed|full)\b.{{0,30}}\b(?:{_MARKS}|points?|\d+ ?/ ?\d+)(?!\w).{{0,40}}$"),
    ("command", r"(?:^\W*|\band )(?:return|output|set|record|report|enter) (?:the |a )?(?:verdict|grade|mark)s? "
                r"(?:as |of |to |is |= ?|: ?)?\W?(?:correct|right|full|pass\w*|100|10)\b.{0,40}$"),
    ("plea", rf"\b(?:{_GRADERS}|lecturer) (?:himself |herself |has |already )*(?:said|told|promised|confirmed|agreed)\b"
             rf".{{0,60}}\b(?:{_MARKS}|points?)\b.{{0,30}}$"),
    ("plea", rf"\b(?:enter|record|write|put|give|set|award|note)\b {_WORDS}\d+ ?/ ?\d+ (?:\w+ ){{0,2}}?"
             r"(?:for|to) (?:me|us|this|my|the student)\b"),
    ("plea", r"(?:استاد|دستیار|تی ?ای|مدرس).{0,30}(?:گفت\w*|فرمود\w*|قول).{0,60}(?:نمره|بارم).{0,30}$"),
    ("command", r"im_start|\[/?inst\]|<<sys>>"),
    ("greeting", rf"\b(?:dear|hey|hello|hi|attention|(?:note|message|instructions?) (?:to|for)),? "
                 rf"(?:(?:the|my|all|any|mr|ms|respected|dear|sir|ai|human) )*"
                 rf"(?:{_GRADERS}|ai\b|llms?\b|language models?\b)"),
    ("plea", r"نمره ?ی? ?(?:ی )?(?:کامل|تمام|بیست|20|صد|100)(?!\w)"),
    ("plea", r"(?:لطفا|خواهشمند|خواهش می ?کنم|تمنا).{0,30}(?:نمره|بارم|قبول (?:کنید|کنین)|پاس)"),
    ("plea", r"(?:نمره|بارم).{0,25}"
             r"(?:بدهید|بدین|بدید|بده|دهید|لطفا|(?:لحاظ|منظور) (?:کنید|کنین|فرمایید|بفرمایید))(?!\w)"),
    ("plea", r"(?:پاسخ|جواب|راه ?حل|تمرین).{0,20}(?:درست|صحیح|کامل) "
             r"(?:در ?نظر بگیر|حساب کن|فرض کن|محسوب کن|تلقی کن)(?:ید|ین)?(?!\w)"),
    ("plea", r"(?<!\w)ارفاق(?!\w)|نمره ?(?:ای)? ?(?:کم|کسر) نکن(?:ید|ین)"),
    ("command", r"(?:دستور|راهنما|معیار|بارم|کلید).{0,40}(?:نادیده بگیر(?:ید|ین)?|فراموش کن(?:ید|ین)?)(?!\w)"),
    ("command", r"(?:نادیده بگیر(?:ید|ین)?|فراموش کن(?:ید|ین)?)(?!\w).{0,40}(?:دستور|راهنما|معیار|بارم)"),
    ("command", r"(?:شما|تو) (?:یک )?(?:مصحح|دستیار|مدل زبانی|هوش مصنوعی)\S* ?(?:هستید|هستی|اید)(?!\w)"),
    ("greeting", rf"{_PERSIAN_GRADERS} ?(?:ی )?(?:گرامی|عزیز|محترم|ارجمند)|(?:سلام|درود)(?: بر)? {_PERSIAN_GRADERS}"),
)  # fmt: skip
# Small words that only lead to a phrase: "so I think you must ... for this answer".
LINKS: Final = frozenset(
    "a also an and answer anyway be can could for here hope i if it just kindly me must my now of part please pls "
    "question should so solution student thank thanks that the then think this to very will would you لطفا به این پاسخ "
    "جواب سوال من را رو و برای بدهید بدین بده کنید ی".split()
)
_PATTERNS = tuple((sort, re.compile(pattern)) for sort, pattern in PHRASES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plea:
    """Where in a folded text somebody speaks to the grader, and how."""

    sort: Sort
    start: int
    end: int


def find_plea(folded: str) -> Plea | None:
    """Return where a folded text speaks to the grader, None where it does not."""
    for sort, pattern in _PATTERNS:
        if found := pattern.search(folded):
            return Plea(sort=sort, start=found.start(), end=found.end())
    return None
