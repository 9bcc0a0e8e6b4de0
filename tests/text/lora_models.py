"""Small models and texts that the tests of tuning share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from plait.kg import IdMap, Interactions

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
THEMES = [
    ["drill", "hammer", "saw"],
    ["beaker", "flask", "pipette"],
    ["glove", "mask", "apron"],
    ["bolt", "nut", "washer"],
]
NOISE = ["new", "pack", "steel", "blue", "large", "small", "pro", "set", "heavy", "light"]
WORDS = SPECIAL + [word for theme in THEMES for word in theme] + NOISE


def save_model(folder: Path, *, layers: int = 3, seed: int = 5) -> Path:
    """A random BERT whose feed-forward nets are wide, so that small adapters are a small share; and its tokenizer."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=600,
        max_position_embeddings=24,
        initializer_range=0.15,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    return folder


def themed_texts(n: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Texts of one word of a theme among two to four others, and the theme of each."""
    rng = np.random.default_rng(seed)
    theme = rng.integers(0, len(THEMES), n)
    texts = []
    for of in theme:
        words = rng.choice(NOISE, rng.integers(2, 5)).tolist()
        words.insert(int(rng.integers(0, len(words) + 1)), str(rng.choice(THEMES[of])))
        texts.append(" ".join(words))
    return texts, theme


def themed_likes(theme: np.ndarray, n_users: int, seed: int) -> Interactions:
    """Users who like four items of one theme each."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(n_users), 4)
    item = np.concatenate(
        [rng.choice(np.flatnonzero(theme == u % len(THEMES)), 4, replace=False) for u in range(n_users)]
    )
    items = IdMap([f"i{i}" for i in range(len(theme))])
    return Interactions.sorted(IdMap([f"u{u}" for u in range(n_users)]), items, user, item)
