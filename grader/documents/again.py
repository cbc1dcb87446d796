"""What a label says of an answer that was given before: it goes on, or it is corrected."""

from __future__ import annotations

import re

_S = r"[ \u200c]*"
GOES_ON = re.compile(r"\b(?:continued|cont(?:inuation)?\b|again)|ادامه", re.IGNORECASE)
CONTINUES = re.compile(
    rf"{_S}[(\[]?{_S}(?:continu(?:ed|ing|ation)|cont\.|more on|(?:an? )?addition(?:s|al)?|adding|ps|ادامه(?:ی)?|تکمیل)"
    rf"{_S}[)\]]?{_S}[:.,\-–—]?{_S}(?:(?:of|to|for|from|on|with|به|برای)\b{_S})?(?:the\b{_S})?",
    re.IGNORECASE,
)
CORRECTS = re.compile(
    rf"{_S}[(\[]?{_S}(?:(?:a|my)\b{_S})?(?:corrections?|corrected|revis(?:ed|ion)|updated?|edit(?:ed)?|errat(?:um|a)"
    rf"|fix(?:ed)?|redo(?:ne)?|اصلاح(?:یه|ی)?|تصحیح)\b{_S}[)\]]?{_S}[:.,\-–—]?{_S}"
    rf"(?:(?:version|answer|solution)s?\b{_S})?(?:(?:of|to|for|in|به|برای)\b{_S})?(?:the\b{_S})?"
    rf"(?:(?:answer|solution)\b{_S}(?:of|to|for)\b{_S})?",
    re.IGNORECASE,
)
CORRECTED = re.compile(
    rf"{_S}[(\[]?{_S}(?:corrected|correction|revised|revision|updated?|edit(?:ed)?|redone|final version"
    rf"|(?:second|2nd) (?:try|attempt|version)|اصلاح(?: ?شده|یه)?|تصحیح(?: ?شده)?){_S}"
    rf"(?:[)\]]{_S}[:.\-–—]?|[:.\-–—]|\Z){_S}",
    re.IGNORECASE,
)
