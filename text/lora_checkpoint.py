"""Where a tuning stands, in one file of tensors and JSON, so that a killed run goes on as if nothing had happened."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..kg import ModelError, whole_file

__all__ = ["Check", "Standing", "read_standing", "write_standing"]


@dataclass(frozen=True)
class Check:
    """A look at the validation metric.

    Attributes:
        step: steps trained before it; 0 is the frozen encoder.
        loss: mean loss of the steps since the last look, None at step 0.
        metric: the validation metric, None if none was asked for.
    """

    step: int
    loss: float | None
    metric: float | None


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a tuning stands after a look at the validation metric.

    Attributes:
        run: names what the run depends on; another run must not go on from here.
        step: steps trained.
        best_step: the step with the best metric.
        stale: looks since then.
        seconds: time spent.
        finished: whether there is nothing left to train.
        checks: all looks so far.
        tensors: "adapter.NAME", "best.NAME" and the optimizer's "exp_avg.NAME", "exp_avg_sq.NAME".
    """

    run: str
    step: int
    best_step: int
    stale: int
    seconds: float
    finished: bool
    checks: tuple[Check, ...]
    tensors: dict[str, Tensor]

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors of one part by their own names."""
        return {key.removeprefix(f"{name}."): t for key, t in self.tensors.items() if key.startswith(f"{name}.")}


def write_standing(standing: Standing, file: Path) -> None:
    """Write the file, whole or not at all."""
    told = {name: value for name, value in vars(standing).items() if name != "tensors"}
    told["checks"] = [asdict(check) for check in standing.checks]
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as target:
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in standing.tensors.items()}
        save_file(tensors, target, metadata={"plait": json.dumps(told)})


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    run: str
    step: int
    best_step: int
    stale: int
    seconds: float
    finished: bool
    checks: list[dict[str, Any]]


def read_standing(file: Path, run: str) -> Standing:
    """Where the run of that name stood.

    Raises:
        ModelError: if the file is damaged or no checkpoint, or belongs to another run.
    """
    try:
        with safe_open(file, framework="pt") as content:
            told = _Told.model_validate_json((content.metadata() or {}).get("plait", ""))
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 (no mapping)
        checks = tuple(Check(**check) for check in told.checks)
    except (SafetensorError, OSError, ValidationError, TypeError) as error:
        raise ModelError(f"is no checkpoint of a tuning ({type(error).__name__}); remove it", path=file) from error
    if told.run != run:
        raise ModelError(
            "is the checkpoint of a tuning with other data, settings or seed; remove it or name another file", path=file
        )
    return Standing(told.run, told.step, told.best_step, told.stale, told.seconds, told.finished, checks, tensors)
