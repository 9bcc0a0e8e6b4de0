"""Texts within an encoder's length: what is cut, what stays, where a cut lies."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.kg import IdMap, KnowledgeGraph, Literals, Schema, SchemaConfig, labels
from plait.text.budget import Budget
from plait.text.budget_cut import estimated_tokens, shortened
from plait.text.verbalise import CutPart, NodeText, VerbaliseConfig, Verbaliser

LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
STORY = "It drills. It also drives screws into wood. It is quiet, and it is made for small hands."


def words(texts: list[str]) -> list[int]:
    """A tokenizer: words, and full stops that end them."""
    return [sum(1 + word.endswith(".") for word in text.split()) for text in texts]


def odd(texts: list[str]) -> list[int]:
    """A tokenizer by which a whole has more tokens than its parts."""
    return [len(text.split()) ** 2 // 4 + len(text.split()) for text in texts]


def told(label: str, story: str, makers: list[str], tokens: int, count: object = words) -> NodeText:
    ids = IdMap(["e:1", *(f"e:m{n}" for n in range(len(makers)))])
    rows = [(0, 0, label), (0, 1, story), *((n + 1, 0, maker) for n, maker in enumerate(makers))]
    none = pa.nulls(len(rows), pa.large_string()).dictionary_encode()
    literals = Literals(
        np.array([row[0] for row in rows], np.int32), np.array([row[1] for row in rows], np.int32),
        pa.array([row[2] for row in rows], pa.large_string()), none, none, (LABEL, "story"),
    )  # fmt: skip
    tails = np.arange(1, len(makers) + 1)
    graph = KnowledgeGraph.build(ids, ["made_by"], tails * 0, tails * 0, tails, literals=literals)
    schema = Schema.infer(graph).override(SchemaConfig(literals={"story": "text"}))
    config = VerbaliseConfig(inverse_neighbours=0)
    return Verbaliser(graph, schema, labels(graph, schema), config, tokens, count).tell([0])[0]  # type: ignore[arg-type]


def test_a_long_text_is_cut_at_a_sentence_and_the_rest_stays_whole() -> None:
    whole = told("Drill", STORY, ["Acme"], 99)
    assert (whole.text, whole.cut) == (f"Drill. made by: Acme. {STORY}", ())
    # Drill. 2 + made by: Acme. 4 + It drills. 3 + It also drives screws into wood. 7 = 16
    assert whole.tokens == 16 + 11
    node = told("Drill", STORY, ["Acme"], 16)
    assert node.text == "Drill. made by: Acme. It drills. It also drives screws into wood."
    lost = " It is quiet, and it is made for small hands."
    assert node.cut == (CutPart("story", len(lost), 11),)
    assert node.tokens == 16


def test_a_sentence_that_would_leave_little_is_cut_at_a_word() -> None:
    # Drill. 2, and 7 for the story, of which the first sentence would be 2.
    assert told("Drill", "Oh. It drives screws into wood, and it is quiet, for small hands.", [], 9).text == (
        "Drill. Oh. It drives screws into wood"
    )


def test_a_quarter_of_the_room_is_kept_for_the_long_text() -> None:
    crowd = ["Very Long Name Of Some Company Number One", "Very Long Name Of Some Company Number Two"]
    node = told("Drill", STORY, crowd, 20)
    # Drill. 2, 18 for the story; the makers have 2 + 8 + 8, which with the 5 kept back is too much.
    assert node.text == "Drill. It drills. It also drives screws into wood. It is quiet, and it is made for"
    assert [part.part for part in node.cut] == ["made by", "story"]
    assert all(predicate != "made_by" for _, predicate, _ in node.triples)


def test_the_title_is_cut_only_where_it_is_too_long_alone() -> None:
    assert told("One two three four", STORY, ["Acme"], 4).text == "One two three four"
    node = told("One two three four five", STORY, ["Acme"], 4)
    assert node.text == "One two three four"
    assert node.cut[0] == CutPart("title", len(" five"), 1)


PIECE = st.text("ab .,é中", min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    st.text("abcd ", min_size=2, max_size=30).filter(lambda text: len(text.split()) > 0 and len(text.strip()) > 1),
    st.lists(PIECE, min_size=1, max_size=40).map(" ".join),
    st.lists(st.sampled_from(["Acme", "Bosch", "Sony Ltd", "Makita"]), unique=True),
    st.integers(1, 40),
    st.sampled_from([words, odd, None]),
)
def test_no_text_is_longer_than_the_budget_and_no_title_is_cut_without_need(
    label: str, story: str, makers: list[str], tokens: int, count: object
) -> None:
    budget = Budget(tokens, count)  # type: ignore[arg-type]
    node = told(label, story, makers, tokens, count)
    assert budget.counted(pa.array([node.text], pa.large_string()))[0] <= tokens
    title = " ".join(label.split())
    if budget.counted(pa.array([title], pa.large_string()))[0] <= tokens:
        assert node.text.startswith(title)
    else:
        assert title.startswith(node.text)


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECE, min_size=1, max_size=20).map(" ".join), st.integers(0, 30), st.sampled_from([words, None]))
def test_a_shortened_text_is_a_beginning_within_its_limit(text: str, limit: int, count: object) -> None:
    cut = shortened([text], np.array([limit]), count)[0]  # type: ignore[arg-type]
    assert text.startswith(cut)
    assert Budget(limit, count).counted(pa.array([cut], pa.large_string()))[0] <= limit  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("quiet cordless drill", 4, "quiet cordless"),
        ("quiet cordless, drill", 4, "quiet cordless"),
        ("一二三四五六七", 4, "一二三四五"),
        ("short", 2, "short"),
        ("x" * 50, 2, "x" * 8),
        ("anything", 0, ""),
    ],
)
def test_without_a_tokenizer_four_bytes_are_a_token(text: str, limit: int, cut: str) -> None:
    assert shortened([text], np.array([limit]), None) == [cut]
    assert estimated_tokens(pa.array(["", "abcd", "abcde", "é" * 3], pa.large_string())).tolist() == [0, 1, 2, 2]


def test_each_distinct_text_is_counted_once() -> None:
    asked: list[str] = []

    def count(texts: list[str]) -> list[int]:
        asked.extend(texts)
        return words(texts)

    assert Budget(5, count).counted(pa.array(["a b", "c", "a b"])).tolist() == [2, 1, 2]
    assert sorted(asked) == ["a b", "c"]
