"""The configuration of a whole run: one YAML file outside, one frozen object inside."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..gnn import GnnConfig
from ..kg import ConfigError
from ..kg.yaml_file import read_yaml
from ..loaders import DataConfig, GraphConfig, SplitConfig
from ..loaders.files.streams import check_file
from ..text import TextConfig, VerbaliseConfig
from .blending.config import BlendConfig
from .evaluation import EvaluationConfig
from .signals.bilinear import BilinearConfig
from .signals.ease import EaseConfig
from .signals.factors import FactorsConfig
from .signals.ials import IalsConfig
from .signals.item_knn import ItemKnnConfig
from .signals.recency import RecencyConfig
from .signals.recent_popularity import RecentPopularityConfig
from .signals.rp3beta import Rp3BetaConfig
from .signals.sequence_signal import SequenceConfig
from .signals.sparse_ease import SparseEaseConfig
from .signals.transitions import TransitionsConfig

__all__ = ["Config", "read_config"]

SOURCES = [get_args(kind.model_fields["source"].annotation)[0] for kind in get_args(get_args(GraphConfig)[0])]
MOVED = {"data.graph.schema.exclude_relations": "data.graph.mapping.exclude_relations"}
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class Config(BaseModel):
    """Everything one training run depends on."""

    # What stands in the wrong place may be a password.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data: DataConfig
    """Where the data lies."""

    split: SplitConfig = Field(default_factory=SplitConfig)
    """How interactions are held out."""

    text: TextConfig | None = Field(default_factory=TextConfig)
    """The language model that encodes nodes; null does without text."""

    verbalise: VerbaliseConfig = Field(default_factory=VerbaliseConfig)
    """What goes into a node's text."""

    gnn: GnnConfig = Field(default_factory=GnnConfig)
    """The graph net and its training."""

    ease: EaseConfig | None = Field(default_factory=EaseConfig)
    """The linear signal; null does without, as for all signals below."""

    sparse_ease: SparseEaseConfig | None = None
    """The linear signal for catalogues too large for `ease`."""

    item_knn: ItemKnnConfig | None = Field(default_factory=ItemKnnConfig)
    """Items liked together."""

    rp3beta: Rp3BetaConfig | None = Field(default_factory=Rp3BetaConfig)
    """Random walks of three steps."""

    ials: IalsConfig | None = Field(default_factory=IalsConfig)
    """Factors by alternating least squares."""

    transitions: TransitionsConfig | None = Field(default_factory=TransitionsConfig)
    """What follows what, for logs whose order means something."""

    recent_popularity: RecentPopularityConfig | None = None
    """What is liked these days."""

    bilinear: BilinearConfig | None = None
    """What the contents of the history say of a candidate's content."""

    factors: FactorsConfig | None = None
    """Collaborative and content factors."""

    sequence: SequenceConfig | None = None
    """A small sequential net, for logs whose order means something."""

    recency: RecencyConfig = Field(default_factory=RecencyConfig)
    """How strongly recent items of a history may count."""

    blend: BlendConfig = Field(default_factory=BlendConfig)
    """How signals are weighed."""

    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    """What is measured."""

    refit: bool = False
    """Fit once more on train and validation with what was chosen, for the model that goes to work; both are measured."""

    seed: int = Field(default=0, ge=0)
    """Source of all randomness; the same seed gives the same model on the same machine."""

    device: str = "auto"
    """auto, cpu, or cuda (cuda:1, ...). auto is CUDA where there is one."""

    threads: int = Field(default=0, ge=0)
    """Threads of torch, BLAS, LAPACK and OpenMP in training and evaluation; 0 is one for each core this process may use."""


def read_config(path: str | Path) -> Config:
    """Read a YAML file.

    `${NAME}` stands for an environment variable, `${NAME:-value}` for one with a default; paths are relative to the
    file's folder.

    Raises:
        ConfigError: with file, line and remedy, if the file is missing or no YAML, a key unknown, a value wrong, or
            a variable unset.
    """
    path = Path(path)
    check_file(path, "no such file; `plait demo` writes one to start from", ConfigError)
    raw, tree = read_yaml(path)
    values = _resolved(raw, (), path, tree)
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise _translated(error, path, tree) from error
    try:
        anchored: Config = _anchored(config, path.parent.absolute())
    except RuntimeError as error:  # of a ~ that names nobody
        raise ConfigError(f"a path cannot be made out: {error}; write it out", path=path) from error
    return anchored


