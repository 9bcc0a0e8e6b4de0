"""Reviews of the train part change weights and graph; those held out change nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from plait.fusion.review_stage import ReadReviews, read_opinions
from plait.kg import ConfigError, IdMap, KnowledgeGraph, Literals
from plait.loaders import DataConfig, InteractionsConfig, Split, SplitConfig, read_split
from plait.loaders.reviews import ReviewsConfig
from plait.text.encoder import OnProgress, Role, TextVectors


class CountingEncoder:
    """Vectors that count good and bad words, and the letters; keeps what it was asked."""

    dimension = 29
    fingerprint = "counting"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def prompt(self, role: Role) -> str:
        return ""

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: OnProgress | None = None
    ) -> TextVectors:
        self.asked += texts
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                vectors[row, 3 + ord(letter) % 26] += 0.1
            vectors[row, 0] = 9 * sum(
                word in text for word in ("excellent", "good", "love", "great", "happy", "better")
            )
            vectors[row, 1] = 9 * sum(word in text for word in ("terrible", "bad", "hate", "awful", "disapp", "worse"))
        return vectors


def read(
    folder: Path, held_out: str = "The clasp is bad", rating: bool = False, **options: object
) -> tuple[ReadReviews, Split, CountingEncoder]:
    """Five users with seven items; the last two of each user are held out, and their reviews are `held_out`."""
    lines = []
    for user in range(5):
        for at in range(7):
            text = held_out if at > 4 else f"The zip is {'good' if at % 2 else 'bad'}"
            lines.append(f"u{user},i{at},{user + 10 * at},{text}" + (f",{5 if at % 2 else 1}" if rating else ""))
    path = folder / "log.csv"
    path.write_text("user,item,time,review" + (",rating" if rating else "") + "\n" + "\n".join(lines) + "\n")
    log, encoder = InteractionsConfig(path=path), CountingEncoder()
    split_config = SplitConfig(strategy="leave_last_out")
    split, report = read_split(DataConfig(interactions=log), split_config, np.random.default_rng(0))
    config = ReviewsConfig.model_validate(options)
    return read_opinions(config, log, split, report, encoder), split, encoder


def test_a_negative_review_is_no_positive(tmp_path: Path) -> None:
    found, split, _ = read(tmp_path, polarity="weight")
    weighed = found.weighed(split)
    assert len(split.positives()) == 25
    assert {split.items.id(i) for i in weighed.positives().item} == {"i1", "i3"}
    assert (weighed.valid.weight == 1).all()
    assert len(weighed.valid.at_least(weighed.min_weight)) == 5
    assert read(tmp_path)[0].weighed(split) is split


def test_held_out_reviews_are_never_encoded(tmp_path: Path) -> None:
    found, split, encoder = read(tmp_path, "The clasp is excellent and SECRET", min_items=1, min_reviews=1)
    found.aspects()
    assert not any("SECRET" in text or "clasp" in text for text in encoder.asked)
    assert len(found.reviews) == len(split.train) == 25
    other = read(tmp_path, "all else is terrible")[0]
    assert np.array_equal(found.opinions.polarity, other.opinions.polarity)


def test_aspects_join_the_graph(tmp_path: Path) -> None:
    graph = KnowledgeGraph.build(
        IdMap(["i3", "i0", "x"]), ["r"], np.array([0]), np.array([0]), np.array([2]),
        types=["Bag"], type_of=np.array([0, 0, -1]), literals=Literals.empty(),
    )  # fmt: skip
    found, split, _ = read(tmp_path, min_items=2)
    joined = found.then_aspects(lambda one: one, split, None)(graph)
    ids = joined.entities.to_arrow().to_pylist()
    rows = zip(joined.head, joined.relation, joined.tail, strict=True)
    assert [(ids[h], joined.relations[r], ids[t]) for h, r, t in rows][1:] == [
        ("i3", "praised_for", "aspect/zip"),
        ("i0", "criticised_for", "aspect/zip"),
    ]
    silent = read(tmp_path, aspects=False)[0]
    assert silent.then_aspects(lambda one: one, split, None)(graph) is graph


def test_ratings_stand(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a log without ratings or events.*say polarity: none"):
        read(tmp_path, rating=True, polarity="weight")
    found, _, _ = read(tmp_path, rating=True)
    assert "25 reviews of the train part" in str(found)
    assert "10 of rows outside it passed over" in str(found)
