"""The sequential net as a signal: trained by what is watched, made again by its setting, saved and served."""

from __future__ import annotations

import _thread
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from safetensors.numpy import load_file, save_file

from plait.fusion.signals.material import Material
from plait.fusion.signals.recency import Recency
from plait.fusion.signals.sequence_signal import SequenceConfig, SequenceSignal
from plait.fusion.signals.signal import Audience, Signal
from plait.kg import ConfigError, IdMap, Interactions, ItemGraph
from plait.text import TextFeatures

USERS, ITEMS, ENTITIES = 13, 7, 3
CONFIG = SequenceConfig(dimension=6, heads=1, layers=1, epochs=4, evaluate_every=1, patience=2, max_length=4)


def material(rows: list[tuple[int, int]], *, text: bool = True, device: str = "cpu") -> Material:
    """Interactions in this order, items linked to entity i mod 3, texts of items and of entities behind them."""
    users, items = IdMap([f"u{n}" for n in range(USERS)]), IdMap([f"i{n}" for n in range(ITEMS)])
    pairs = np.array(rows, dtype=np.int64).reshape(-1, 2)
    names = pa.array([f"e{n}" for n in range(ENTITIES)], type=pa.large_string())
    head = np.arange(ITEMS, dtype=np.int32)
    tail = ITEMS + head % ENTITIES
    none = pa.nulls(ITEMS, pa.large_string())
    graph = ItemGraph(items, IdMap(names), ("r",), head, np.zeros_like(head), tail, names, names, none)
    vectors = np.random.default_rng(5).normal(size=(ITEMS + ENTITIES, 5)).astype(np.float32)
    told = TextFeatures(vectors, np.ones(len(vectors), dtype=bool)) if text else None
    return Material(Interactions.sorted(users, items, pairs[:, 0], pairs[:, 1]), graph, told, seed=3, device=device)


WALKS = [(user, (user + step) % (ITEMS - 1)) for user in range(USERS) for step in range(3)]


def audience() -> Audience:
    """A known user, a stranger, one without a history."""
    return Audience(
        np.array([4, -1, 2]), sp.csr_array(np.array([[2.0, 1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 3, 2], [0] * 7]))
    )


def same(one: Signal, other: Signal) -> bool:
    return all(np.array_equal(array, other.arrays()[name]) for name, array in one.arrays().items())


@pytest.mark.parametrize("text", [True, False])
def test_trained_by_what_is_watched_and_made_again_by_its_setting(text: bool) -> None:
    seen: list[Signal] = []
    told: list[tuple[int, int | None, str]] = []
    values = iter([0.2, 0.5, 0.5, 0.1])

    def watch(signal: Signal) -> float:
        seen.append(signal)
        return next(values)

    signal, setting, interrupted = CONFIG.train(material(WALKS, text=text), watch, lambda *news: told.append(news))
    assert not interrupted
    assert setting == {"epochs": 2}
    assert same(signal, seen[1])
    assert [(done, total) for done, total, _ in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert told[-1][2].endswith("best 0.5000")
    assert same(CONFIG.fit(material(WALKS, text=text), setting), signal)


def test_ctrl_c_keeps_the_best_so_far_and_ends_a_last_fit() -> None:
    values = iter([0.5, 0.2])

    def press(done: int, total: int | None, note: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    signal, setting, interrupted = CONFIG.train(material(WALKS), lambda _: next(values), press)
    assert (setting, interrupted) == ({"epochs": 1}, True)
    assert same(CONFIG.fit(material(WALKS), {"epochs": 1}), signal)
    # Longer than anybody would wait: it is ended, and gives no half-trained net.
    press_soon = threading.Timer(0.5, _thread.interrupt_main)
    press_soon.start()
    with pytest.raises(KeyboardInterrupt):
        CONFIG.fit(material(WALKS), {"epochs": 1_000_000})
    press_soon.join()


def test_scores_follow_the_history_alone() -> None:
    signal = CONFIG.fit(material(WALKS), {"epochs": 2})
    scores = signal.score(audience())
    assert scores.dtype == np.float32
    assert scores.shape == (3, ITEMS)
    assert np.isfinite(scores).all()
    assert not scores[2].any()
    strangers = Audience(np.full(3, -1), audience().steps)
    assert (signal.score(strangers) == scores).all()
    assert (signal.score(audience().recent(Recency(3, 1))) == scores).all()
    turned = audience().steps
    turned.data[:2] = [1, 2]
    assert not np.allclose(signal.score(Audience(np.array([4, -1, 2]), turned))[0], scores[0])


def test_saved_and_loaded_scores_the_same(tmp_path: Path) -> None:
    signal = CONFIG.fit(material(WALKS), {"epochs": 1})
    save_file(dict(signal.arrays()), tmp_path / "sequence.safetensors")
    again = SequenceSignal.from_arrays(load_file(tmp_path / "sequence.safetensors"))
    assert (again.score(audience()) == signal.score(audience())).all()


def test_texts_of_entities_are_no_texts_of_items() -> None:
    whole = material(WALKS)
    assert whole.text is not None
    items = TextFeatures(whole.text.vectors[:ITEMS], whole.text.present[:ITEMS])
    alone = Material(whole.positives, whole.graph, items, whole.seed)
    assert same(CONFIG.fit(whole, {"epochs": 1}), CONFIG.fit(alone, {"epochs": 1}))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (material([(user, user % ITEMS) for user in range(USERS)]), "no user has two items"),
        (material(WALKS, device="gpu"), "no device of torch"),
    ],
)
def test_what_cannot_be_trained_is_told_in_a_sentence(given: Material, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        CONFIG.fit(given, {"epochs": 1})
