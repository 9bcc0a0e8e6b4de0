"""How names in a graph are said: words for relations, units for numbers, and which ids are names at all."""

from __future__ import annotations

import re
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..kg import KnowledgeGraph, Schema, local_name
from ..kg.labels import RDFS_LABEL
from .boilerplate import SHARED_BY, SHARED_PART
from .clean import cleaned
from .clean_report import CleaningReport

__all__ = ["entity_names", "label_predicates", "spoken", "unit_of_datatype", "variable", "without_unit"]

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DOTTED = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")
_BRACKETS = re.compile(r"\s*[(\[]([^)\]]*)[)\]]\s*$")

_TAKEN = frozenset(
    ("label", "type", "id", "text", "loop", "and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "_")
)
"""What a variable of a template cannot be called: its own variables, and Jinja's words."""

_UNITS = {
    "kg": "kg", "g": "g", "mg": "mg", "kilograms": "kg", "grams": "g", "lb": "lb", "lbs": "lb", "oz": "oz", "km": "km",
    "m": "m", "cm": "cm", "mm": "mm", "inch": "inch", "inches": "inches", "ft": "ft", "l": "l", "ml": "ml", "eur": "EUR",
    "usd": "USD", "gbp": "GBP", "chf": "CHF", "jpy": "JPY", "cny": "CNY", "inr": "INR", "percent": "%", "pct": "%",
    "min": "min", "mins": "min", "minutes": "minutes", "sec": "s", "seconds": "s", "s": "s", "h": "h", "hours": "hours",
    "days": "days", "months": "months", "years": "years", "w": "W", "kw": "kW", "kwh": "kWh", "v": "V", "mah": "mAh",
    "hz": "Hz", "mhz": "MHz", "ghz": "GHz", "kb": "kB", "mb": "MB", "gb": "GB", "tb": "TB", "px": "px", "db": "dB",
    "rpm": "rpm", "bar": "bar", "psi": "psi", "celsius": "°C",
}  # fmt: skip


def spoken(name: str) -> str:
    """A relation, predicate or type in words: "http://v/releaseYear" is "release year", "hasBrand" is "brand"."""
    stem = unquote(local_name(name))
    if _DOTTED.fullmatch(stem):
        stem = stem.rpartition(".")[2]
    words = _CAMEL.sub(" ", stem).replace("_", " ").split()
    if len(words) > 1 and words[0] == "has":
        words = [_lowered(words[1]), *words[2:]]
    return " ".join([*words[:1], *map(_lowered, words[1:])]) or name


def without_unit(name: str) -> tuple[str, str]:
    """Words and unit of a number's predicate: "weight_kg" gives ("weight", "kg"), "weight" gives ("weight", "")."""
    words = spoken(name)
    if (bracketed := _BRACKETS.search(words)) is not None and bracketed.start() > 0:
        inner = bracketed[1].strip()
        return words[: bracketed.start()], _UNITS.get(inner.lower(), inner)
    first, _, last = words.rpartition(" ")
    unit = _UNITS.get(last.lower(), "")
    return (first, unit) if first and unit else (words, "")


def unit_of_datatype(datatype: str | None) -> str:
    """The unit that a datatype is named after ("http://dbpedia.org/datatype/kilogram"), "" for any other datatype."""
    known = datatype is not None and any(part in datatype for part in ("/datatype/", "qudt.org/", "/unit/"))
    return spoken(datatype) if known and datatype is not None else ""


def variable(words: str) -> str:
    """Words as a name that a template can use: "release year" is `release_year`."""
    name = re.sub(r"\W+", "_", words).strip("_") or "_"
    return f"_{name}" if name[0].isdigit() else f"{name}_" if name.lower() in _TAKEN else name


def label_predicates(graph: KnowledgeGraph, schema: Schema) -> npt.NDArray[np.bool_]:
    """Which literal predicates give labels, shape (predicates,)."""
    chosen = {*schema.predicates("label"), RDFS_LABEL}
    return np.array([predicate in chosen for predicate in graph.literals.predicates], dtype=bool)


def entity_names(graph: KnowledgeGraph, schema: Schema, labels: pa.Array) -> tuple[pa.Array, CleaningReport]:
    """The name of each entity, cleaned; null where it has none but an id.

    An id is a name where it reads as words: the last part of an IRI ("Toy_Story_3") or the whole id ("Sony"); a number, a
    code ("Q42", "B00AB"), or a pattern that many share ("item 1", "item 2") is none.
    """
    names, report = cleaned(labels.cast(pa.large_string()), names=True)
    # "Steel (1000 Count)." is no sentence, but "Acme Inc." keeps its full stop.
    names = pc.replace_substring_regex(names, r"([\p{Ll}\p{N})]{4})\.$", r"\1")
    ids = graph.entities.to_arrow()
    labelled = np.zeros(graph.n_entities, dtype=bool)
    chosen = label_predicates(graph, schema)
    if len(chosen):
        labelled[graph.literals.entity[chosen[graph.literals.predicate]]] = True
    same = pc.fill_null(pc.equal(names, ids), False)
    own = np.flatnonzero(~labelled | np.asarray(same, dtype=bool))
    at = pa.array(own)
    reads = _reads(names.take(at), ids.take(at))
    nameless = np.zeros(graph.n_entities, dtype=bool)
    nameless[own] = ~reads
    return pc.if_else(pa.array(nameless), pa.scalar(None, pa.large_string()), names), report


_WORD = r"[\"'“‘(\[]?[\p{L}\p{M}][\p{L}\p{M}'’.&/-]*[\"'”’)\],:;!?.]*"
_WHOLE_WORD = r"(?:^|[^\p{L}\p{N}])\p{L}[\p{L}\p{M}]{2,}(?:$|[^\p{L}\p{N}])"


def _reads(names: pa.Array, ids: pa.Array) -> npt.NDArray[np.bool_]:
    """Which of the names taken from ids read as words, shape (n,)."""
    iri = pc.or_(pc.match_substring(ids, "://"), pc.starts_with(ids, "urn:"))
    words = pc.match_substring_regex(names, rf"^{_WORD}(?: (?:{_WORD}|[&–-]))*$")
    # IRIs are made of titles more often than other ids are: a word is enough, "Category:1990s films".
    code = pc.match_substring_regex(names, r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-")
    titled = pc.and_(iri, pc.and_not(pc.match_substring_regex(names, _WHOLE_WORD), code))
    enough = pc.match_substring_regex(names, r"\p{L}[\p{L}\p{M}]|\p{Lo}")
    reads = np.asarray(pc.fill_null(pc.and_(pc.or_(words, titled), enough), False), dtype=bool)
    # "item 1", "item 2", ...: a pattern with a number that many share is an id.
    pattern = pc.replace_substring_regex(pc.fill_null(names, ""), r"\d+", "#").dictionary_encode()
    code = np.asarray(pattern.indices)
    counts = np.bincount(code, minlength=len(pattern.dictionary))
    hashed = np.asarray(pc.match_substring(pattern.dictionary, "#"), dtype=bool)
    return np.asarray(reads & ~(hashed & (counts > max(SHARED_BY, SHARED_PART * len(names))))[code])


def _lowered(word: str) -> str:
    """A word within a name; an acronym stays."""
    return word[:1].lower() + word[1:] if word[1:].islower() else word
