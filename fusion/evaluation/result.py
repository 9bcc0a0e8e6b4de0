"""What an evaluation found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...loaders import Part
from .per_user import PerUser
from .slices import Slice

__all__ = ["Evaluation", "Row"]


@dataclass(frozen=True)
class Row:
    """One scorer's metrics on one part.

    Attributes:
        name: the scorer.
        part: "valid" or "test".
        metrics: means over users, by "recall@10" and so on; of the lists "coverage@10", "gini@10", "novelty@10",
            "diversity_entities@10", "diversity_text@10", "calibration@10" and "popularity_lift@10" too, where known.
        errors: standard errors of the means, of those that are means over users.
        slices: the same for some users or items apart.
    """

    name: str
    part: Part
    metrics: Mapping[str, float]
    errors: Mapping[str, float]
    slices: tuple[Slice, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """All scorers on all parts.

    Attributes:
        rows: one for each scorer and part.
        users: how many users each part is measured on.
        cold: how many users of each part had no history and are in no figure but that of the slice "cold".
        per_user: the figures of every test user, to compare models by; None where they were not measured or not kept.
    """

    rows: tuple[Row, ...]
    users: Mapping[str, int]
    cold: Mapping[str, int]
    per_user: PerUser | None = field(default=None, compare=False, repr=False)

    def row(self, name: str, part: Part) -> Row:
        """One scorer's row.

        Raises:
            KeyError: if it was not measured.
        """
        for row in self.rows:
            if (row.name, row.part) == (name, part):
                return row
        raise KeyError(f"{name} was not measured on {part}")

    def joined(self, later: Evaluation) -> Evaluation:
        """With the rows of a later evaluation of the same users after these."""
        users, cold = {**self.users, **later.users}, {**self.cold, **later.cold}
        per_user = later.per_user if self.per_user is None else self.per_user.joined(later.per_user)
        return Evaluation((*self.rows, *later.rows), users, cold, per_user)

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record, without the figures of each user."""
        return {"rows": [asdict(row) for row in self.rows], "users": dict(self.users), "cold": dict(self.cold)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Evaluation:
        """The evaluation of a record."""
        rows = (
            Row(
                row["name"],
                row["part"],
                _floats(row["metrics"]),
                _floats(row["errors"]),
                tuple(map(Slice.from_record, row.get("slices", ()))),
            )
            for row in record["rows"]
        )
        return cls(tuple(rows), record["users"], record["cold"])


def _floats(values: Mapping[str, float | None]) -> dict[str, float]:
    """Values of a JSON record, where null stands for NaN."""
    return {name: float("nan") if value is None else value for name, value in values.items()}
