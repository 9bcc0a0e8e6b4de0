"""An encoder for tests of opinions: a text's vector is the sum of its words', the first coordinate being good or bad."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from plait.text.encoder import OnProgress, Role, TextVectors

GOOD = {"excellent", "good", "love", "happy", "great", "perfectly", "better", "splendid"}
BAD = {"terrible", "bad", "hate", "disappointed", "awful", "worse", "dreadful"}
SAME = {"audio": "sound"}


class OpinionEncoder:
    """Words as one-hot vectors by a hash, 23 dimensions, but those of praise and blame."""

    dimension = 23
    fingerprint = "opinions"

    def prompt(self, role: Role) -> str:
        return ""

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: OnProgress | None = None
    ) -> TextVectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().replace(".", " ").replace(",", " ").split():
                if word in GOOD | BAD:
                    vectors[row, 0] += 3 if word in GOOD else -3
                else:
                    vectors[row, 1 + zlib.crc32(SAME.get(word, word).encode()) % 22] += 1
        return vectors
