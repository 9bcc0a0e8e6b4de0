"""Polarity and aspects of made-up reviews of known meaning: ours, learnt from ratings and described, against word lists.

Reviews are put together from templates: plain ones, negated, mixed, neutral and ironic. The templates of the test are never
learnt from, and their opinion words are others too. Made-up reviews are simpler than real ones in most ways and crueller in
some (a fifth of them negated, a tenth ironic): the figures compare methods, and promise nothing about another log.

Run: python bench/reviews.py [--reviews 3000] [--seed 0]
Compares with VADER where vaderSentiment is installed.
"""

from __future__ import annotations

import argparse
import re
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from plait.text import TextConfig, TextEncoder, load_encoder
from plait.text.aspects import aspects_of
from plait.text.clauses import clauses_of, encoded_clauses, mean_by_text
from plait.text.sentiment import NEUTRAL, Opinions, described_head, opinions_of

ASPECTS = {
    "headphones": ["battery life", "sound quality", "ear cushions", "microphone", "noise cancelling", "bass", "price"],
    "jacket": ["zipper", "fabric", "fit", "lining", "colour", "hood", "sleeves"],
    "drill": ["battery", "grip", "chuck", "motor", "carrying case", "weight", "torque"],
}
KINDS = ("plain", "negated", "mixed", "neutral", "ironic")
SHARES = (0.45, 0.2, 0.15, 0.1, 0.1)

# Of train; a clause holds one aspect {}.
TRAIN: dict[str, dict[int, list[str]]] = {
    "plain": {
        1: ["The {} is great", "I love the {}", "Excellent {}", "The {} is perfect and I am happy", "Very good {}",
            "The {} works well", "Really pleased with the {}", "My {} is amazing", "Best {} I have had"],
        -1: ["The {} is terrible", "I hate the {}", "Awful {}", "The {} is bad and I am angry", "Very poor {}",
             "The {} broke after a week", "Really disappointed with the {}", "My {} is useless", "Worst {} I have had"],
    },
    "negated": {
        1: ["The {} is not bad", "I have no problems with the {}", "You will not regret the {}"],
        -1: ["The {} is not good", "I do not like the {}", "The {} does not work well", "I am not happy with the {}"],
    },
    "neutral": {0: ["The {} is ok", "I bought it for my brother and he uses it", "The {} is average",
                    "The {} is what one would expect", "It came in a box with a manual"]},
    "ironic": {-1: ["Great, the {} broke again", "Oh wonderful, a {} that does nothing",
                    "Thanks a lot for this lovely {} that fell apart"]},
}  # fmt: skip

# Of the test: other frames and other words.
TEST: dict[str, dict[int, list[str]]] = {
    "plain": {
        1: ["Superb {}", "What impressed me most was the {}", "The {} exceeded all my hopes", "A brilliant {}, well done",
            "Five stars for the {}", "The {} feels sturdy and luxurious", "I am delighted by its {}"],
        -1: ["Dreadful {}", "What annoyed me most was the {}", "The {} fell short of all my hopes", "A flimsy {}, shame",
             "Zero stars for the {}", "The {} feels cheap and shoddy", "I returned it because of its {}"],
    },
    "negated": {
        1: ["I could not fault the {}", "Nobody would be let down by the {}", "The {} never fails me"],
        -1: ["I would not call the {} superb", "The {} is hardly impressive", "Nobody would be delighted by the {}"],
    },
    "neutral": {0: ["The {} is neither here nor there", "It arrived on Tuesday by post", "No opinion on the {} yet",
                    "The {} does its job, nothing more"]},
    "ironic": {-1: ["Just what I needed, a {} that dies at once", "Superb {}, if you enjoy repairs",
                    "Five stars to whoever thought this {} was finished"]},
}  # fmt: skip
JOINTS = {"train": (" but ", ", however "), "test": (", although ", ". Yet ")}

GOOD = """
good great love excellent perfect happy pleased amazing best wonderful lovely superb brilliant impressed delighted
nice fantastic awesome enjoy recommend well sturdy luxurious
"""
BAD = """
bad terrible hate awful poor broke disappointed useless worst horrible dreadful cheap flimsy shame annoyed returned
broken fail fails waste problem problems regret angry shoddy dies
"""


