"""Words folded alike, names found as phrases, titles by their words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.fusion.words import PhraseIndex, WordIndex, folded, words_of


def strings(*texts: str | None) -> pa.Array:
    return pa.array(texts, type=pa.large_string())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Amélie's  Straße, No. 5", ["amelies", "strasse", "no", "5"]),
        ("ΣΊΣΥΦΟΣ", ["σισυφοσ"]),
        ("电动工具 drill", ["电", "动", "工", "具", "drill"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("हिन्दी फ़िल्म", ["हिन्दी", "फ़िल्म"]),
        ("C++ / C#", ["c", "c"]),
        ("\x00 \t--", []),
        ("", []),
    ],
)
def test_folding(text: str, words: list[str]) -> None:
    assert words_of("", text) == [[], words]


@settings(deadline=None)
@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    once = folded(strings(text))
    assert folded(once).equals(once)


def found(index: PhraseIndex, query: str) -> list[tuple[str, list[int]]]:
    return [(phrase.words, phrase.nodes.tolist()) for phrase in index.find(words_of(query)[0])]


NAMES = PhraseIndex.build(
    strings("Makita", "Power Drills", "makita", None, "the", "A", "  ", "Drill", "New York", "New York Yankees"), 10
)


def test_names_are_found_whole_and_longest_first() -> None:
    assert found(NAMES, "quiet MAKITA power drills in New-York") == [
        ("makita", [10, 12]),
        ("power drills", [11]),
        ("new york", [18]),
    ]
    # The longer name takes its words, and the shorter one is not found in them again.
    assert found(NAMES, "new york yankees") == [("new york yankees", [19])]
    assert found(NAMES, "new yorker makitas") == [("makitas", [10, 12])]


def test_one_and_many_are_the_same_name() -> None:
    assert found(NAMES, "power drill drills") == [("power drill", [11]), ("drills", [17])]


@pytest.mark.parametrize("query", ["the a", "", "york new", "power and drills"[:9]])
def test_stop_words_letters_and_parts_are_no_names(query: str) -> None:
    assert found(NAMES, query) == []


def test_no_names_at_all() -> None:
    assert found(PhraseIndex.build(strings(), 0), "drill") == []
    assert found(PhraseIndex.build(strings(None, ""), 3), "drill") == []


TITLES = WordIndex.build(strings("Quiet Drill", "Drill", "", None, "Saw drill drill", "Hose"))


def test_likeness_by_hand() -> None:
    n = 6
    # Drill stands in three titles, quiet in one.
    drill, quiet = (np.log1p((n - count + 0.5) / (count + 0.5)) for count in (3, 1))
    both = np.hypot(drill, quiet)
    assert TITLES.likeness(["drill", "quiet", "drill"]) == pytest.approx(
        [1, drill / both, 0, 0, drill**2 / (np.hypot(drill, quiet) * both), 0], abs=1e-6
    )
    unheard = np.log1p((n + 0.5) / 0.5)
    expected = drill / np.hypot(drill, unheard)
    assert TITLES.likeness(["drill", "zebra"])[1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("words", [[], ["zebra"], [""]])
def test_no_known_word_is_like_nothing(words: list[str]) -> None:
    assert (TITLES.likeness(words) == 0).all()


def test_shared_words_leave_stop_words_out() -> None:
    titles = WordIndex.build(strings("The quiet drill", "The saw"))
    assert titles.shared(["the", "drill", "saw", "drill", "x"], 0) == ["drill"]
    assert titles.shared(["x"], 0) == []


def test_the_very_title_is_most_like_itself() -> None:
    rng = np.random.default_rng(3)
    made = [" ".join(f"w{word}" for word in rng.choice(60, rng.integers(1, 7), replace=False)) for _ in range(80)]
    index = WordIndex.build(strings(*made))
    for title in made:
        likeness = index.likeness(title.split()[::-1])
        assert likeness.max() == pytest.approx(1, abs=1e-5)
        assert sorted(made[int(likeness.argmax())].split()) == sorted(title.split())
