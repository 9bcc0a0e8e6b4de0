"""The encoder as training sees it: untuned layers run once for each text, tuned ones at every step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from .batching import token_batches
from .lora_adapter import transformer_layers

__all__ = ["Tower"]

_log = logging.getLogger(__name__)

Tokens = npt.NDArray[np.int32]


class Tower:
    """Texts to vectors through a transformer that gradients can flow through.

    Args:
        model: the transformer, in evaluation mode.
        head: the states of the last layer, shape (b, t, h), and the mask of tokens, shape (b, t), to vectors, (b, d).
        tokens: token ids of each text, none for a text that is missing.
        padding: the id that fills up a batch.
        tokens_per_batch: tokens in one forward pass, padding included.
        dtype: what is computed in.
    """

    def __init__(
        self,
        model: nn.Module,
        head: Callable[[Tensor, Tensor], Tensor],
        tokens: Sequence[Tokens],
        *,
        padding: int,
        tokens_per_batch: int,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.model, self.padding, self.tokens_per_batch, self.dtype = model, padding, tokens_per_batch, dtype
        self._head = head
        self.lengths = np.array([len(ids) for ids in tokens], dtype=np.int64)
        self._start = np.concatenate([[0], np.cumsum(self.lengths)])
        self._ids = torch.from_numpy(np.concatenate([*tokens, np.empty(0, np.int32)]).astype(np.int64))
        self._states: Tensor | None = None
        self.device = next(model.parameters()).device

    def vectors(self, rows: npt.NDArray[np.int64]) -> Tensor:
        """Vectors of some texts, each of which has tokens, shape (len(rows), d), float32."""
        batches = list(self._batches(rows))
        parts = [self._forward(rows[places]) for places in batches]
        back = torch.from_numpy(np.argsort(np.concatenate(batches), kind="stable")).to(self.device)
        # embedding and not indexing: its gradient is summed in a fixed order.
        return nn.functional.embedding(back, torch.cat(parts))

    def all_vectors(self) -> npt.NDArray[np.float32]:
        """Vectors of all texts, zero for those without tokens, shape (texts, d)."""
        rows = np.flatnonzero(self.lengths)
        with torch.no_grad():
            parts = [(rows[places], self._forward(rows[places]).cpu().numpy()) for places in self._batches(rows)]
        vectors = np.zeros((len(self.lengths), parts[0][1].shape[1]), dtype=np.float32)
        for of, part in parts:
            vectors[of] = part
        return vectors

    def freeze_below(self, layer: int, *, max_bytes: int, on_texts: Callable[[int, int], None] | None = None) -> bool:
        """Run the layers below this one now, for every text, and never again; whether that was done.

        It is not where there are none, the states would take more than `max_bytes`, or the model does something with
        its layers that this does not reproduce. `on_texts` is told the texts done, of how many.
        """
        _, layers = transformer_layers(self.model)
        hidden = _hidden_size(self.model)
        if layer == 0 or int(self.lengths.sum()) * hidden * 4 > max_bytes:
            return False
        rows = np.flatnonzero(self.lengths)
        states = torch.empty(int(self.lengths.sum()), hidden)
        with torch.no_grad():
            probe = rows[np.argsort(-self.lengths[rows], kind="stable")[[0, -1]]]
            expected = self._forward(probe)
            done = 0
            for places in self._batches(rows):
                self._capture(layers[layer], rows[places], states)
                done += len(places)
                if on_texts is not None:
                    on_texts(done, len(rows))
            forwards = [layers[number].forward for number in range(layer)]
            self._states = states
            self._skip(layers, layer)
            if torch.allclose(self._forward(probe), expected, atol=1e-2 if self.dtype != torch.float32 else 1e-4):
                return True
        self._states = None
        self._hook.remove()
        for number, forward in enumerate(forwards):
            layers[number].forward = forward
        _log.info("the layers of %s cannot be run apart; all run at every step", type(self.model).__name__)
        return False

    def _batches(self, rows: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
        """Places among `rows` to run together."""
        return token_batches(self.lengths[rows], self.tokens_per_batch)

    def _forward(self, rows: npt.NDArray[np.int64]) -> Tensor:
        place, mask = self._padded(rows)
        with self._autocast():
            if self._states is not None:
                self._now = self._states[place].to(self.device)
            states = self._run(place, mask)
        return self._head(states.last_hidden_state.float(), mask.to(self.device))

    def _run(self, place: Tensor, mask: Tensor) -> Any:
        ids = torch.where(mask.bool(), self._ids[place], self.padding)
        return self.model(input_ids=ids.to(self.device), attention_mask=mask.to(self.device))

    def _padded(self, rows: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Where each token of a batch lies in the columns, 0 for padding, and the mask of tokens, shape (b, t) each."""
        lengths = self.lengths[rows]
        column = np.arange(int(lengths.max()))
        mask = column < lengths[:, None]
        place = np.where(mask, self._start[rows][:, None] + column, 0)
        return torch.from_numpy(place), torch.from_numpy(mask.astype(np.int64))

    def _capture(self, layer: nn.Module, rows: npt.NDArray[np.int64], states: Tensor) -> None:
        """Keep what reaches a layer."""
        place, mask = self._padded(rows)
        with _stopped_at(layer) as reached, self._autocast():
            self._run(place, mask)
        states[place[mask.bool()]] = reached[0].float().cpu()[mask.bool()]

    def _skip(self, layers: nn.ModuleList, first: int) -> None:
        """Let the layers below `first` do nothing, and `first` take what is now at hand instead of what it is given."""
        as_tuple = _returns_tuple(layers[0], lambda: self._run(*self._padded(np.flatnonzero(self.lengths)[:1])))

        def nothing(hidden: Tensor, *others: Any, **named: Any) -> Any:
            return (hidden,) if as_tuple else hidden

        def replaced(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            if given:
                return (self._now, *given[1:]), named
            return given, {**named, "hidden_states": self._now}

        for layer in list(layers)[:first]:
            layer.forward = nothing
        self._hook = layers[first].register_forward_pre_hook(replaced, with_kwargs=True)

    @contextmanager
    def _autocast(self) -> Iterator[None]:
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            yield


def _hidden_size(model: Any) -> int:
    return int(model.config.get_text_config().hidden_size)


class _Reached(Exception):
    """A layer was reached, and nothing after it is wanted."""


@contextmanager
def _stopped_at(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Within, a run of the model ends where it reaches the layer; gives what the layer would have got."""
    reached: list[Tensor] = []

    def stop(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        reached.append(given[0] if given else named["hidden_states"])
        raise _Reached

    hook = layer.register_forward_pre_hook(stop, with_kwargs=True)
    try:
        yield reached
    except _Reached:
        pass
    finally:
        hook.remove()


def _returns_tuple(layer: nn.Module, run: Callable[[], Any]) -> bool:
    kinds: list[bool] = []
    hook = layer.register_forward_hook(lambda _, given, output: kinds.append(isinstance(output, tuple)))
    try:
        run()
    finally:
        hook.remove()
    return kinds[0]
