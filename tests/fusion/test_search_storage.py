"""What a saved model says of its encoder is read again as it was written, whoever reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from plait.fusion import Config
from plait.fusion.query_encoder import QueryEncoder
from plait.fusion.search_storage import read_encoder, write_for_search
from plait.kg import ModelError
from plait.text import TextConfig

ENDPOINT = {"url": "http://localhost:9/v1", "model": "nomic", "key_env": None}


@pytest.mark.parametrize(
    "config",
    [
        TextConfig(),
        TextConfig.model_validate({"endpoint": ENDPOINT, "reduce": {"storage": "int8"}, "cache": None}),
        TextConfig.model_validate({"encoder": "models/e5", "prompts": {"query": "query: "}, "tune": "lora"}),
    ],
    ids=["packaged", "endpoint", "tuned"],
)
def test_an_encoder_comes_back_as_it_was(config: TextConfig, tmp_path: Path) -> None:
    write_for_search(QueryEncoder(config, "abc", 7), None, tmp_path)
    found = read_encoder(tmp_path, ["encoder.json"])
    assert found is not None
    assert (found.config, found.fingerprint, found.dimension, found.adapter) == (config, "abc", 7, None)


def test_the_configuration_of_a_model_read_by_an_endpoint_is_read_again() -> None:
    config = Config.model_validate({"data": {"interactions": {"path": "log.csv"}}, "text": {"endpoint": ENDPOINT}})
    assert Config.model_validate(config.model_dump(mode="json", by_alias=True)) == config


def test_nothing_beside_an_endpoint_is_no_contradiction() -> None:
    assert TextConfig.model_validate({"endpoint": ENDPOINT, "tune": None, "pooling": None}).name == "nomic"
    with pytest.raises(ValidationError, match="an endpoint reads by itself"):
        TextConfig.model_validate({"endpoint": ENDPOINT, "tune": "lora"})


def test_a_folder_takes_the_place_of_an_endpoint() -> None:
    config = TextConfig.model_validate({"endpoint": ENDPOINT})
    assert config.name == "nomic"
    moved = QueryEncoder(config, "abc", 7).at("/models/nomic").config
    assert (moved.endpoint, moved.name) == (None, "/models/nomic")


def test_a_model_from_a_folder_sends_nothing_unless_allowed(tmp_path: Path) -> None:
    config = TextConfig.model_validate({"endpoint": {**ENDPOINT, "key_env": "SOME_SECRET"}})
    write_for_search(QueryEncoder(config, "abc", 7), None, tmp_path)
    found = read_encoder(tmp_path, ["encoder.json"])
    assert found is not None
    with pytest.raises(
        ModelError, match="the key in SOME_SECRET to http://localhost:9/v1/embeddings; if you trust that"
    ):
        found.encode("blue lamp")
    allowed = found.at("http://localhost:9/v1/")
    assert (allowed.sends, allowed.config) == (True, config)
    assert not found.at("http://localhost:8/v1").sends
