"""The tower of tuning against the encoder itself, whether its lower layers run each time or once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import Tensor
from transformers import AutoModel, PretrainedConfig

from plait.text.lora_layers import Tower

SMALL: dict[str, Any] = {"vocab_size": 40, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
KINDS: list[PretrainedConfig] = [
    transformers.BertConfig(**SMALL, hidden_size=16),
    transformers.RobertaConfig(**SMALL, hidden_size=16),
    transformers.DistilBertConfig(vocab_size=40, n_layers=3, n_heads=2, dim=16, hidden_dim=24),
    transformers.MPNetConfig(**SMALL, hidden_size=16),
    transformers.ModernBertConfig(**SMALL, hidden_size=16, pad_token_id=0, local_attention=8),
    transformers.Qwen2Config(**SMALL, hidden_size=16, num_key_value_heads=2),
]
LENGTHS = [5, 0, 11, 1, 7, 7, 0, 3]


def mean(states: Tensor, mask: Tensor) -> Tensor:
    return (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)


def tokens() -> list[np.ndarray]:
    rng = np.random.default_rng(6)
    return [rng.integers(3, 40, n).astype(np.int32) for n in LENGTHS]


def tower(config: PretrainedConfig) -> Tower:
    torch.manual_seed(3)
    model = AutoModel.from_config(config).eval()
    return Tower(model, mean, tokens(), padding=1, tokens_per_batch=16)


def alone(tower: Tower, ids: np.ndarray) -> Tensor:
    """One text, without padding."""
    given = torch.from_numpy(ids.astype(np.int64))[None]
    with torch.no_grad():
        states = tower.model(input_ids=given, attention_mask=torch.ones_like(given)).last_hidden_state
    return mean(states, torch.ones_like(given))[0]


@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.model_type)
@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_vectors_are_those_of_the_texts_alone(config: PretrainedConfig, frozen: int) -> None:
    with_layers = tower(config)
    expected = [alone(with_layers, ids) if len(ids) else None for ids in tokens()]
    assert with_layers.freeze_below(frozen, max_bytes=2**20) == (frozen > 0)
    rows = np.array([4, 0, 7, 2, 3])
    found = with_layers.vectors(rows)
    for row, vector in zip(rows, found, strict=True):
        assert torch.allclose(vector, expected[row], atol=1e-5), row  # type: ignore[arg-type]
    everything = with_layers.all_vectors()
    assert everything.shape == (len(LENGTHS), 16)
    for vector, wanted in zip(everything, expected, strict=True):
        assert vector == pytest.approx(np.zeros(16) if wanted is None else wanted.numpy(), abs=1e-5)


def test_lower_layers_are_really_left_out() -> None:
    kept = tower(KINDS[0])
    kept.freeze_below(2, max_bytes=2**20)
    before = kept.all_vectors()
    with torch.no_grad():
        for p in kept.model.encoder.layer[1].parameters():
            p.zero_()
    assert np.array_equal(kept.all_vectors(), before)
    with torch.no_grad():
        for p in kept.model.encoder.layer[2].parameters():
            p.mul_(2.0)
    assert not np.allclose(kept.all_vectors(), before, atol=1e-3)


def test_gradients_reach_upper_layers_alone() -> None:
    kept = tower(KINDS[0])
    kept.freeze_below(2, max_bytes=2**20)
    kept.vectors(np.array([0, 2])).square().sum().backward()
    reached = {
        name.split(".")[2] for name, p in kept.model.named_parameters() if p.grad is not None and "layer." in name
    }
    assert reached == {"2"}


def test_states_that_take_too_much_are_computed_anew() -> None:
    needed = sum(LENGTHS) * 16 * 4
    assert not tower(KINDS[0]).freeze_below(1, max_bytes=needed - 1)
    assert tower(KINDS[0]).freeze_below(1, max_bytes=needed)


class Odd(transformers.BertModel):
    """A model that looks at what its layers did in a way that skipping them spoils."""

    def forward(self, *args: Any, **named: Any) -> Any:
        found: list[Tensor] = []
        hook = self.encoder.layer[0].register_forward_hook(
            lambda _, given, out: found.append(out[0] if isinstance(out, tuple) else out)
        )
        result = super().forward(*args, **named)
        hook.remove()
        result.last_hidden_state = result.last_hidden_state + found[0].abs().mean()
        return result


def test_a_model_that_cannot_be_run_in_parts_is_run_whole() -> None:
    torch.manual_seed(3)
    odd = Tower(Odd(KINDS[0]).eval(), mean, tokens(), padding=1, tokens_per_batch=16)
    before = odd.all_vectors()
    assert not odd.freeze_below(2, max_bytes=2**20)
    assert odd.all_vectors() == pytest.approx(before, abs=1e-6)
