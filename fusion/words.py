"""Words of names and queries, folded alike, and where names meet queries: as phrases, or word by word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

__all__ = ["Phrase", "PhraseIndex", "WordIndex", "folded", "words_of"]

LONGEST = 12
"""Most words of a name that is looked for."""

STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "has",
        "he",
        "her",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "she",
        "so",
        "that",
        "the",
        "their",
        "them",
        "they",
        "this",
        "to",
        "too",
        "us",
        "was",
        "we",
        "what",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
        "you",
        "your",
        "all",
        "any",
        "can",
        "do",
        "new",
        "one",
        "out",
        "up",
        "der",
        "die",
        "das",
        "den",
        "dem",
        "des",
        "ein",
        "eine",
        "einen",
        "einer",
        "eines",
        "und",
        "oder",
        "für",
        "mit",
        "von",
        "zu",
        "im",
        "am",
        "auf",
        "aus",
        "bei",
        "nach",
        "ist",
        "ich",
        "er",
        "sie",
        "es",
        "wir",
        "le",
        "la",
        "les",
        "un",
        "une",
        "des",
        "et",
        "ou",
        "de",
        "du",
        "el",
        "los",
        "las",
        "y",
        "en",
    ]
)
"""Words that are no name when they stand alone, though some entity may be called so."""

FOLDS = (
    (r"[\x{0300}-\x{036f}]+", ""),  # accents, once letters are taken apart
    (r"['’ʼ`]", ""),
    # Scripts without blanks between words: each character is a word.
    (r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}])", r" \1 "),
    (r"[^\p{L}\p{M}\p{N}]+", " "),
)


def folded(texts: pa.Array) -> pa.Array:
    """Texts without case, accents and punctuation, one blank between words; null stays null."""
    texts = pc.utf8_normalize(texts.cast(pa.large_string()), "NFKD")
    for pattern, replacement in FOLDS:
        texts = pc.replace_substring_regex(texts, pattern, replacement)
    texts = pc.utf8_lower(pc.utf8_normalize(texts, "NFKC"))
    texts = pc.replace_substring(pc.replace_substring(texts, "ß", "ss"), "ς", "σ")
    return pc.utf8_trim_whitespace(texts)


def words_of(*texts: str) -> list[list[str]]:
    """The folded words of some texts: in one call, since what is dear are the patterns, not the letters."""
    return [text.split() for text in folded(pa.array(texts, type=pa.large_string())).to_pylist()]


@dataclass(frozen=True)
class Phrase:
    """A name found in a query.

    Attributes:
        start, stop: which words of the query it is.
        words: the name, folded.
        nodes: all that are called so, shape (n,).
    """

    start: int
    stop: int
    words: str
    nodes: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PhraseIndex:
    """Names by their folded words.

    Attributes:
        number: number of each distinct name.
        start: where the nodes of each name begin, shape (names + 1,).
        node: the nodes, by name, shape (n,).
        longest: words of the longest name.
    """

    number: dict[str, int]
    start: npt.NDArray[np.int64]
    node: npt.NDArray[np.int64]
    longest: int

    @classmethod
    def build(cls, names: pa.Array, first: int) -> PhraseIndex:
        """Index names; the i-th is that of node `first + i`. Blank ones, lone letters and stop words name nothing."""
        encoded = folded(names).dictionary_encode()
        codes = np.asarray(encoded.indices.fill_null(-1), dtype=np.int64)
        words = pc.count_substring(encoded.dictionary, " ").to_numpy(zero_copy_only=False) + 1
        distinct = encoded.dictionary.to_pylist()
        known = {name: at for at, name in enumerate(distinct) if _is_name(name) and words[at] <= LONGEST}
        order = np.argsort(codes, kind="stable")[np.count_nonzero(codes < 0) :]
        start = np.zeros(len(distinct) + 1, dtype=np.int64)
        np.cumsum(np.bincount(codes[order], minlength=len(distinct)), out=start[1:])
        longest = max((int(words[at]) for at in known.values()), default=0)
        return cls(known, start, first + order, longest)

    def find(self, words: Sequence[str]) -> list[Phrase]:
        """The names in a sequence of words, none overlapping, longest first; returned in the order of the words."""
        free = [True] * len(words)
        found: list[Phrase] = []
        for length in range(min(self.longest, len(words)), 0, -1):
            for start in range(len(words) - length + 1):
                stop = start + length
                if all(free[start:stop]) and (number := self._number(words[start:stop])) is not None:
                    free[start:stop] = [False] * length
                    nodes = self.node[self.start[number] : self.start[number + 1]]
                    found.append(Phrase(start, stop, " ".join(words[start:stop]), nodes))
        return sorted(found, key=lambda phrase: phrase.start)

    def _number(self, words: Sequence[str]) -> int | None:
        """The name of these words; where there is none, that with the last word in the other number ("drills")."""
        phrase = " ".join(words)
        if (number := self.number.get(phrase)) is not None or len(words[-1]) < 4 or not phrase.isascii():
            return number
        if phrase.endswith("s"):
            one = self.number.get(phrase[:-1])
            return one if one is not None or not phrase.endswith("es") else self.number.get(phrase[:-2])
        return self.number.get(phrase + "s")


def _is_name(name: str) -> bool:
    return bool(name) and name not in STOP and not (len(name) == 1 and name.isascii())


@dataclass(frozen=True, eq=False)
class WordIndex:
    r"""Which words stand in which title, the rare ones counting more.

    Attributes:
        number: number of each word.
        rarity: :math:`\log(1 + (n - n_w + 0.5) / (n_w + 0.5))` of each word, as in BM25, shape (words,).
        titles: rarity of each word in each title, csr, shape (words, titles).
        norm: length of each title in these terms, shape (titles,).
    """

    number: dict[str, int]
    rarity: npt.NDArray[np.float32]
    titles: sp.csr_array
    norm: npt.NDArray[np.float32]

    @classmethod
    def build(cls, titles: pa.Array) -> WordIndex:
        """Index titles; a null one has no word."""
        lists = pc.split_pattern(folded(titles).fill_null(""), " ")
        encoded = pc.list_flatten(lists).dictionary_encode()
        row = np.asarray(pc.list_parent_indices(lists), dtype=np.int64)
        word = np.asarray(encoded.indices, dtype=np.int64)
        known = encoded.dictionary.to_pylist()
        ones = np.ones(len(row), dtype=np.float32)
        held = sp.csr_array((ones, (word, row)), shape=(len(known), len(titles)))
        held.sum_duplicates()
        held.data[:] = 1
        count = np.diff(held.indptr)
        rarity = np.log1p((len(titles) - count + 0.5) / (count + 0.5)).astype(np.float32)
        held.data *= np.repeat(rarity, count)
        norm = np.sqrt(np.asarray(held.multiply(held).sum(axis=0), dtype=np.float32)).ravel()
        return cls({name: at for at, name in enumerate(known) if name}, rarity, held, norm)

    def likeness(self, words: Sequence[str]) -> npt.NDArray[np.float32]:
        """Cosine of a query's words and each title's, 1 for the very title in any order, shape (titles,).

        A word that no title has makes the query longer, and so all titles less like it.
        """
        n = self.titles.shape[1]
        distinct = dict.fromkeys(words)
        known = [self.number[word] for word in distinct if word in self.number]
        if not known:
            return np.zeros(n, dtype=np.float32)
        unheard = np.log1p((n + 0.5) / 0.5) * np.sqrt(len(distinct) - len(known))
        norm = float(np.hypot(np.linalg.norm(self.rarity[known]), unheard))
        shared = np.asarray(self.rarity[known] @ self.titles[known], dtype=np.float32)
        likeness = np.zeros(n, dtype=np.float32)
        np.divide(shared, self.norm * norm, out=likeness, where=self.norm > 0)
        return likeness

    def shared(self, words: Sequence[str], title: int) -> list[str]:
        """Which of the words stand in a title, stop words left out."""
        known = {word: self.number[word] for word in dict.fromkeys(words) if word in self.number and word not in STOP}
        start, held = self.titles.indptr, self.titles.indices
        return [word for word, at in known.items() if title in held[start[at] : start[at + 1]]]
