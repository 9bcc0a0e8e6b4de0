"""Search over four items written out here: what each part of the score is, and what it never depends on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import scipy.sparse as sp

from plait.fusion import Blend, Popularity, Recommender, TextSignal
from plait.fusion.item_prices import ItemPrices
from plait.fusion.query_encoder import QueryEncoder
from plait.fusion.search import WEIGHTS
from plait.fusion.signals.graph_signal import GraphSignal
from plait.gnn import Embeddings
from plait.kg import IdMap, ItemGraph, ModelError, UnknownIdError
from plait.text import TextConfig
from plait.text.encoder import Role
from plait.text.features import text_features

WORDS = ("quiet", "loud", "cordless", "drill", "garden", "hose")
TITLES = ["Quiet cordless drill", "Loud drill", "Garden hose", None]
MAKITA, BOSCH, DRILLS, TOOLS = range(4, 8)
TRIPLES = [
    (0, "https://schema.org/brand", MAKITA),
    (1, "https://schema.org/brand", BOSCH),
    (2, "https://schema.org/brand", BOSCH),
    (0, "category", DRILLS),
    (1, "category", DRILLS),
    (DRILLS, "broader", TOOLS),
    (2, "category", TOOLS),
]


class CountsWords:
    """An encoder without a language model: how often each of six words stands in a text."""

    dimension, fingerprint = len(WORDS), "counts words"

    def __init__(self) -> None:
        self.asked: list[tuple[str, Role]] = []

    def prompt(self, role: Role) -> str:
        return ""

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: object = None
    ) -> npt.NDArray[np.float32]:
        self.asked += [(text, role) for text in texts]
        return np.array([[text.lower().split().count(word) for word in WORDS] for text in texts], dtype=np.float32)


@pytest.fixture
def encoder() -> CountsWords:
    return CountsWords()


@pytest.fixture
def recommender(item_graph: Callable[..., ItemGraph], encoder: CountsWords) -> Recommender:
    """Users u0 (liked item 1), u1 (liked item 2), u2 (liked nothing)."""
    graph = item_graph(4, ["Makita", "Bosch", "Drills", "Tools"], TRIPLES)
    text = TextSignal.fit(text_features(encoder, [title or "" for title in TITLES]))
    assert text is not None
    encoder.asked.clear()
    rng = np.random.default_rng(7)
    rows = [rng.normal(size=(n, 5)).astype(np.float32) for n in (3, 4, 4, 4)]
    gnn = GraphSignal(Embeddings(*rows, bias=np.zeros(4, dtype=np.float32), temperature=0.2))
    signals = {"popularity": Popularity(np.array([1, 5, 3, 2], dtype=np.float32)), "gnn": gnn, "text": text}
    liked = sp.csr_array(np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], dtype=np.float32))
    titles = pa.array(TITLES, type=pa.large_string())
    prices = ItemPrices(np.array([120, 30, np.nan, 55]), pa.array(["EUR", None, None, "USD"], type=pa.large_string()))
    return Recommender(
        users=IdMap(["u0", "u1", "u2"]),
        titles=titles,
        graph=graph,
        blend=Blend(signals, {"popularity": 0.0, "gnn": 0.0, "text": 1.0}),
        liked=liked,
        seen=liked,
        trained=np.array([True, True, False]),
        encoder=QueryEncoder(TextConfig(), encoder.fingerprint, encoder.dimension, loaded=encoder),
        prices=prices,
    )


def ranked(recommender: Recommender, query: str, **options: object) -> list[str]:
    return [hit.item_id for hit in recommender.search(query, **options)]  # type: ignore[arg-type]


def test_the_parts_by_hand(recommender: Recommender) -> None:
    hits = {hit.item_id: hit for hit in recommender.search("cordless makita")}
    # Text: cosines of the centred query and the centred items, in deviations over the three that have a text.
    counts = np.array([[1, 0, 1, 1, 0, 0], [0, 1, 0, 1, 0, 0], [0, 0, 0, 0, 1, 1]], dtype=float)
    centre = counts.mean(axis=0)
    query = np.array([0, 0, 1, 0, 0, 0]) - centre
    cosines = np.array(
        [query @ (row - centre) / np.linalg.norm(query) / np.linalg.norm(row - centre) for row in counts]
    )
    expected = (cosines - cosines.mean()) / cosines.std()
    assert [hits[f"i{n}"].signals["text"] for n in range(3)] == pytest.approx(expected, abs=5e-3)
    # The item without a text is where the mean is.
    assert hits["i3"].signals["text"] == pytest.approx(0, abs=1e-6)
    assert [hits[f"i{n}"].signals["graph"] for n in range(4)] == pytest.approx([WEIGHTS["brand"], 0, 0, 0])
    # Words: cordless is in one of four titles, makita in none.
    rare = [np.log1p((4 - count + 0.5) / (count + 0.5)) for count in (0, 1, 2)]
    length = np.sqrt(2 * rare[1] ** 2 + rare[2] ** 2)  # quiet, cordless and drill
    likeness = rare[1] ** 2 / (length * np.hypot(rare[0], rare[1]))
    assert hits["i0"].signals["words"] == pytest.approx(WEIGHTS["words"] * likeness, abs=1e-5)
    assert hits["i1"].signals["words"] == 0


def test_signals_sum_to_the_score(recommender: Recommender) -> None:
    for hit in recommender.search("quiet bosch drill under 50 euro", user="u0"):
        assert sum(hit.signals.values()) == pytest.approx(hit.score, abs=1e-5)
        assert set(hit.signals) == {"text", "words", "graph", "price", "user"}


def test_a_recognised_brand_beats_the_others(recommender: Recommender) -> None:
    assert ranked(recommender, "drill makita")[0] == "i0"
    assert ranked(recommender, "drill bosch")[0] == "i1"
    assert ranked(recommender, "drill")[0] == "i1"  # the shorter title


def test_a_category_reaches_the_items_below_it(recommender: Recommender) -> None:
    hits = {hit.item_id: hit for hit in recommender.search("tools")}
    whole = WEIGHTS["category"]
    assert [hits[f"i{n}"].signals["graph"] for n in range(4)] == pytest.approx([whole / 2, whole / 2, whole, 0])
    below = next(match for match in hits["i0"].matched if match.kind == "category")
    assert below.entity_id == "e:Tools"
    assert [(hop.head, hop.relation, hop.tail) for hop in below.hops] == [
        ("i0", "category", "e:Drills"),
        ("e:Drills", "broader", "e:Tools"),
    ]
    assert below.text == '"tools": Tools ←broader─ Drills ←category─ Quiet cordless drill'


def test_every_reason_is_in_the_graph_or_the_title(recommender: Recommender) -> None:
    graph = recommender.graph
    known = {
        (graph.node_id(int(h)), graph.relations[r], graph.node_id(int(t)))
        for h, r, t in zip(graph.head, graph.relation, graph.tail, strict=True)
    }
    kinds = set()
    for hit in recommender.search("quiet makita drills bosch tools under 130 euro"):
        for match in hit.matched:
            kinds.add(match.kind)
            assert {(hop.head, hop.relation, hop.tail) for hop in match.hops} <= known
            if match.kind == "title":
                assert set(match.words.split()) <= set(hit.title.lower().split())
    assert kinds == {"brand", "category", "title", "price", "text"}


def test_without_a_user_the_query_alone_counts(recommender: Recommender) -> None:
    before = recommender.search("drill")
    others = replace(recommender, liked=recommender.liked[[1, 0, 2]], seen=recommender.seen[[1, 0, 2]])
    assert others.search("drill") == before
    assert {hit.warmth for hit in before} == {None}
    assert all("user" not in hit.signals for hit in before)


def test_taste_moves_ranks(recommender: Recommender) -> None:
    """Both have something of the drill and of the hose in them; who likes the one gets it first."""
    query = "quiet garden bosch"
    handy = ranked(recommender, query, history=["i1"], user="a")
    gardener = ranked(recommender, query, history=["i2"], user="b")
    scores = {
        who: {hit.item_id: hit.signals["user"] for hit in recommender.search(query, user=who)} for who in ("u0", "u1")
    }
    assert handy != gardener or scores["u0"] != scores["u1"]
    # u0 liked the loud drill: the quiet one is nearer to it than the hose.
    assert scores["u0"]["i0"] > scores["u0"]["i2"]
    # What was seen is neither lifted nor lowered.
    assert scores["u0"]["i1"] == 0 == scores["u1"]["i2"]


def test_a_history_without_a_user_counts_too(recommender: Recommender) -> None:
    anonymous = recommender.search("drill", history=["i1"], exclude_seen=True)
    assert {hit.warmth for hit in anonymous} == {"warm"}
    assert "i1" not in {hit.item_id for hit in anonymous}


def test_seen_items_stay_unless_asked_otherwise(recommender: Recommender) -> None:
    assert "i1" in ranked(recommender, "drill", user="u0")
    assert "i1" not in ranked(recommender, "drill", user="u0", exclude_seen=True)


def test_candidates_and_k_bound_the_answer(recommender: Recommender) -> None:
    whole = ranked(recommender, "drill")
    assert ranked(recommender, "drill", k=2) == whole[:2]
    assert ranked(recommender, "drill", candidates=["i3", "i0"]) == [item for item in whole if item in ("i0", "i3")]


def test_prices_fit_or_not_or_are_unknown(recommender: Recommender) -> None:
    def prices(query: str) -> list[float]:
        hits = {hit.item_id: hit.signals.get("price", 0.0) / WEIGHTS["price"] for hit in recommender.search(query)}
        return [hits[f"i{n}"] for n in range(4)]

    # Item 1 says no currency and is compared; item 2 says no price, item 3 one in dollars.
    assert prices("drill under 50 euro") == pytest.approx([-1, 1, 0, 0])
    assert prices("drill under 60") == pytest.approx([-1, 1, 0, 1])
    assert prices("drill at least 50 usd") == pytest.approx([0, -1, 0, 1])
    # Cheap among what is asked for, the two drills: 120 and 30; half of each lies below itself.
    assert prices("cheap drills") == pytest.approx([-0.5, 0.5, 0, 0])
    assert prices("expensive drills") == pytest.approx([0.5, -0.5, 0, 0])
    assert prices("drill under 50 inches") == [0, 0, 0, 0]


def test_paths_come_from_the_history(recommender: Recommender) -> None:
    hits = recommender.search("drill", user="u0", explain=True)
    first = next(hit for hit in hits if hit.item_id == "i0")
    assert first.paths[0].hops[0].tail == "i1"
    assert all(hit.paths == () for hit in recommender.search("drill", user="u0"))


def test_the_query_is_read_once_as_a_query_without_its_price(recommender: Recommender, encoder: CountsWords) -> None:
    for _ in range(3):
        recommender.search("Quiet drill under 50 euro please")
    assert encoder.asked == [("Quiet drill please", "query")]


@pytest.mark.parametrize("query", ["", "   ", "?!,;", "\x00"])
def test_an_empty_query_is_refused(recommender: Recommender, query: str) -> None:
    with pytest.raises(ValueError, match="no word to search for"):
        recommender.search(query)


@pytest.mark.parametrize(
    "query",
    [
        "'; DROP TABLE items; --",
        "{{ 7 * 7 }} ${HOME} %s %(x)s",
        "MATCH (n) DETACH DELETE n",
        "../../etc/passwd",
        "(a+)+$ [[[ \\p{L} .*",
        "drill\ud800 \u202e\u0000 🛠️",
        "<script>alert(1)</script>",
    ],
)
def test_a_query_is_only_words(recommender: Recommender, query: str) -> None:
    assert len(recommender.search(query, user="u0")) == 4


def test_a_very_long_query_is_read_in_part(recommender: Recommender, encoder: CountsWords) -> None:
    long = "makita drill tools " * 6000
    hits = recommender.search(long)
    assert len(hits) == 4
    assert hits[0].item_id == "i0"
    assert recommender.intent(long).unread == len(long) - 2000
    assert max(len(text) for text, _ in encoder.asked) <= 2000


def test_words_that_no_one_knows_rank_all_alike(recommender: Recommender) -> None:
    """The encoder finds nothing to read, no title has the word: all scores are 0, and ties go by number."""
    assert ranked(recommender, "zebra") == ["i0", "i1", "i2", "i3"]
    assert {hit.score for hit in recommender.search("zebra")} == {0}


def test_what_cannot_be_asked(recommender: Recommender) -> None:
    with pytest.raises(ValueError, match="k is 0"):
        recommender.search("drill", k=0)
    with pytest.raises(TypeError, match="196 is int"):
        recommender.search("drill", user=196)  # type: ignore[arg-type]
    with pytest.raises(UnknownIdError, match="unknown item 'x'"):
        recommender.search("drill", history=["x"])


def test_a_model_without_text_says_so(recommender: Recommender) -> None:
    blend = Blend({"popularity": recommender.blend.signals["popularity"]}, {"popularity": 1.0})
    for dumb in (replace(recommender, blend=blend), replace(recommender, blend=blend, encoder=None)):
        with pytest.raises(ModelError, match="knows no texts, so it cannot be searched"):
            dumb.search("drill")
    with pytest.raises(ModelError, match="computed elsewhere"):
        replace(recommender, encoder=None).search("drill")


def test_another_encoder_is_refused(recommender: Recommender, encoder: CountsWords) -> None:
    other = QueryEncoder(TextConfig(), "another", encoder.dimension, loaded=encoder)
    with pytest.raises(ModelError, match="is not the one that read the items"):
        replace(recommender, encoder=other).search("drill")


def test_a_missing_encoder_is_one_sentence(recommender: Recommender) -> None:
    assert recommender.encoder is not None
    moved = replace(recommender, encoder=recommender.encoder.at("/nowhere/model"))
    with pytest.raises(ModelError, match="'/nowhere/model', and it cannot be loaded") as raised:
        moved.search("drill")
    assert "\n" not in str(raised.value)


def test_equal_names_are_all_listed_and_count_once(
    item_graph: Callable[..., ItemGraph], recommender: Recommender
) -> None:
    graph = item_graph(4, ["Apple", "Drills"], [(0, "brand", 4), (0, "flavour", 5), (1, "flavour", 5), (2, "brand", 4)])
    twins = replace(graph, label=pa.array(["Apple", "apple"], type=pa.large_string()))
    double = replace(recommender, graph=twins)
    intent = double.intent("an apple")
    assert [found.entity_id for found in (*intent.brand, *intent.attributes)] == ["e:Apple", "e:Drills"]
    assert intent.rest == "an"
    lifts = {hit.item_id: hit.signals["graph"] for hit in double.search("apple")}
    assert [lifts[f"i{n}"] for n in range(4)] == pytest.approx(
        [WEIGHTS["brand"], WEIGHTS["attribute"], WEIGHTS["brand"], 0]
    )


def test_intent(recommender: Recommender) -> None:
    intent = recommender.intent("Quiet BOSCH drill for tools, under 50 euro")
    assert [(found.words, found.label, found.relation, found.items) for found in intent.brand] == [
        ("bosch", "Bosch", "brand", 2)
    ]
    assert [(found.words, found.entity_id) for found in intent.category] == [
        ("drill", "e:Drills"),
        ("tools", "e:Tools"),
    ]
    assert intent.attributes == ()
    assert intent.price is not None
    assert (intent.price.op, intent.price.value, intent.price.currency) == ("at most", (50.0,), "EUR")
    assert intent.rest == "quiet for"
    assert intent.as_record()["brand"][0]["entity_id"] == "e:Bosch"
