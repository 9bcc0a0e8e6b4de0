"""What cleaning found in texts: how many of each kind, and one example."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["CleaningFinding", "CleaningKind", "CleaningReport"]

CleaningKind = Literal[
    "html", "too-long", "invisible-characters", "not-nfc", "blanks", "placeholder", "only-digits", "only-punctuation",
    "boilerplate", "no-name", "no-text", "cut",
]  # fmt: skip
"""What can be found; reports name the kinds in this order."""

_SENTENCES: dict[CleaningKind, str] = {
    "html": "values with HTML, of which the words were kept",
    "too-long": "values too long to be read whole, cut before cleaning",
    "invisible-characters": "values with control or invisible characters, taken out",
    "not-nfc": "values not in Unicode's composed form (NFC), composed",
    "blanks": "values with superfluous blanks, made one",
    "placeholder": 'values that only say that there is none ("n/a"), taken as missing',
    "only-digits": "texts of digits alone, taken as missing",
    "only-punctuation": "values without a letter or digit, taken as missing",
    "boilerplate": "sentences that many nodes of a type share, dropped",
    "no-name": "nodes with no name but their id, which is not told",
    "no-text": "nodes of which nothing can be told, marked as missing",
    "cut": "nodes of which some was left out, since the encoder reads no more",
}

_SHOWN = 80


@dataclass(frozen=True)
class CleaningFinding:
    """One kind of thing found: how often, and the first case of it, shortened."""

    kind: CleaningKind
    count: int
    example: str

    @property
    def sentence(self) -> str:
        """What was found, with its number and example."""
        return f"{self.count:,} {_SENTENCES[self.kind]}" + (
            f", such as {self.example!r}" if self.example.strip() else ""
        )


@dataclass(frozen=True)
class CleaningReport:
    """What cleaning found, at most one finding a kind, in the order of `CleaningKind`."""

    findings: tuple[CleaningFinding, ...] = ()

    def count(self, kind: CleaningKind) -> int:
        """How often one kind was found."""
        return sum(found.count for found in self.findings if found.kind == kind)

    def lines(self) -> list[str]:
        """A sentence a finding."""
        return [found.sentence for found in self.findings]

    def as_records(self) -> list[dict[str, str | int]]:
        """The findings for JSON: kind, count, example, sentence."""
        return [
            {"kind": found.kind, "count": found.count, "example": found.example, "sentence": found.sentence}
            for found in self.findings
        ]

    def with_finding(self, kind: CleaningKind, count: int, example: str) -> CleaningReport:
        """The report with one more finding, if there is anything to it."""
        if count == 0:
            return self
        shown = example if len(example) <= _SHOWN else example[: _SHOWN - 1] + "…"
        return CleaningReport.joined([self, CleaningReport((CleaningFinding(kind, count, shown),))])

    @classmethod
    def joined(cls, reports: Iterable[CleaningReport]) -> CleaningReport:
        """Several reports as one: counts added, the first example kept."""
        found: dict[CleaningKind, CleaningFinding] = {}
        for one in (finding for report in reports for finding in report.findings):
            before = found.get(one.kind)
            count, example = (one.count, one.example) if before is None else (before.count + one.count, before.example)
            found[one.kind] = CleaningFinding(one.kind, count, example)
        return cls(tuple(found[kind] for kind in get_args(CleaningKind) if kind in found))
