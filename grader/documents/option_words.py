"""Words by which students name one of several numbered options, choose it or rule it out, in English and Persian."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Nameable(Protocol):
    """An option as far as reading needs it."""

    @property
    def number(self) -> int:
        """Its number on the sheet, from 1."""

    @property
    def phrases(self) -> Sequence[str]:
        """Phrases (see ``phrases``) that name it."""

    @property
    def formulas(self) -> Sequence[str]:
        """Formulas that name it."""


class Place(NamedTuple):
    """Where a text names an option; ``denied`` where its words say that it is not meant, ``hedged`` beside an "or".

    ``firm``: found by a phrase that asks for a denial ("not the future"), so the denial rules nothing out.
    """

    start: int
    end: int
    option: int
    denied: bool = False
    hedged: bool = False
    firm: bool = False


ORDINALS: Mapping[int, str] = {
    1: "first|1st|یکم|اولی|اول",
    2: "second|2nd|دومی|دوم",
    3: "third|3rd|سومی|سوم",
    4: "fourth|forth|4th|چهارمی|چهارم",
    5: "fifth|5th|پنجمی|پنجم",
}
NUMERALS: Mapping[int, str] = {1: "one|یک", 2: "two|دو", 3: "three|سه", 4: "four|چهار", 5: "five|پنج"}
LETTERS: Mapping[int, str] = {1: "a|الف|i", 2: "b|ب|ii", 3: "c|ج|iii", 4: "d|د|iv", 5: "e|ه|v"}
# One-letter names that are also words: they name an option only when they stand alone.
ALSO_WORDS = ("a", "i", "one", "یک", "د", "ه")

NOUN = (
    r"(?:options?|choices?|answers?|numbers?|nos?\.|cases?|items?|tasks?|statements?|models?|#"
    r"|gozine(?: ?(?:ye|haye|ha))?|گزینه\s*(?:های|ی)?|مورد|موارد|شماره\s*(?:های|ی)?|جواب|پاسخ|حالت)"
)
AND = r"\s*(?:,\s*and\b|,\s*(?:و\s)?|\band\b|&|\+|/|\bو\b|-|\bto\b|\bva\b|\bas well as\b|\bplus\b|\balso\b|هم)\s*"
OR = r"\s*(?:,?\s*\bor\b|\bیا\b|\band/or\b)\s*"
# What may stand between two entries of one list: "the second one, and the third".
JOINT = re.compile(
    r"[\s,&+/()\-]*(?:ones?|options?|tasks?)?[\s,&+/()\-]*(?:and|or|و|یا|also|plus|to|va|as well as|هم|&)?[\s,&+/()\-]*"
    r"(?:the|also|both)?\s*(?:options?|number|numbers|task|گزینه|ی|های|مورد)?[\s(#]*"
)
# What may follow "second" or "2" when it names an option; another noun ("second word", "2 labels") may not.
FOLLOW = re.compile(
    r"^\s*(?:$|[.,:;()\-+!?/&|\"'=>✓✗\]]|(?:and|n?or|is|are|was|were|isn't|aren't|one|ones|option|options|choice|choices"
    r"|answer|answers|tasks?|cases?|model|items?|network|architecture|statement|expression|formula|alternative|because"
    r"|since|as|only|but|not|too|also|both|fits?|suits?|works?|should|would|can|cannot|does|doesn't|gives?"
    r"|needs?|has|have|surely|certainly|definitely|obviously|yes"
    r"|with|for|rather|instead|seems?|here|must|reads?"
    r"|و|یا|یعنی|است|هستند|درست|صحیح|غلط|گزینه|مورد|چون|زیرا|را|هم|نیست|بله|نه|خیر|هر|می|مناسب|بخاطر|به)(?![a-z_]))"
)
# What makes a bare number no option: "0 or 1", "= 3", "step 2".
NO_OPTION_BEFORE = re.compile(
    r"(?:[\w.^_]|[=</+*] ?|(?<![\-=])> ?|(?<!\w)[a-z] ?- ?|\b0 (?:or|to|and) "
    r"|\b(?:words?|tokens?|inputs?|outputs?|days|steps|times|from|between|کلمات"
    r"|روزهای|کلمه های|step|time|day|t|layer|class|label|label is) )$"
)
# What leads to an answer: "the answer is", "I would choose the", "so".
LEAD = re.compile(
    r"(?:\b(?:answers?|solutions?|choose|chose|chosen|choosing|pick|picked|select|selected|choice|choices"
    r"|go for|go with"
    r"|going with|therefore|thus|so|hence|finally|conclusion|correct|right|suitable|appropriate|many to one"
    r"|think|believe"
    r"|say|guess|mean|it'?s|it is|it must be|that is|only|both|yes|ans)\b|=>|->|✓"
    r"|جواب|پاسخ|درست|صحیح|پس|بنابراین|انتخاب|مناسب|فقط)"
    r"(?:\W+(?:is|are|be|would be|should be|the|option|options|number|numbers|no|it'?s|it|will be|both|ones?|for this"
    r"|question|in my|opinion|my|answers?|tasks?|statements?|that|only|من|من گزینه|های|ی|است|گزینه|میشود|:|=))*\W*$"
)
# What makes an answer of what stands before it: "2 and 3 are correct", "the third too".
APPROVAL = re.compile(
    r"\b(?:correct|right|true|suitable|suits?|appropriate|many[ -]to[ -]one|fits?|too|also|as well"
    r"|both(?! [\w-]*directional)|answers?"
    r"|works?|applies"
    r"|apply|best|ok|fine|valid)\b|جواب|پاسخ|درست|صحیح|مناسب|بله|انتخاب|\bهم\b|همچنین|✓"
)
BECAUSE = re.compile(
    r"\b(?:because|since|(?<!well )as(?! well)|due to|given that|for the reason)\b|چون|زیرا|چرا که"
    r"|به دلیل|بخاطر|به خاطر|چونکه"
)
CORRECTION = re.compile(
    r"\bno\b\s*[,.!:\-]+|\bno (?:wait|it|i)\b|\bwait\b|\bsorry\b|\bactually\b|\bi mean(?:t)?\b|\bcorrection\b"
    r"|\bon second thoughts?\b|\bscratch that\b|\b(?:but )?in the end\b|\bchanged? my mind\b|\boops\b|\bedit\s*:"
    r"|\bi was wrong\b|\b(?:my |the )?final (?:answer|choice|decision)\b|\bon reflection\b"
    r"|\b(?:after )?thinking (?:about it )?(?:more|again|twice)\b|\bafter (?:some|more|further) thought\b"
    r"|\bi (?:now )?(?:choose|pick|take|select|go with|change (?:it|this|that|my (?:answer|choice))|switch|corrected)\b"
    r"(?=.{0,24}\b(?:instead|now)\b|[^.]{0,12}\bto\b)"
    r"|\bat first (?:sight|glance|look)\W{1,3}but(?: then)?\b"
    r"|(?:ولی|اما|که) نه\s*[,.:;!]|ببخشید|اصلاح|(?m:^)[ \t>*(–—-]{0,8}نه\s*[,.]|اشتباه (?:شد|کردم)"
    r"|(?:جواب|پاسخ|انتخاب) نهایی|در نهایت"
)
EXCEPT = re.compile(
    r"\b(?:all|every(?:thing)?|each|both others)\b(?:[^,.;:]{0,20}\bbut\b"
    r"|[^.;]{0,20}\bbut\b(?=.*\b(?:\w+n't|away|out|remov\w*|drop\w*|cross\w*|leave|withdraw)\b)|.{0,20}\b(?:but not"
    r"|except|excluding|other than|apart from|besides)\b)"
    r"|همه.{0,15}(?:به جز|بجز|غیر از|جز)|(?:به جز|بجز|به غیر از|غیر از).{0,60}(?:بقیه|سایر|باقی|دو تای دیگر)"
)
# "Option 4? … Hmm no, …": asked and taken back, whatever comes after without a name.
TAKEN_BACK = re.compile(r"[?؟].{0,300}?\b(?:no|nope|wait|not really)\b[,.!]?|[?؟].{0,300}?(?<!\w)نه(?!\w)", re.DOTALL)
# Whose sentence speaks of what was chosen without naming it again.
OF_THE_CHOSEN = re.compile(r"\b(?:both|they|these|it|its|their|the outputs?)\b|هر ?دو|این ?ها|آن ?ها")
ONLY_BEFORE = re.compile(
    r"(?:^|\b(?:think|thinks|believe|guess|say|choose|pick|take|that|is|it's|would be|so|hence|thus"
    r"|therefore)\b|[,.:;(])"
    r"\W*(?:only|just|فقط|تنها)\W+(?:the )?\W*$"
)
ONLY_AFTER = re.compile(r"(?:\W+\w+){0,2}\W*(?:only|alone)\b\W*(?:$|[.,;:(]|because|since|as\b|is\b)|\W*is the only\b")
OTHERS = re.compile(
    r"\b(?:the |both )?(?:others?|rest|remaining|other (?:two|three|ones|options))\b|بقیه"
    r"|(?:دو ?)?(?:تای|مورد|گزینه) دیگر|سایر"
)
ALL = re.compile(
    r"\ball (?:of (?:them|these|the above)|three|four|the (?:options|tasks|above)|options|tasks)\b|^\W*all\W*$"
    r"|\beverything\b|\bany of (?:them|these)\b|هر سه|هر چهار|همه ?ی? ?(?:موارد|گزینه|آنها)|^\W*همه\W*$"
)
# An answer that opens with "all three" and goes on to say why: it chooses every option, where a copied list chooses
# none and a bare "all" is left to a person.
ALL_CHOSEN = re.compile(
    r"^\W*(?:(?:i|we) (?:choose|chose|pick|select|think|say) )?"
    r"(?:all(?=\W{1,3}(?:because|since|as)\b)|all (?:of (?:them|these)|three|3|four|4|(?:the )?(?:options|tasks))"
    r"|every (?:option|task)|هر ?(?:سه|3|چهار)(?: ?(?:تا|مورد|گزینه|تاش|تای|تاشون))?"
    r"|همه(?: ?ی)?(?: ?(?:موارد|گزینه ?ها|آنها))?)"
    r"(?=\s*[,.:;(\-]\W*\w"
    r"|\n\W*(?:because|since|they|each|every|in (?:all|each|every)|the inputs?|چون|زیرا|در|هر|ورودی)\b"
    r"|\s(?:can|have|take|read|get|receive|accept|fit|suit|work|because|since|as|چون|زیرا|درست|صحیح|مناسب)\b"
    r"|\sare (?:suitable|correct|right|many)\b)"
    r"(?!(?s:.*)(?:\b(?:but|only|except|not|no|however)\b|n't\b|فقط|ولی|اما|جز|نیست|ندار|نمی))"
)
NONE = re.compile(
    r"\bnone of (?:them|these|the)\b|^\W*none\W*$|\bneither\b(?!.*\bnor\b)|\bno option\b|هیچ ?کدام|هیچ ?یک"
)
UNSURE = re.compile(
    r"\b(?:not sure|i (?:really |just )?(?:don't|dont|do not) know(?! the| what (?:comes|will))|no idea"
    r"|can't (?:tell|decide)|either|maybe|perhaps|possibly)\b|شاید|نمیدانم|نمی دانم|مطمئن نیستم"
)
# Who says so changed his mind: of several options named, only a person can tell which is meant.
WAVERED = re.compile(
    r"\b(?:first|initially|originally|earlier|before)\b.{0,12}\b(?:thought|thinking|chose|picked|guess\w*|said|wanted|wrote"
    r"|considered|took)\b|\bmy (?:first|initial) (?:thought|guess|idea|answer|instinct)\b|اول فکر|ابتدا فکر"
)
CONCLUDES = re.compile(
    r"\b(?:so|therefore|hence|thus|consequently|finally)\b,?"
    r"(?: (?:my|the|final|answer|is|it is|it's|i choose|i take|are))*"
    r"|\b(?:my|the) (?:final )?answer(?: is)?\b|(?:پس|بنابراین|در نتیجه|نهایتا)(?: (?:جواب|پاسخ|گزینه))?"
    r"|(?:جواب|پاسخ)\s*:"
)
DENIAL_AFTER = re.compile(
    r"\b(?:is|are|was|were|seems?|would be)?\s*(?:not|n't|wrong|incorrect|false|impossible|unsuitable|ruled out"
    r"|excluded"
    r"|out\b(?! ?puts?\b| of\b(?! (?:the (?:question|race)|question|place|scope)\b))|no good)\b"
    r"|\b(?:isn't|aren't|doesn't|don't|can't|cannot|won't|wouldn't|couldn't)\b|✗|✘|❌|×|\bnope\b"
    # "3 would be my first idea"
    r"|\b(?:would be|was|is|were|had been) (?:my|the|our) (?:first|initial|original|spontaneous)"
    r" (?:idea|thought|guess|choice|instinct|impression|answer|reaction)\b"
    r"|نیست|غلط|نادرست|نمی\s*\w+|\bنه\b(?=\W*(?:$|[,.;:]|چون|زیرا|به دلیل))|خیر|ندار"
)
# "… needs the future, so no." "… a whole string of words, so that one is out."
DISMISSED = re.compile(
    r"\b(?:so|hence|thus|therefore|then) (?:no|not|(?:that(?: one)?|this(?: one)?|it|they|those|these|both)"
    r" (?:is|are|falls?|fall|drops?|goes|go) (?:out|excluded|ruled out|eliminated|no good|wrong|not it|gone))\W*$"
    r"|\b(?:is|are|can be|could be|falls?|must be) (?:out|eliminated|excluded|ruled out|dropped|crossed out)\W*$"
    r"|(?:پس|بنابراین) (?:نه|نیست|حذف (?:است|می ?شود)|کنار می ?رود)\W*$"
)
# What rules out a whole list: "exclude 1, 2 and 4".
EXCLUDING = re.compile(
    r"\b(?:exclud|eliminat|reject|discard|dismiss|omit|remov|drop|delet)\w*\s+(?:the |options? |numbers? |tasks? )*\W*$"
    r"|\b(?:rul|cross|strik|struck|leav|left|throw|scratch)\w* (?:out|off|away)\s+(?:the |options? "
    r"|numbers? |tasks? )*\W*$"
)
DENIAL_BEFORE = re.compile(
    r"\b(?:not|never|neither|nor|except|excluding|but not|rather than|instead of|unlike|exclude|reject|rule out"
    r"|ruled out|(?:cross|strike|struck|scratch|throw|leave|left|kick|weed)\w* (?:out|off|away)|eliminat\w*|discard\w*"
    r"|dismiss\w*|omit\w*|remov\w*|drop\w*"
    r"|without|isn't|cannot be|can't be|other than|no for|no to"
    r"|first,? (?:i|we) (?:had )?(?:thought|chose|picked|said|guessed|wrote|took|wanted|had)"
    r"|first (?:thought|chose|picked|said|guessed|guess was|thought was|took|wanted)"
    r"|initially \w+|hesitated (?:between|with)"
    r"|going to say|almost chose|thought of|hesitated on)\s+(?:\w+\s+){0,2}\W*$"
    r"|\b(?:don't|do not|doesn't|does not|wouldn't|can't) (?:think|believe|agree|choose|pick|like)\b[^,.;]{0,24}$"
    r"|\b(?:neither|nor|not)\b[^,.;]{0,14}\b(?:and|or|nor)\b[^,]{0,8}$"
    r"|\bnot (?:the |a |an )?(?:ones?|models?|networks?|options?|cases?|versions?|kinds?|variants?|rnns?)"
    r" (?:with|where|when|in which|that|which|whose|of|for|using|having)\b[^,.;:]{0,24}$"
    r"|(?<!\w)نه (?:گزینه |مورد |شماره )?[^,.;:]{1,8} (?:و|یا) [^,.;:]{0,8}$"
    r"|(?<!\w)(?:به جز|بجز|غیر از|برخلاف|نه)\s*(?:گزینه|مورد|شماره)?\s*(?:ی|های)?[^\w,;:]*$"
)


def build_names(options: Sequence[Nameable], *tables: Mapping[int, str]) -> str:
    """Return a regular expression's alternatives: the options' numbers, and their names from ``tables``."""
    names = [str(option.number) for option in options]
    for table in tables:
        names += [name for option in options for name in table.get(option.number, "").split("|") if name]
    return "|".join(sorted(names, key=len, reverse=True))


def parse_option(word: str) -> int:
    """Return the number that a digit, letter, numeral or ordinal word stands for; raises ValueError."""
    for table in (ORDINALS, NUMERALS, LETTERS):
        for number, names in table.items():
            if word in names.split("|"):
                return number
    return int(word)
