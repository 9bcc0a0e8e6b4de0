"""What a model folder says of itself: where the transformer lies, how states become one vector, which prompts it wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from ..kg import DataError
from .config import Prompts
from .content import read_json
from .dense import Dense, read_dense
from .encoder import Pooling, Role

__all__ = ["Recipe", "read_recipe"]

_MODULES = {"Transformer", "Pooling", "Dense", "Normalize", "Dropout"}

_NAMES: dict[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
    "mean_sqrt_len_tokens": "mean_sqrt_len",
    **{name: name for name in get_args(Pooling)},
}
"""What sentence-transformers calls them, version by version, in the order in which it puts them side by side."""

_PROMPTS: dict[Role, tuple[str, ...]] = {"query": ("query",), "passage": ("passage", "document", "corpus")}
"""Names of prompts that stand for a role, the first one found counts."""


@dataclass(frozen=True)
class Recipe:
    """How a folder's model turns a text into a vector.

    Attributes:
        weights: the folder of the transformer itself.
        poolings: pooled vectors that are put side by side; none if the folder does not say.
        head: what follows the pooling, in order: dense layers, and None where the vector is scaled to length 1.
        counts_prompt: whether a prompt's tokens are pooled with the others.
        lowercase: whether texts are put into lower case first.
        prompts: what goes before a text, by role.
    """

    weights: Path
    poolings: tuple[Pooling, ...]
    head: tuple[Dense | None, ...]
    counts_prompt: bool
    lowercase: bool
    prompts: dict[Role, str]

    @property
    def normalise(self) -> bool:
        """Whether vectors have length 1."""
        return bool(self.head) and self.head[-1] is None

    def override(self, pooling: Pooling | None, prompts: Prompts | None) -> Recipe:
        """The recipe with what a user states in place of what the folder says."""
        stated: dict[Role, str] = {} if prompts is None else prompts.stated()
        poolings = self.poolings if pooling is None else (pooling,)
        return replace(self, poolings=poolings, prompts={**self.prompts, **stated})

    def describe(self) -> str:
        """All that the vectors depend on besides the files, for a fingerprint."""
        head = [None if dense is None else dense.describe() for dense in self.head]
        return f"{self.poolings} {head} {self.counts_prompt} {self.lowercase}"


def read_recipe(folder: Path) -> Recipe:
    """What a folder in the layout of Hugging Face or sentence-transformers says of itself.

    Raises:
        DataError: if the folder is missing, or asks for what plait does not do.
    """
    if not folder.is_dir():
        raise DataError("no such folder; plait reads local models only and downloads none", path=folder)
    modules = [(_kind(module), folder / str(module["path"])) for module in _modules(folder)]
    if foreign := sorted({kind for kind, _ in modules} - _MODULES):
        raise DataError(f"the model has a module that plait does not know: {', '.join(foreign)}", path=folder)
    places = dict(reversed(modules))
    weights = places.get("Transformer", folder)
    pooling = read_json(places.get("Pooling", folder / "1_Pooling") / "config.json", default={})
    return Recipe(
        weights=weights,
        poolings=_poolings(pooling, folder),
        head=_head(modules) if modules else (None,),
        counts_prompt=bool(pooling.get("include_prompt", True)),
        lowercase=bool(read_json(weights / "sentence_bert_config.json", default={}).get("do_lower_case")),
        prompts=_prompts(read_json(folder / "config_sentence_transformers.json", default={})),
    )


def _modules(folder: Path) -> list[dict[str, Any]]:
    modules = read_json(folder / "modules.json", default=[])
    if not isinstance(modules, list) or not all(isinstance(m, dict) and {"type", "path"} <= m.keys() for m in modules):
        raise DataError("not a list of modules with type and path", path=folder / "modules.json")
    if outside := [m["path"] for m in modules if not (folder / m["path"]).resolve().is_relative_to(folder.resolve())]:
        raise DataError(f"a module lies outside the folder: {outside[0]}", path=folder / "modules.json")
    return modules


def _kind(module: dict[str, Any]) -> str:
    return str(module["type"]).rsplit(".", 1)[-1]


def _head(modules: Sequence[tuple[str, Path]]) -> tuple[Dense | None, ...]:
    kept = [(kind, place) for kind, place in modules if kind in ("Dense", "Normalize")]
    return tuple(read_dense(place) if kind == "Dense" else None for kind, place in kept)


def _poolings(config: dict[str, Any], folder: Path) -> tuple[Pooling, ...]:
    if not config:
        return ()
    named = config.get("pooling_mode")
    flagged = [key for key in _NAMES if config.get(key)] + [
        key for key, on in config.items() if key.startswith("pooling_mode_") and on and key not in _NAMES
    ]
    modes = [named] if isinstance(named, str) else list(named or flagged)
    if not modes or not set(modes) <= _NAMES.keys():
        asked = " and ".join(map(str, modes)) or "nothing"
        raise DataError(f"plait pools by {', '.join(get_args(Pooling))}, not by {asked}", path=folder)
    return tuple(_NAMES[mode] for mode in modes)


def _prompts(config: dict[str, Any]) -> dict[Role, str]:
    named = config.get("prompts") or {}
    default = str(named.get(config.get("default_prompt_name"), ""))
    return {
        role: next((str(named[name]) for name in names if name in named), default) for role, names in _PROMPTS.items()
    }
