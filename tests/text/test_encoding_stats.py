"""What encoding counts, and when it warns that the model cannot read the texts."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plait.text.encoding_stats import EncodingStats, unread_texts
from plait.text.huggingface import HuggingFaceEncoder
from plait.text.scripts import script_of

from .models import save_bert


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("cordless drill 18 V", "Latin"),
        ("Wollmütze für Größe 56", "Latin"),
        ("无线电钻 18V", "Chinese"),
        ("静かなドリル 電動工具", "Japanese"),
        ("무선 드릴", "Korean"),
        ("مثقاب لاسلكي", "Arabic"),
        ("Шуруповёрт", "Cyrillic"),
        ("δράπανο", "Greek"),
        ("ताररहित", "Devanagari"),
        ("18 / 20 %", ""),
        ("", ""),
    ],
)
def test_scripts(text: str, script: str) -> None:
    assert script_of(text) == script


def test_unread_texts_by_hand() -> None:
    texts = ["无线电钻", "red hat", "مثقاب لاسلكي", "a b c d", "hat ★★ hat", "", "红"]
    own = np.array([4, 2, 11, 4, 10, 0, 1])
    unknown = np.array([2, 0, 0, 0, 3, 0, 1])
    letters = np.array([2, 0, 9, 4, 0, 0, 0])
    # Half of the first is unknown; the third is spelled out, as is the fourth, but that is what it is; 3 of 10 is not over 30 %.
    assert unread_texts(texts, own, unknown, letters) == (
        3,
        {"Chinese": 2, "Arabic": 1},
        ("无线电钻", "مثقاب لاسلكي", "红"),
    )


def test_counts_of_an_encoder_by_hand(tmp_path: Path) -> None:
    save_bert(tmp_path)
    made = HuggingFaceEncoder(tmp_path, max_tokens=8, tokens_per_batch=1000)
    # [CLS] red hat [SEP], nothing, [CLS] wool x6 [SEP] cut, exactly full and not cut, [CLS] [UNK] [SEP]
    made.encode(["red hat", " ", "wool " * 9, "red " * 6, "?"])
    stats = made.stats
    assert (stats.texts, stats.missing, stats.tokens, stats.cut, stats.unknown, stats.unread) == (5, 1, 23, 1, 1, 1)
    assert (stats.scripts, stats.examples) == ({"no letters": 1}, ("?",))
    # Batches: 8 + 8, 4, 3: another one would make more than a twentieth of them padding.
    assert stats.padding == 0
    assert stats.seconds > 0
    made.encode(["red hat", "red hat wool"] * 5)
    assert made.stats.texts == 15
    assert made.stats.padding_share <= 0.05


def test_padding_is_what_was_run_besides_the_texts(tmp_path: Path) -> None:
    save_bert(tmp_path)
    made = HuggingFaceEncoder(tmp_path, max_tokens=20, tokens_per_batch=1000)
    made.encode(["red " * 9] * 3 + ["red " * 8])  # 11 + 11 + 11 + 10 tokens in 4 * 11
    assert (made.stats.tokens, made.stats.padding) == (43, 1)
    assert made.stats.padding_share == pytest.approx(1 / 44)


def test_counts_add_up() -> None:
    one = EncodingStats(3, 1, 20, 2, 1, 4, 1, 0.5, {"Arabic": 1}, ("a", "b"))
    other = EncodingStats(5, 0, 30, 3, 0, 6, 2, 1.5, {"Arabic": 1, "Greek": 1}, ("c", "d"))
    both = one + other
    assert both == EncodingStats(8, 1, 50, 5, 1, 10, 3, 2.0, {"Arabic": 2, "Greek": 1}, ("a", "b", "c"))
    assert (both.texts_per_second, both.padding_share, both.unknown_share) == (4.0, 5 / 55, 0.2)
    assert both.describe() == "8 texts, 4/s, 50 tokens, 9.1% padding, 1 without text, 1 cut, 20.0% of tokens unknown"


def test_nothing_encoded_is_unknown_not_zero() -> None:
    nothing = EncodingStats()
    assert math.isnan(nothing.texts_per_second)
    assert math.isnan(nothing.padding_share)
    assert nothing.warnings() == []
    assert nothing.describe() == "no texts encoded"


@pytest.mark.parametrize(
    ("change", "warns"),
    [
        ({}, False),
        ({"unread": 2}, False),  # of 2,000 texts: one in a thousand
        ({"unread": 3}, True),
        ({"unknown": 5_000}, False),  # of 100,000 tokens: 5 %
        ({"unknown": 5_001}, True),
    ],
)
def test_when_it_warns(change: dict[str, int], warns: bool) -> None:
    stats = replace(EncodingStats(texts=2_010, missing=10, tokens=100_000), **change)
    assert bool(stats.warnings()) == warns


def test_the_warning_names_scripts_examples_and_remedy() -> None:
    stats = EncodingStats(10, 2, 100, 0, 0, 40, 5, 1.0, {"Arabic": 1, "Chinese": 4}, ("无线电钻",))
    (message,) = stats.warnings()
    assert message == (
        'the text encoder cannot read 5 of 8 texts (Chinese: 4, Arabic: 1), such as "无线电钻"; 40.0% of all tokens are '
        "unknown to it, so its vectors say little about them: take encoder: multilingual, or the folder of a model for these "
        "languages"
    )
