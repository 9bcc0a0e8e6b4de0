"""Small models for the tests of encoders, made in memory and saved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

HIDDEN = 12
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "red",
    "wool",
    "hat",
    "blue",
    "##s",
    "green",
    "scarf",
    "query",
    ":",
    "a",
    "z",
]
TEXTS = ["red hat", "", "Blue wool hats and a red scarf", "hat", "green green green", "wool " * 40, "?", "scarf hat"]


def tokenizer(*, ends: bool = True) -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer, BERT's way: lower case, [CLS] text [SEP]; without `ends`: text [SEP]."""
    made = Tokenizer(models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    template = "[CLS] $A [SEP]" if ends else "$A [SEP]"
    made.post_processor = processors.TemplateProcessing(single=template, special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )


def save_bert(folder: Path, *, layers: int = 2) -> Path:
    """A random BERT."""
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=HIDDEN, num_hidden_layers=layers, num_attention_heads=3,
        intermediate_size=7, max_position_embeddings=20, initializer_range=0.5,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def save_llama(folder: Path) -> Path:
    """A random language model that reads from left to right; its tokenizer prefers to fill up on the left."""
    torch.manual_seed(6)
    config = LlamaConfig(
        vocab_size=len(WORDS), hidden_size=HIDDEN, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1,
        intermediate_size=7, max_position_embeddings=30, initializer_range=0.5, pad_token_id=0,
        bos_token_id=None, eos_token_id=3,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    made = tokenizer(ends=False)
    made.padding_side = "left"
    made.save_pretrained(folder)
    return folder


def save_modules(
    folder: Path, *kinds: str, pooling: dict[str, object], prompts: dict[str, object] | None = None
) -> None:
    """What sentence-transformers writes beside a model: the modules, a Pooling, and Dense layers 12 -> 5 -> 9."""
    entries, shapes = [], iter([(HIDDEN, 5), (5, 9)])
    for number, kind in enumerate(kinds):
        path = "" if kind == "Transformer" else f"{number}_{kind}"
        entries.append(
            {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        )
        (folder / path).mkdir(exist_ok=True)
        if kind == "Pooling":
            (folder / path / "config.json").write_text(json.dumps(pooling))
        if kind == "Dense":
            save_dense(folder / path, *next(shapes))
    (folder / "modules.json").write_text(json.dumps(entries))
    if prompts is not None:
        (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))


def save_dense(folder: Path, inputs: int, outputs: int) -> None:
    """A dense layer with fixed random numbers and tanh."""
    random = torch.from_numpy(np.random.default_rng(inputs).normal(size=(outputs, inputs + 1)).astype(np.float32))
    weights = {"linear.weight": random[:, :-1].contiguous(), "linear.bias": random[:, -1].contiguous()}
    save_file(weights, folder / "model.safetensors")
    config = {"in_features": inputs, "out_features": outputs, "bias": True}
    (folder / "config.json").write_text(
        json.dumps(config | {"activation_function": "torch.nn.modules.activation.Tanh"})
    )
