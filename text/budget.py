"""Texts no longer than an encoder reads, with the most telling parts kept whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .budget_cut import LONGEST_TOKEN, CountTokens, estimated_tokens, shortened
from .verbalise_cells import Parts, place_in_group

__all__ = ["Budget"]

Numbers = npt.NDArray[np.int64]
_TRIES = 4
_FEWEST = 6
"""Tokens of the shortest piece of a long text worth telling."""


@dataclass(frozen=True, eq=False)
class Budget:
    """Room for so many tokens a text.

    The parts of a text are taken in their order as far as there is room; a part that does not fit is left out, and a
    long text is cut at the end of a sentence or a word. A quarter of the room is kept for long texts, so that a crowd of
    attributes does not push out the description. The title stays whole unless it is too long alone.

    Attributes:
        tokens: most tokens of a text, without the special ones that an encoder adds.
        count: counts the tokens of each of some texts, special ones not counted; None estimates them: one for 4 bytes
            of UTF-8, which for English is one for 4 characters.
    """

    tokens: int
    count: CountTokens | None = None

    def counted(self, texts: pa.Array) -> Numbers:
        """Tokens of each text, shape (n,); each distinct one is counted once."""
        if self.count is None:
            return estimated_tokens(texts)
        coded = texts.dictionary_encode()
        counts = np.asarray(self.count(coded.dictionary.to_pylist()), dtype=np.int64)
        return np.asarray(counts[np.asarray(coded.indices, dtype=np.int64)])

    def over(self, texts: pa.Array) -> npt.NDArray[np.bool_]:
        """Which texts are too long, shape (n,)."""
        # No token is shorter than a byte, so short texts need no counting.
        over = np.asarray(pc.binary_length(texts), dtype=np.int64) >= self.tokens
        rows = np.flatnonzero(over)
        over[rows] = self._counted_start(texts.take(pa.array(rows))) > self.tokens
        return over

    def _counted_start(self, texts: pa.Array) -> Numbers:
        """Tokens of each text as far as they matter: of one that is far too long, of its beginning."""
        counts = self.counted(pc.utf8_slice_codeunits(texts, 0, min(self.tokens * LONGEST_TOKEN, 2**31)))
        # A beginning that fits says nothing of the whole.
        rows = np.flatnonzero(
            (counts <= self.tokens) & (np.asarray(pc.utf8_length(texts)) > self.tokens * LONGEST_TOKEN)
        )
        counts[rows] = self.counted(texts.take(pa.array(rows)))
        return counts

    def shortened(self, texts: pa.Array) -> pa.Array:
        """Texts cut at a sentence or word end where they are too long."""
        rows = np.flatnonzero(self.over(texts))
        cut = shortened(texts.take(pa.array(rows)).to_pylist(), np.full(len(rows), self.tokens), self.count)
        return _put(texts, rows, cut)

    def fitted(self, parts: Parts, long: npt.NDArray[np.bool_], late: npt.NDArray[np.bool_], n_rows: int) -> Parts:
        """The parts with those cut or emptied that do not fit.

        Args:
            parts: the phrases; the first of each row is its title.
            long: which of them may be cut, shape (parts,).
            late: which of them come after the long ones, shape (parts,).
            n_rows: number of texts.
        """
        rows = np.flatnonzero(self.over(parts.texts(n_rows)))
        limit = np.full(n_rows, self.tokens, dtype=np.int64)
        fitted = parts
        for attempt in range(_TRIES + 1):
            if len(rows) == 0:
                break
            # The tokens of a whole may be more than those of its parts; such texts are tried again with less room.
            fitted = self._with_rows(parts, fitted, long, late, rows, limit, title_only=attempt == _TRIES)
            tokens = self.counted(fitted.texts(n_rows).take(pa.array(rows)))
            limit[rows] = np.maximum(limit[rows] - np.maximum(tokens - self.tokens, 1), 1)
            rows = rows[tokens > self.tokens]
        return fitted

    def _with_rows(
        self, parts: Parts, fitted: Parts, long: npt.NDArray[np.bool_], late: npt.NDArray[np.bool_],
        rows: Numbers, limit: Numbers, *, title_only: bool,
    ) -> Parts:  # fmt: skip
        """The fitted parts, with those of some rows made anew."""
        at = np.flatnonzero(np.isin(parts.row, rows))
        row, place = np.searchsorted(rows, parts.row[at]), place_in_group(parts.row[at])
        if title_only:
            limit = np.full(len(limit), self.tokens)
            texts = np.where(place > 0, "", np.array(parts.text.take(pa.array(at)).to_pylist(), dtype=object))
        else:
            texts = np.array(parts.text.take(pa.array(at)).to_pylist(), dtype=object)
        filled = self._filled(texts, row, place, long[at], late[at], limit[rows])
        return replace(fitted, text=_put(fitted.text, at, filled.tolist()))

    def _filled(
        self, texts: npt.NDArray[np.object_], row: Numbers, place: Numbers, long: npt.NDArray[np.bool_],
        late: npt.NDArray[np.bool_], limit: Numbers,
    ) -> npt.NDArray[np.object_]:  # fmt: skip
        """Fill the room of each row part by part: all first parts at once, then all second ones."""
        # One token for the full stop and blank between two parts; the last has none.
        cost = self._counted_start(pa.array(texts, pa.large_string())) + 1
        left = limit + 1
        kept_back = np.minimum(
            np.bincount(row[long], weights=cost[long], minlength=len(limit)).astype(np.int64), limit // 4
        )
        kept = texts.copy()
        for number in range(int(place.max(initial=-1)) + 1):
            at = np.flatnonzero(place == number)
            room = left[row[at]] - np.where(long[at] | late[at] | (number == 0), 0, kept_back[row[at]])
            small = cost[at] > room
            cut = at[small & ((long[at] & (room > _FEWEST)) | (number == 0))]
            kept[at[small]] = ""
            room_of = left[row[cut]] - 1
            kept[cut] = shortened(texts[cut].tolist(), room_of, self.count)
            spent = np.where(small, 0, cost[at])
            left[row[at]] -= spent
            left[row[cut]] = 0
            used = long[at]
            kept_back[row[at[used]]] = np.maximum(kept_back[row[at[used]]] - spent[used], 0)
        return kept


def _put(texts: pa.Array, rows: Numbers, new: list[str]) -> pa.Array:
    """Texts with those of some rows replaced; rows ascend."""
    mask = np.zeros(len(texts), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(new, pa.large_string()))
