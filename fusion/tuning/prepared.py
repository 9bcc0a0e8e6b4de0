"""What many trainings on the same data share: it is read, split and encoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from ...kg import ConfigError, Progress, SilentProgress, Stage
from ...loaders import Catalogue, Split
from ..config import Config
from ..evaluation import VALIDATION_USERS, HeldOut
from ..fitting import device_of
from ..stages import Stages
from ..text_stage import EncodedTexts, encode_nodes
from ..threads import set_threads
from ..training import read_data

__all__ = ["NotingProgress", "Prepared"]

T = TypeVar("T")


@dataclass(eq=False)
class Prepared:
    """Data as read by one configuration, for trainings by others that differ in nothing under `data` and `split`.

    Attributes:
        config: the configuration that the data was read by; its seed draws the split.
        split: what is held out.
        catalogue: the items and the graph around them.
        held_out: the validation users.
        stages: told about the encoding of texts.
    """

    config: Config
    split: Split
    catalogue: Catalogue
    held_out: HeldOut
    stages: Stages
    _known: dict[str, tuple[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, config: Config, *, progress: Progress | None = None) -> Prepared:
        """Read what the configuration names, and set the number of threads it asks for.

        Raises:
            PlaitError: if the data cannot be used, or no user of the validation part has a history.
        """
        set_threads(config.threads)
        stages = Stages(progress or SilentProgress())
        split, catalogue = read_data(config, stages, np.random.default_rng(config.seed))
        held_out = HeldOut.of(split, "valid")
        if len(held_out.users) == 0:
            raise ConfigError(
                f"no user of the validation part has a history in train ({held_out.cold} have none): there is nothing "
                "to choose by; take split.strategy temporal_per_user, or a larger split.valid"
            )
        return cls(config, split, catalogue, held_out, stages)

    @cached_property
    def watched(self) -> HeldOut:
        """The validation users that every training is measured on: the same for all of them."""
        return self.held_out.sample(VALIDATION_USERS, np.random.default_rng(self.config.seed))

    def texts(self, config: Config, stages: Stages | None = None) -> EncodedTexts | None:
        """Vectors of texts; encoded again only where `text` or `verbalise` differ from the last time."""
        # The seed is that of the data: what a run draws shall not change what is read.
        same = config.model_copy(update={"seed": self.config.seed})

        def encode() -> EncodedTexts | None:
            to = stages or self.stages
            device = str(device_of(same))
            return encode_nodes(same, self.catalogue, to, device, split=self.split, held_out=self.held_out)

        return self.once("texts", sections(config, ("text", "verbalise")), encode)

    def once(self, name: str, key: str, make: Callable[[], T]) -> T:
        """What `make` gives, kept until the same name is asked for with another key."""
        known = self._known.get(name)
        if known is not None and known[0] == key:
            kept: T = known[1]
            return kept
        self._known.pop(name, None)  # before another is made: there may not be memory for both
        made = make()
        self._known[name] = key, made
        return made


def sections(config: Config, names: tuple[str, ...]) -> str:
    """Some sections of a configuration as JSON."""
    return config.model_dump_json(include=set(names))


class NotingProgress:
    """Tells the stages of one of many runs as notes of the one stage that stands for all of them.

    Args:
        stage: the stage around.
        done: how many runs are done before.
        total: how many there are; None where nobody knows.
        run: name of the run.
    """

    def __init__(self, stage: Stage, done: int, total: int | None, run: str) -> None:
        self.around, self.done, self.total, self.run = stage, done, total, run

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        """A stage of the run."""
        inner = _Note(self, name)
        inner.update(0, total)
        yield inner


class _Note:
    def __init__(self, progress: NotingProgress, name: str) -> None:
        self.progress, self.name = progress, name

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        told = self.progress
        far = f" {done}" if done else ""
        told.around.update(told.done, told.total, f"{told.run}: {self.name}{far} {note}".strip())

    def result(self, text: str) -> None:
        """The next stage's note follows at once."""
