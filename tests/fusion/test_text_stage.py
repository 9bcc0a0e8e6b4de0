"""The stage that reads: which texts, what it says of them, and vectors that were computed elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plait.fusion import Config
from plait.fusion import text_stage as stage_module
from plait.fusion.evaluation import HeldOut
from plait.fusion.stages import Stages
from plait.fusion.text_stage import encode_nodes
from plait.kg import ConfigError, DataError, IdMap, ItemGraph, SilentProgress, Stage
from plait.loaders import Catalogue, DataConfig, Split, SplitConfig, read_split
from plait.loaders.items import ItemTable
from plait.text.encoder import Role

TEXTS = ["a lamp", "", "a chair", "a lamp", "   "]


class LengthEncoder:
    """Reads a text as its length and its number of blanks; knows one of them from before, and complains."""

    dimension, fingerprint, reused = 2, "lengths", 1

    def prompt(self, role: Role) -> str:
        return ""

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: object = None
    ) -> npt.NDArray[np.float32]:
        logging.getLogger("plait.text.dense").warning("%d texts are odd", 2)
        logging.getLogger("plait.text.dense").warning("%d texts are odd", 2)
        logging.getLogger("plait.kg").warning("somebody else's")
        return np.array([[len(t.strip()), t.strip().count(" ")] for t in texts], dtype=np.float32)


def catalogue(texts: list[str]) -> Catalogue:
    items = IdMap([f"i{n}" for n in range(len(texts))])
    empty = pa.array([], type=pa.large_string())
    table = ItemTable(pa.nulls(len(texts), pa.large_string()), texts)
    none = np.full(len(texts), -1, dtype=np.int64)
    return Catalogue(items, None, None, empty, none, ItemGraph.without_graph(items), table)


def config(**text: object) -> Config:
    return Config.model_validate({"data": {"interactions": {"path": "log.csv"}}, "text": text or None})


class Told(SilentProgress):
    """Keeps what the stages say."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        told = self

        class Keeping:
            def update(self, done: int, total: int | None = None, note: str = "") -> None: ...

            def result(self, text: str) -> None:
                told.said.append(text)

        yield Keeping()


def test_what_the_stage_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "load_encoder", lambda *_, **__: LengthEncoder())
    told = Told()
    handlers = list(logging.getLogger("plait.text").handlers)
    encoded = encode_nodes(config(encoder="x"), catalogue(TEXTS), Stages(told), "cpu")
    assert encoded is not None
    assert encoded.items.present.tolist() == [True, False, True, True, False]
    assert encoded.items.vectors[2].tolist() == [7, 1]
    assert encoded.encoder is not None
    assert (encoded.encoder.fingerprint, encoded.encoder.dimension) == ("lengths", 2)
    assert told.said[0] == "3 texts of items and entities; 2 without"
    said = told.said[1]
    assert said.startswith("5 texts, 1 of them known from before, ")
    assert "texts/s; 2 without a text; 2 texts are odd" in said
    assert said.count("odd") == 1 and "else" not in said
    assert logging.getLogger("plait.text").handlers == handlers


def test_without_text_or_texts_there_is_nothing() -> None:
    assert encode_nodes(config(), catalogue(TEXTS), Stages(Told()), "cpu") is None
    assert encode_nodes(config(encoder="/nowhere"), catalogue(["", ""]), Stages(Told()), "cpu") is None


def test_vectors_computed_elsewhere(tmp_path: Path) -> None:
    """By the item's own id first, else by its entity's; what is not there is missing."""
    vectors = pa.array([[1.0, 0], [0, 2], [3, 3]], type=pa.list_(pa.float32()))
    pq.write_table(pa.table({"id": ["i0", "e:0", "e:2"], "vector": vectors}), tmp_path / "v.parquet")
    items = IdMap(["i0", "i1", "i2"])
    names = pa.array(["e:9"], type=pa.large_string())
    none = np.empty(0, dtype=np.int32)
    entity = pa.array(["e:0", None, "e:2"], type=pa.large_string())
    graph = ItemGraph(items, IdMap(names), (), none, none, none, names, names, entity)
    made = catalogue(["x", "y", "z"])
    whole = Catalogue(items, None, None, made.labels, made.item_entity, graph, made.table)
    told = Told()
    encoded = encode_nodes(config(encoder={"vectors": str(tmp_path / "v.parquet")}), whole, Stages(told), "cpu")
    assert encoded is not None
    assert encoded.nodes.vectors.tolist() == [[1, 0], [0, 0], [3, 3], [0, 0]]
    assert encoded.items.present.tolist() == [True, False, True]
    assert encoded.encoder is None
    assert told.said == ["4 items and entities; 2 without a vector"]


def test_vectors_of_other_ids_are_refused(tmp_path: Path) -> None:
    vectors = pa.array([[1.0, 0]], type=pa.list_(pa.float32()))
    pq.write_table(pa.table({"id": ["B0"], "vector": vectors}), tmp_path / "v.parquet")
    text = {"encoder": {"vectors": str(tmp_path / "v.parquet")}}
    with pytest.raises(DataError, match=r"v\.parquet.*such as 'i0', vectors such as 'B0'"):
        encode_nodes(config(**text), catalogue(TEXTS), Stages(Told()), "cpu")


def _with_users(folder: Path, **text: object) -> tuple[Config, Split]:
    """Three users of a log, a table with a text of one of them and of two others."""
    log = folder / "log.csv"
    log.write_text("user,item,time\n" + "".join(f"u{n % 3},i{n},{n}\n" for n in range(30)))
    (folder / "users.csv").write_text("user,about\nu1,loves lamps\nx,cats\ny,dogs\n")
    data = {"interactions": {"path": log}, "users": {"path": folder / "users.csv", "texts": ["about"]}}
    made = Config.model_validate({"data": data, "text": text or None})
    split, _ = read_split(DataConfig.model_validate(data), SplitConfig(), np.random.default_rng(0))
    return made, split


def test_users_that_the_log_does_not_have_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "load_encoder", lambda *_, **__: LengthEncoder())
    told, (made, split) = Told(), _with_users(tmp_path, encoder="x")
    encoded = encode_nodes(made, catalogue(TEXTS), Stages(told), "cpu", split=split)
    assert encoded is not None and encoded.users is not None
    assert encoded.users.present.tolist() == [user == "u1" for user in split.users]
    assert "1 of 3 users have a text; 2 rows of users that the log does not have" in told.said


def test_texts_of_users_that_nothing_would_read_are_refused(tmp_path: Path) -> None:
    made, split = _with_users(tmp_path)
    with pytest.raises(ConfigError, match=r"data\.users need an encoder"):
        encode_nodes(made, catalogue(TEXTS), Stages(Told()), "cpu", split=split)


def test_what_is_no_transformer_is_not_tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "load_encoder", lambda *_, **__: LengthEncoder())
    _, split = _with_users(tmp_path)
    made = config(encoder=str(tmp_path), kind="static", tune="lora", cache=str(tmp_path))
    held_out = HeldOut.of(split, "valid")
    with pytest.raises(ConfigError, match=r"text\.tune: only a transformer can be tuned, and .* is static"):
        encode_nodes(made, catalogue(TEXTS), Stages(Told()), "cpu", split=split, held_out=held_out)
