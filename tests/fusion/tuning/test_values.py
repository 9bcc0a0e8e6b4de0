"""Values put into a configuration: the right place, the right kind, and a sentence where there is none."""

from __future__ import annotations

import pytest

from plait.fusion import Config
from plait.fusion.tuning import with_values
from plait.fusion.tuning.values import FIXED, value_at
from plait.kg import ConfigError


def test_a_value_is_set_and_all_else_stays(config: Config) -> None:
    changed = with_values(config, {"gnn.dropout": 0.4, "blend.step": 0.5})
    assert (changed.gnn.dropout, changed.blend.step) == (0.4, 0.5)
    back = with_values(changed, {"gnn.dropout": config.gnn.dropout, "blend.step": config.blend.step})
    assert back.model_dump() == config.model_dump()


def test_a_list_of_choices_becomes_the_one(config: Config) -> None:
    assert with_values(config, {"ease.l2": 7.5}).ease.l2 == (7.5,)
    assert value_at(with_values(config, {"ease.l2": 7.5}), "ease.l2") == [7.5]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("gnn.droput", r"unknown key 'droput' in gnn; did you mean 'dropout'\?"),
        ("gn.dropout", r"unknown key 'gn' in the configuration; did you mean 'gnn'\?"),
        ("gnn.q", r"unknown key 'q' in gnn; known are .*dropout"),
        ("gnn.dropout.x", "there is no key gnn.dropout.x: gnn.dropout is a value"),
        ("gnn", "gnn is a section"),
        ("text.max_tokens", "the configuration does without text"),
        *((f"{section}.x", f"{section}.x cannot be tuned") for section in FIXED),
    ],
)
def test_a_key_that_cannot_be_tuned(key: str, message: str, config: Config) -> None:
    with pytest.raises(ConfigError, match=message):
        with_values(config, {key: 0.1})


@pytest.mark.parametrize(
    ("key", "value"), [("gnn.dropout", 1.0), ("gnn.layers", 1.5), ("ease.l2", -1), ("gnn.layers", "x")]
)
def test_a_value_that_does_not_fit_names_its_key(key: str, value: float | str, config: Config) -> None:
    with pytest.raises(ConfigError, match=f"^{key}: "):
        with_values(config, {key: value})
