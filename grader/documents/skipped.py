"""Whether an answer says that there is none: "I had no time", "وقت نکردم", a dash."""

from __future__ import annotations

import re
import unicodedata

from grader.documents.wording import fold, to_plain

_MOST_WORDS = 14
_THIS = (
    r"(?: (?:it|this|that|these|one|part|question|exercise|the|of|to|here|answer|in|for|at|all|time|either|yet|left"
    r"|anymore|how|what|about|do|solve|start|say))*"
)
_ENGLISH = (
    r"(?:do not|dont|don't|did not|didnt|didn't|could not|couldnt|couldn't|can not|cannot|cant|can't|was not able to"
    r"|were not able to|am not able to|have not|haven't|havent)"
    r" (?:really |even )?(?:know|understand|get|solve|solved|do|done|answer|answered|finish|finished|manage|managed"
    r"|remember|(?:have|had|find|found) (?:enough )?(?:the )?time|reach|figure)"
    r"(?: (?:out|how|what|why|to|solve|do|write|say|answer|it|this|that|of|any|anything))*",
    r"(?:ran|run|running|was|am) out of time",
    r"(?:had|have|got|there was) (?:no|not enough|absolutely no) (?:time|idea|clue|answer)",
    r"(?:no|not enough) (?:time|idea|clue|answer)",
    r"(?:skip|skipped|skipping|pass|left (?:it |this )?(?:blank|empty|out)|not (?:done|answered|attempted|solved)"
    r"|unanswered|unsolved|unfinished|blank|empty|todo|to do|tbd|tba|idk|n/a|na)",
    # What is left of a plea. It must name the homework: "it is hard" is an answer where hard attention is asked about.
    r"(?:(?:the|this|my) )?(?:question|homework|exercise|week|part) (?:was|is) (?:so |too |very |really )?"
    r"(?:hard|difficult|long|confusing|tough)",
)
_PERSIAN = (
    r"نمی ?دانم|نمی ?دونم|نمیدانم|(?:سوال|تمرین|قسمت|بخش|هفته) (?:خیلی |واقعا )?(?:سخت|مشکل) (?:بود|است)"
    r"|بلد (?:نیستم|نبودم)"
    r"|وقت (?:نکردم|نشد|نداشتم|کم آوردم)|فرصت (?:نکردم|نشد|نداشتم)|نرسیدم"
    r"|حل (?:نکردم|نشد|نشده)|(?:پاسخ|جواب) (?:ندادم|نداده ?ام|نمی ?دانم|داده نشد|داده نشده)|ننوشتم|نتوانستم|نتونستم"
    r"|بدون (?:پاسخ|جواب)|نفهمیدم|متوجه نشدم|یادم نیست|خالی"
)
_SKIPPED = re.compile(
    rf"(?:sorry |unfortunately |honestly |i am sorry |i'm sorry )?(?:but )?(?:i |we )?"
    rf"(?:really |just |simply |honestly |also )?"
    rf"(?:{'|'.join(_ENGLISH)}){_THIS}(?: sorry| unfortunately)?"
    rf"|(?:متاسفانه |ببخشید )?(?:(?:این|برای|جواب|پاسخ|سوال|قسمت|بخش|را|رو|به|که) )*(?:{_PERSIAN})"
    r"(?: (?:حل|کنم|بنویسم|این|سوال|قسمت|بخش|را|رو|ببخشید|متاسفانه|انجام|دهم|بدهم))*"
)


def is_blank(text: str) -> bool:
    """Return whether there is nothing but punctuation, spaces, controls and Markdown's own signs in a text."""
    return all(unicodedata.category(character)[0] in "PZC" or character in "−~|=`^$+<>" for character in text)


def is_skipped(text: str) -> bool:
    """Return whether a whole answer says that it is none; one that says anything else besides is an answer."""
    if not re.search(r"\w", text):
        # A picture without a name may hold one, and a column of ticks is one.
        return "![" not in text and is_blank(text)
    if len(text) > 400:
        return False
    words = re.findall(r"[^\W_]+(?:['/’][^\W_]+)*", fold(to_plain(text)))
    return 0 < len(words) <= _MOST_WORDS and _SKIPPED.fullmatch(" ".join(words).replace("’", "'")) is not None