@dataclass(frozen=True)
class Made:
    """Reviews of one part: texts, what they think (-1, 0, 1), their kind, item and type, and the aspects each names."""

    text: list[str]
    label: npt.NDArray[np.int64]
    kind: list[str]
    item: npt.NDArray[np.int64]
    item_type: npt.NDArray[np.int64]
    user: npt.NDArray[np.int64]
    said: list[list[tuple[str, int]]]


def made(n: int, part: str, rng: np.random.Generator) -> Made:
    """Reviews by the templates of a part: of 60 items, by 200 users."""
    templates = TRAIN if part == "train" else TEST
    kinds = rng.choice(KINDS, size=n, p=SHARES).tolist()
    items = rng.integers(60, size=n)
    types = items % len(ASPECTS)
    rows = [_one(templates, kind, list(ASPECTS.values())[t], part, rng) for kind, t in zip(kinds, types, strict=True)]
    texts, labels, said = zip(*rows, strict=True)
    return Made(list(texts), np.array(labels), kinds, items, types, rng.integers(200, size=n), list(said))


def _one(
    templates: dict[str, dict[int, list[str]]], kind: str, aspects: list[str], part: str, rng: np.random.Generator
) -> tuple[str, int, list[tuple[str, int]]]:
    """A review of one to three clauses of one kind."""
    if kind == "mixed":
        first, second = rng.choice(aspects, size=2, replace=False)
        good, bad = (str(rng.choice(templates["plain"][sign])) for sign in (1, -1))
        text = good.format(first) + str(rng.choice(JOINTS[part])) + bad.format(second)
        return text + ".", 0, [(str(first), 1), (str(second), -1)]
    label = int(rng.choice(list(templates[kind])))
    chosen = [str(a) for a in rng.choice(aspects, size=rng.integers(1, 4), replace=False)]
    frames = [str(f) for f in rng.choice(templates[kind][label], size=len(chosen), replace=False)]
    said = [(aspect, label) for frame, aspect in zip(frames, chosen, strict=True) if "{}" in frame]
    return ". ".join(f.format(a) for f, a in zip(frames, chosen, strict=True)) + ".", label, said


