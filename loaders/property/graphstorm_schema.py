"""GraphStorm's description of a graph (gconstruct JSON): its fields, checked, and the files it names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from ...kg import ConfigError
from ..files.streams import check_file

__all__ = ["Block", "EdgeBlock", "Feature", "GraphStormSchema", "NodeBlock", "files_of", "read_schema"]


class _Part(BaseModel):
    # Fields that only matter for training with GraphStorm (out_dtype, split_pct) are passed over.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Format(_Part):
    """How files are written."""

    name: Literal["parquet", "csv", "json"]
    separator: str = Field(default=",", min_length=1, max_length=1)

    @field_validator("name", mode="before")
    @classmethod
    def _known(cls, name: Any) -> Any:
        name = name.lower() if isinstance(name, str) else name
        if name == "hdf5":
            raise ValueError("HDF5 is not read; write the tables as Parquet")
        return name


class Feature(_Part):
    """A feature: the column, or columns, and what GraphStorm would make of it."""

    feature_col: str | tuple[str, ...]
    transform: dict[str, Any] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns."""
        return (self.feature_col,) if isinstance(self.feature_col, str) else self.feature_col

    @property
    def separator(self) -> str | None:
        """What parts several categories in one cell, if the transformation says so."""
        found = self.transform.get("separator") if self.transform.get("name") == "to_categorical" else None
        return found if isinstance(found, str) and found else None


class Label(_Part):
    """A label that GraphStorm would learn to tell."""

    label_col: str | None = None


class Block(_Part):
    """Tables of one kind of node or edge."""

    files: str | tuple[str, ...]
    format: Format | None = None
    features: tuple[Feature, ...] = ()
    labels: tuple[Label, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the features."""
        return tuple(name for feature in self.features for name in feature.columns)


class NodeBlock(Block):
    """Tables of nodes."""

    node_type: str = Field(validation_alias=AliasChoices("node_type", "type"), min_length=1)
    node_id_col: str | None = None


class EdgeBlock(Block):
    """Tables of edges."""

    relation: tuple[str, str, str]
    source_id_col: str | None = None
    dest_id_col: str | None = None


class GraphStormSchema(_Part):
    """The whole description."""

    version: str | None = None
    nodes: tuple[NodeBlock, ...] = ()
    edges: tuple[EdgeBlock, ...] = ()


def read_schema(path: Path) -> GraphStormSchema:
    """Read and check a description.

    Raises:
        ConfigError: if the file is missing or no JSON, or a field is missing or wrong; the field is named.
    """
    check_file(path, "no such file; a description of the graph for GraphStorm's gconstruct is wanted", ConfigError)
    try:
        return GraphStormSchema.model_validate(json.loads(path.read_text(encoding="utf-8-sig")))
    except json.JSONDecodeError as error:
        raise ConfigError(f"no valid JSON: {error.msg}", path=path, line=error.lineno) from None
    except (UnicodeDecodeError, RecursionError):
        raise ConfigError("no valid JSON: it is not UTF-8 text, or nested too deeply", path=path) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", path=path) from error
    except ValidationError as error:
        first = error.errors()[0]
        # pydantic names the member of a union that it tried; only what stands in the file is told.
        place = ".".join(str(part) for part in first["loc"] if part not in ("str", "tuple[str, ...]"))
        raise ConfigError(f"{place or 'the file'}: {first['msg'].removeprefix('Value error, ')}", path=path) from None
    except ValueError as error:  # a number of thousands of digits; pydantic's and JSON's own are subclasses
        raise ConfigError(f"no valid JSON: {error}", path=path) from None


def files_of(block: Block, key: str, path: Path, root: Path) -> list[Path]:
    """The files of a block: one, several, those of a folder, or those that a pattern with `*` meets; in order.

    Args:
        block: the block.
        key: where it stands, for messages.
        path: the description, for messages.
        root: folder that relative paths start from, and below which all files lie.

    Raises:
        ConfigError: if there is none, or one lies elsewhere.
    """
    named = (block.files,) if isinstance(block.files, str) else block.files
    found = [file for name in named for file in _matches(name, key, path, root)]
    if not found:
        raise ConfigError(f"{key}.files: there is no file {', '.join(named) or 'named'} below {root}", path=path)
    return found


def _matches(name: str, key: str, path: Path, root: Path) -> Sequence[Path]:
    try:
        return _found(name, key, path, root)
    except ValueError as error:  # "**" with letters beside it, NUL
        raise ConfigError(f"{key}.files: {name!r} is no pattern of files: {error}", path=path) from None
    except OSError as error:  # a name too long, no permission
        raise ConfigError(f"{key}.files: {name[:200]!r} cannot be read: {error.strerror}", path=path) from None


def _found(name: str, key: str, path: Path, root: Path) -> Sequence[Path]:
    place = root / name
    # Checked with symbolic links resolved: a description from elsewhere must not read what it likes.
    if not place.resolve().is_relative_to(root.resolve()):
        text = f"{key}.files: {name!r} lies outside {root}; move it there, or state as `root` a folder above it"
        raise ConfigError(text, path=path)
    if "*" in name:
        inside = root.resolve()
        # A pattern is relative to a folder: of a whole path it is what follows the root.
        pattern = str(place.resolve().relative_to(inside)) if Path(name).is_absolute() else name
        return sorted(p for p in root.glob(pattern) if p.is_file() and p.resolve().is_relative_to(inside))
    if place.is_dir():
        return sorted(p for p in place.iterdir() if p.is_file() and not p.name.startswith((".", "_")))
    return [place] if place.is_file() else []
