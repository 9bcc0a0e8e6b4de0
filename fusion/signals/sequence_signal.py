"""The sequential net as a signal: what comes next after the last items of a history, in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ...gnn.sequence import SequenceModel
from ...gnn.sequence_config import SequenceNetConfig
from ...kg import ConfigError
from ...text import TextFeatures
from .material import Material
from .recipe import Setting, Tell, Watch
from .signal import Arrays, Audience, Scores, Signal

if TYPE_CHECKING:  # it needs torch, which serving does without
    from ...gnn.sequence_training import SequenceResult
    from ...gnn.training import Epoch

__all__ = ["SequenceConfig", "SequenceSignal"]


class SequenceConfig(SequenceNetConfig):
    """Configuration of the sequential net.

    Training holds the text vectors of the items and, four times over, an embedding of each item and entity; a step at
    the default sizes takes some tens of MiB besides. A saved model is items x (dimension + 1) numbers of float32.
    """

    def train(self, material: Material, watch: Watch, tell: Tell) -> tuple[Signal, Setting, bool]:
        """Train, stopped early by `watch`; the best signal, the epochs it took, whether it was interrupted.

        Raises:
            ConfigError: if no user has two items, or the device is not there.
        """

        def told(epoch: Epoch) -> None:
            best = f", best {epoch.best:.4f}" if epoch.best >= 0 else ""
            tell(epoch.number, self.epochs, f"loss {epoch.loss:.3f}{best}")

        result = self._trained(material, lambda model: watch(SequenceSignal(model)), told)
        return SequenceSignal(result.model), {"epochs": result.best_epoch}, result.interrupted

    def fit(self, material: Material, setting: Setting) -> Signal:
        """Train for the epochs of a setting.

        Raises:
            ConfigError: if no user has two items, or the device is not there.
            KeyboardInterrupt: at Ctrl-C.
        """
        config = self.model_copy(update={"epochs": max(1, int(setting["epochs"]))})
        result = config._trained(material, None, None)
        if result.interrupted:
            # Half a last fit is worth less than the fit there is.
            raise KeyboardInterrupt
        return SequenceSignal(result.model)

    def _trained(
        self,
        material: Material,
        validate: Callable[[SequenceModel], float] | None,
        on_epoch: Callable[[Epoch], None] | None,
    ) -> SequenceResult:
        from ...gnn.sequence_training import train_sequences
        from ...gnn.training import choose_device

        try:
            return train_sequences(
                material.steps,
                material.entities,
                _of_items(material.text, len(material.graph.items)),
                self,
                validate=validate,
                seed=material.seed,
                device=choose_device(material.device),
                on_epoch=on_epoch,
            )
        except ValueError as error:
            raise ConfigError(f"the sequential net cannot be trained: {error}") from error


def _of_items(text: TextFeatures | None, n_items: int) -> TextFeatures | None:
    """The texts of the items, where those of entities may follow."""
    return None if text is None else TextFeatures(text.vectors[:n_items], text.present[:n_items])


@dataclass(frozen=True, eq=False)
class SequenceSignal:
    """Scores by a causal transformer over the items of a history, oldest first; nothing depends on who the user is.

    The net itself learned how much what is recent counts: weights of the history are not looked at, only its order.
    """

    kind: ClassVar[str] = "sequence"

    model: SequenceModel

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items): cosine over temperature, plus bias; all 0 for an empty history."""
        return self.model.scores(audience.steps)

    def arrays(self) -> Arrays:
        """The weights of the net."""
        return self.model.arrays()

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> SequenceSignal:
        """The signal of these weights."""
        return cls(SequenceModel.from_arrays(arrays))
