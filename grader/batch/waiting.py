"""What waits for a person in a graded folder, grouped by like answers."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from grader.batch.moderation import Moderation
from grader.batch.store import Store
from grader.codec import pack_json, read_marksheet
from grader.marking import digest_evidence, digest_moment
from grader.model import SUBMITTED_AT, Decision, Evidence, Mark, Marksheet, Review

_WORD = re.compile(r"[^\W\d_]{4,}")  # shorter ones may be names of quantities, whose case counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One criterion of one student that waits; ``mark`` is None where it is the moment of handing in.

    ``seen`` and ``head`` are what a decision on it carries as ``seen`` and ``replaces``; ``earlier`` is a decision that
    was made on other evidence.
    """

    student: str
    criterion: str
    seen: str
    head: str
    likeness: str
    review: Review | None
    mark: Mark | None = None
    earlier: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Items of one criterion whose answers are alike, by student."""

    id: str
    criterion: str
    items: tuple[Item, ...]


def list_groups(store: Store, moderation: Moderation) -> tuple[Group, ...]:
    """Return what waits and is not decided meanwhile, most students first."""
    moderation.refresh()
    found: dict[tuple[str, str], list[Item]] = {}
    for student, name in store.list_marksheets().items():
        data = store.get(name)
        if data is not None:
            for item in list_items(read_marksheet(data.decode("utf-8", "surrogateescape")), student, moderation):
                found.setdefault((item.criterion, item.likeness), []).append(item)
    groups = [Group(id=key[1][:12], criterion=key[0], items=tuple(items)) for key, items in found.items()]
    return tuple(sorted(groups, key=lambda group: (-len(group.items), group.criterion, group.id)))


def list_items(sheet: Marksheet, student: str, moderation: Moderation) -> Iterator[Item]:
    """Yield what of a marksheet waits for a decision that was not made since it was written."""
    handed_in, counts = sheet.digests["submission"], moderation.find(student)
    marks = {mark.criterion: mark for mark in sheet.marks if mark.awarded is None}
    for criterion in sheet.waiting:
        mark = marks.get(criterion)
        seen = digest_evidence(mark.evidence, handed_in) if mark else digest_moment(handed_in)
        if criterion in counts and counts[criterion].seen == seen:
            continue
        head = moderation.find_head(student, criterion)
        yield Item(
            student=student,
            criterion=criterion,
            seen=seen,
            head=head.id if head else "",
            likeness=find_likeness(mark.evidence if mark else None, student),
            review=mark.evidence.review if mark else sheet.review,
            mark=mark,
            earlier=mark.earlier if mark else counts.get(SUBMITTED_AT),
        )


def list_everything(sheet: Marksheet, student: str, moderation: Moderation) -> tuple[Item, ...]:
    """Return every criterion of a marksheet as it stands, decided or not, for whoever changes a mark."""
    handed_in, found = sheet.digests["submission"], []
    for mark in sheet.marks:
        head = moderation.find_head(student, mark.criterion)
        found.append(
            Item(
                student=student,
                criterion=mark.criterion,
                seen=digest_evidence(mark.evidence, handed_in),
                head=head.id if head else "",
                likeness="",
                review=mark.evidence.review,
                mark=mark,
            )
        )
    return tuple(found)


def find_likeness(evidence: Evidence | None, student: str) -> str:
    """Return a digest that like answers share: what a formula is worth in the model worlds, else the words.

    How misreadings were mended belongs to it.
    Where there are no words, or where a page must be looked at, nobody else's answer is alike.
    """
    if evidence is None:
        return hashlib.sha256(pack_json(student)).hexdigest()
    observed = evidence.observed
    written = observed.get("values") or normalise(str(observed.get("answer") or observed.get("text") or ""))
    mended = observed.get("repairs") or []
    alone = student if not written or observed.get("pages") else ""
    codes = sorted({finding.code for finding in evidence.findings})
    return hashlib.sha256(pack_json([evidence.criterion, evidence.verdict, codes, written, mended, alone])).hexdigest()


def normalise(text: str) -> str:
    """Return an answer without what never changes it: spaces, dollars, the last full stop, the case of words."""
    plain = unicodedata.normalize("NFKC", text[:20_000]).replace("$", " ")
    return _WORD.sub(lambda word: word.group().casefold(), " ".join(plain.split())).rstrip(". ")


def show_credit(credit: Decimal | None) -> str:
    """Return a credit as a plain number, "" for none."""
    return "" if credit is None else f"{credit.normalize():f}"