def _anchored(value: Any, folder: Path) -> Any:
    """The value with every path in it made absolute, from the folder."""
    if isinstance(value, Path):
        return folder / value.expanduser()
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        moved = {name: _anchored(field, folder) for name, field in fields.items()}
        return value.model_copy(update={name: new for name, new in moved.items() if new is not fields[name]})
    if isinstance(value, tuple):
        parts = tuple(_anchored(part, folder) for part in value)
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
    return value


def _resolved(value: Any, location: tuple[str | int, ...], path: Path, tree: yaml.Node) -> Any:
    """The value with variables put in."""
    if isinstance(value, dict):
        return {key: _resolved(item, (*location, key), path, tree) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, (*location, number), path, tree) for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        found = os.environ.get(match[1], match[2])
        if found is None:
            raise ConfigError(
                f"the environment variable {match[1]} is not set: export it, or write the path out",
                path=path,
                line=_line(tree, location),
            )
        return found

    text = VARIABLE.sub(variable, value)
    # An encoder is a name or a folder; only what is a `Path` for sure is made absolute by its type.
    is_folder = location[-1:] == ("encoder",) and "/" in text
    return str(path.parent.absolute() / Path(text).expanduser()) if is_folder else text


def _translated(error: ValidationError, path: Path, tree: yaml.Node) -> ConfigError:
    """The first problem, in one sentence."""
    problem = error.errors(include_url=False)[0]
    location = problem["loc"]
    where = ".".join(str(part) for part in _in_file(tree, location)) or "the file"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        close = get_close_matches(str(location[-1]), known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
        hint = f"it is {moved} now" if (moved := MOVED.get(".".join(map(str, _in_file(tree, location))))) else hint
        message = f"unknown key {str(location[-1])!r} in {where.rpartition('.')[0] or 'the file'}; {hint}"
    elif problem["type"] == "union_tag_not_found":
        message = f"{where}.source is missing: one of {', '.join(SOURCES)}"
    elif problem["type"] == "union_tag_invalid":
        tag = problem["ctx"]["tag"]
        close = get_close_matches(tag, SOURCES, 1)
        message = f"{where}.source: there is no source {tag!r}; " + (
            f"did you mean {close[0]!r}?" if close else f"known are {', '.join(SOURCES)}"
        )
    elif problem["type"] == "missing":
        message = f"{where} is missing"
    else:
        text = problem["msg"].removeprefix("Value error, ")
        message = f"{where}: {text[:1].lower()}{text[1:]}"
    return ConfigError(message, path=path, line=_line(tree, location))


def _known_keys(location: tuple[str | int, ...]) -> list[str]:
    """Keys of the model at a location."""
    models: list[type[BaseModel]] = [Config]
    for part in location:
        inner = [
            m
            for model in models
            for name, field in model.model_fields.items()
            if part == (field.alias or name)
            for m in _models_in(field.annotation)
        ]
        # The tag of a union names no key: it chooses among the models of its place.
        tagged = [
            m for m in models if "source" in m.model_fields and part in get_args(m.model_fields["source"].annotation)
        ]
        plain = [m for m in models if part == "files" and "source" not in m.model_fields]
        models = inner or tagged or plain or models
    return sorted({field.alias or name for model in models for name, field in model.model_fields.items()})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _in_file(tree: yaml.Node, location: tuple[str | int, ...]) -> list[str | int]:
    """A location less the parts that name no key of the file (tags of unions)."""
    kept: list[str | int] = []
    node: yaml.Node | None = tree
    for number, part in enumerate(location):
        child = _child(node, part)
        if child is None and number < len(location) - 1:
            continue
        kept.append(part)
        node = child[1] if child is not None else None
    return kept


def _line(tree: yaml.Node, location: tuple[str | int, ...]) -> int:
    """Line of a location in the file, or of the nearest part around it that is there; from 1."""
    node, line = tree, tree.start_mark.line
    for part in location:
        child = _child(node, part)
        if child is not None:
            line, node = child[0], child[1]
    return int(line) + 1


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    """Line and value of a key or position under a node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line, node.value[part]
    return None
