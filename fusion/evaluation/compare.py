"""Models side by side by what is kept in their folders; no data is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kg import ConfigError, IdMap, ModelError
from ..storage import Record, read_record
from .per_user import PerUser, read_per_user
from .significance import Paired, paired, with_holm

__all__ = ["Comparison", "Contender", "compare", "compare_seeds"]

FloatVector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contender:
    """One side of a comparison.

    Attributes:
        name: as shown.
        mean: of the metric over the users; over several runs the mean of their means.
        spread: standard deviation of the runs' means (n - 1); NaN for one run.
        runs: how many models of other seeds it stands for.
    """

    name: str
    mean: float
    spread: float
    runs: int


@dataclass(frozen=True)
class Comparison:
    """Contenders, and every two of them tested.

    Attributes:
        metric: what is compared, "ndcg@10" and so on.
        users: how many test users all were measured on.
        left_out: how many users were measured by some and not by all.
        contenders: the sides.
        pairs: names of two sides, and their difference.
    """

    metric: str
    users: int
    left_out: int
    contenders: tuple[Contender, ...]
    pairs: tuple[tuple[str, str, Paired], ...]

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return {
            "metric": self.metric,
            "users": self.users,
            "left_out": self.left_out,
            "contenders": [vars(one) for one in self.contenders],
            "pairs": [{"first": a, "second": b, **vars(found)} for a, b, found in self.pairs],
        }


def compare(
    folders: Sequence[Path], *, scorers: Sequence[str] = ("blend",), metric: str | None = None, seed: int = 0
) -> Comparison:
    """Test every two of some models' scorers on the users that all were measured on.

    Args:
        folders: of models.
        scorers: which of each model's; several compare the signals of a model too.
        metric: "ndcg@10" and so on; the NDCG the first model was chosen by, by default.
        seed: of the bootstrap.

    Raises:
        ModelError: if a folder holds no model, or none of this version.
        ConfigError: if there are fewer than two sides, or they cannot be compared.
    """
    kept = _read(folders)
    metric = metric or _usual(kept[0])
    sides = [[(one, scorer)] for one in kept for scorer in scorers]
    names = _short([one.folder for one in kept])
    shown = [" ".join([name, *([scorer] if len(scorers) > 1 else [])]) for name in names for scorer in scorers]
    return _compared(shown, sides, metric, seed)


def compare_seeds(
    first: Sequence[Path], second: Sequence[Path], *, scorer: str = "blend", metric: str | None = None, seed: int = 0
) -> Comparison:
    """Test two configurations, each trained with several seeds, by every user's mean over the seeds.

    Args:
        first: folders of the models of one configuration.
        second: those of the other.
        scorer: which of each model's.
        metric: as in `compare`.
        seed: of the bootstrap.

    Raises:
        ModelError, ConfigError: as `compare`.
    """
    kept = [_read(folders) for folders in (first, second)]
    _check_alike([*kept[0], *kept[1]])
    metric = metric or _usual(kept[0][0])
    every = _short([one.folder for side in kept for one in side])
    names = [", ".join(every[: len(kept[0])]), ", ".join(every[len(kept[0]) :])]
    return _compared(names, [[(one, scorer) for one in side] for side in kept], metric, seed)


@dataclass(frozen=True, eq=False)
class _Kept:
    folder: Path
    record: Record
    figures: PerUser

    def column(self, scorer: str, metric: str, users: IdMap) -> FloatVector:
        if scorer not in self.figures.values:
            raise ConfigError(f"has no scorer {scorer!r}; there is {', '.join(self.figures.scorers)}", path=self.folder)
        if metric not in self.figures.values[scorer]:
            known = ", ".join(self.figures.values[scorer])
            raise ConfigError(f"{metric!r} was not kept for each user; there is {known}", path=self.folder)
        return self.figures.of(users, scorer, metric)


def _read(folders: Sequence[Path]) -> list[_Kept]:
    if not folders:
        raise ConfigError("name the models to compare: plait compare MODEL MODEL ...")
    kept = []
    for folder in folders:
        record, figures = read_record(folder), read_per_user(folder)
        if figures is None:
            raise ModelError("keeps no figures of its users, as models of older versions; train it anew", path=folder)
        kept.append(_Kept(folder, record, figures))
    _check_alike(kept)
    return kept


def _check_alike(kept: Sequence[_Kept]) -> None:
    """See that all were measured on the same held-out interactions."""
    digests = [one.record.details.get("held_out") for one in kept]
    for one, digest in zip(kept, digests, strict=True):
        if digest is None:
            raise ModelError(
                "does not say what it was measured on, as models of older versions; train it anew", path=one.folder
            )
        if digest != digests[0]:
            raise ConfigError(
                f"has other test interactions than {kept[0].folder} ({_why(kept[0].record, one.record)}), so its users have "
                "other items to hit; compare models of the same log that were split alike",
                path=one.folder,
            )


def _why(first: Record, other: Record) -> str:
    """What may have made the test parts differ."""
    mine, theirs = first.config, other.config
    named = {
        "data.interactions": (mine["data"]["interactions"], theirs["data"]["interactions"]),
        "data.filters": (mine["data"].get("filters"), theirs["data"].get("filters")),
        "split": (mine["split"], theirs["split"]),
        "the seed of a random split": tuple(
            c["seed"] if c["split"]["strategy"] == "random" else 0 for c in (mine, theirs)
        ),
    }
    differ = [name for name, (one, two) in named.items() if one != two]
    return f"by {', '.join(differ)}" if differ else "the log itself was another"


def _usual(one: _Kept) -> str:
    return f"ndcg@{one.record.config['evaluation']['ks'][0]}"


def _short(folders: Sequence[Path]) -> list[str]:
    """The folders' names, with as many parents as tell them apart."""
    parts = [folder.absolute().parts for folder in folders]
    for depth in range(1, max(map(len, parts))):
        names = ["/".join(one[-depth:]) for one in parts]
        if len(set(names)) == len(set(parts)):
            return names
    return [str(folder) for folder in folders]


def _compared(names: Sequence[str], sides: Sequence[Sequence[tuple[_Kept, str]]], metric: str, seed: int) -> Comparison:
    if len(sides) < 2:
        raise ConfigError("one side alone is no comparison; name a second model, or a second --scorer of this one")
    if len(set(names)) < len(names):
        raise ConfigError("a model is named twice; name each once")
    every = IdMap.numbering(*(one.figures.users for side in sides for one, _ in side))
    columns = [np.stack([one.column(scorer, metric, every) for one, scorer in side]) for side in sides]
    shared = np.asarray(~np.isnan(np.concatenate(columns)).any(axis=0))
    if not shared.any():
        raise ConfigError("the models have no test user in common; compare models of the same data and split")
    columns = [column[:, shared] for column in columns]
    contenders = tuple(_contender(name, column.mean(axis=1)) for name, column in zip(names, columns, strict=True))
    both = list(combinations(range(len(names)), 2))
    # Kept in float32: without rounding, means over seeds that are equal would differ in their last digits, and be ranked.
    means = [column.mean(axis=0).round(6) for column in columns]
    found = [paired(means[a], means[b], np.random.default_rng(seed)) for a, b in both]
    pairs = tuple((names[a], names[b], one) for (a, b), one in zip(both, with_holm(found), strict=True))
    users = int(shared.sum())
    return Comparison(metric, users, len(shared) - users, contenders, pairs)


def _contender(name: str, means: FloatVector) -> Contender:
    spread = float(means.std(ddof=1)) if len(means) > 1 else float("nan")
    return Contender(name, float(means.mean()), spread, len(means))