def ratings_of(part: Made, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """One to five stars: by what was thought, by the user's habit, and by chance."""
    habit = rng.normal(0, 0.5, size=200)[part.user]
    stars = 3.2 + 1.5 * part.label + habit + rng.normal(0, 0.5, size=len(part.label))
    return np.clip(np.round(stars), 1, 5).astype(np.int64)


def by_words(texts: list[str]) -> npt.NDArray[np.float64]:
    """Good words less bad ones, over both."""
    found, good_words, bad_words = [], set(GOOD.split()), set(BAD.split())
    for text in texts:
        words = re.findall(r"[a-z]+", text.lower())
        good, bad = sum(w in good_words for w in words), sum(w in bad_words for w in words)
        found.append((good - bad) / max(good + bad, 1))
    return np.array(found)


def by_vader(texts: list[str]) -> npt.NDArray[np.float64]:
    """VADER's compound score."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    vader: Any = SentimentIntensityAnalyzer()
    return np.array([vader.polarity_scores(text)["compound"] for text in texts])


def called(polarity: npt.NDArray[np.floating], band: float = NEUTRAL) -> npt.NDArray[np.int64]:
    """-1, 0 or 1."""
    return np.where(np.abs(polarity) < band, 0, np.sign(polarity)).astype(np.int64)


def macro_f1(truth: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> float:
    """Mean F1 of the classes."""
    scores = []
    for label in np.unique(truth):
        hits = ((truth == label) & (found == label)).sum()
        scores.append(2 * hits / max((truth == label).sum() + (found == label).sum(), 1))
    return float(np.mean(scores))


def polarity_table(test: Made, judged: dict[str, npt.NDArray[np.floating]]) -> Table:
    """Accuracy over three classes, macro-F1, sign on what is good or bad, and accuracy by kind."""
    table = Table("polarity", "accuracy", "macro-F1", "sign right", *KINDS, title=f"{len(test.text):,} test reviews")
    kinds, off = np.array(test.kind), test.label != 0
    for name, polarity in judged.items():
        found = called(polarity)
        right = found == test.label
        sign = (np.sign(polarity[off]) == test.label[off]).mean()
        figures = [right.mean(), macro_f1(test.label, found), sign, *(right[kinds == kind].mean() for kind in KINDS)]
        table.add_row(name, *(f"{figure:.2f}" for figure in figures))
    return table


def aspect_table(part: Made, opinions: Opinions, encoder: TextEncoder) -> Table:
    """Precision and recall of the aspects found, and of (item, aspect, sign) against what was written of each."""
    found = aspects_of(opinions, part.item, encoder, item_type=np.arange(60) % len(ASPECTS))
    named = {name for names in ASPECTS.values() for name in names}
    right = [phrases for phrases in found.phrases if named & set(phrases)]
    covered = named & {phrase for phrases in right for phrase in phrases}
    table = Table("aspects", "found", "precision", "recall", title=f"aspects of {len(part.text):,} reviews")
    table.add_row(
        "names", f"{len(found.names)}", f"{len(right) / len(found.names):.2f}", f"{len(covered) / len(named):.2f}"
    )
    # What was said of an item, by the name its group goes by; said both ways as often as not, it is neither.
    group = {phrase: number for number, phrases in enumerate(found.phrases) for phrase in phrases}
    sums: dict[tuple[int, int], list[int]] = {}
    for item, said in zip(part.item.tolist(), part.said, strict=True):
        for aspect, sign in said:
            sums.setdefault((item, group.get(aspect, -1)), []).append(sign)
    truth = {(*pair, int(np.sign(np.sum(signs)))) for pair, signs in sums.items() if abs(np.mean(signs)) >= NEUTRAL}
    signs = called(found.polarity)
    ours = {row for row in zip(found.item.tolist(), found.aspect.tolist(), signs.tolist(), strict=True) if row[2]}
    hits = len(ours & truth)
    table.add_row("item, aspect, sign", f"{len(ours)}", f"{hits / len(ours):.2f}", f"{hits / len(truth):.2f}")
    said_of = {(item, aspect): sign for item, aspect, sign in truth}
    judged = list(zip(found.item.tolist(), found.aspect.tolist(), np.sign(found.polarity).tolist(), strict=True))
    agree = [said_of[item, aspect] == sign for item, aspect, sign in judged if (item, aspect) in said_of]
    table.add_row("sign of pairs meant", f"{len(agree)}", f"{np.mean(agree):.2f}", "")
    others = [phrases[0] for phrases in found.phrases if not named & set(phrases)]
    table.caption = f"found and not meant: {', '.join(others[:12])}; missed: {', '.join(sorted(named - covered))}"
    return table


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--reviews", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    train, test = made(options.reviews, "train", rng), made(options.reviews // 2, "test", rng)
    encoder = load_encoder(TextConfig(cache=None))
    began = time.perf_counter()
    opinions = opinions_of(pa.array(train.text), encoder, ratings=ratings_of(train, rng), users=train.user)
    print(f"{len(opinions.clauses.distinct):,} distinct clauses of {len(train.text):,} reviews judged in "
          f"{time.perf_counter() - began:.1f} s; learnt from {opinions.head.learnt_from}, "
          f"agreement with left-out ratings {opinions.head.agreement:.2f}")  # fmt: skip
    clauses = clauses_of(pa.array(test.text))
    features = encoded_clauses(clauses, encoder)
    whole, described = mean_by_text(clauses, features), described_head(encoder)
    judged: dict[str, npt.NDArray[np.floating]] = {
        "ratings and poles": opinions.head.polarity(whole),
        "described poles": described.polarity(whole),
        "word list": by_words(test.text),
    }
    try:
        judged["VADER"] = by_vader(test.text)
    except ImportError:
        print("VADER is not installed: pip install --no-deps vaderSentiment requests")
    judged["always good"] = np.ones(len(test.text))
    console = Console(width=140)
    console.print(polarity_table(test, judged))
    tested = Opinions(opinions.head.polarity(whole), clauses, opinions.head.polarity(features), opinions.head)
    for part, judged_part in ((train, opinions), (test, tested)):
        console.print(aspect_table(part, judged_part, encoder))


if __name__ == "__main__":
    main()
