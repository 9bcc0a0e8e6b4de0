"""A made product graph in N-Triples, ten triples a product in schema.org's words: what the benchmarks of RDF read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

S, I = "http://schema.org/", "http://shop.example/"
ADJECTIVES = [
    "compact",
    "quiet",
    "cordless",
    "stainless",
    "heavy-duty",
    "foldable",
    "rechargeable",
    "waterproof",
    "ergonomic",
    "slim",
]
NOUNS = ["drill", "kettle", "lamp", "backpack", "headset", "grinder", "tripod", "blender", "heater", "keyboard"]


def write_product_graph(path: Path, triples: int, seed: int = 0) -> None:
    """Write about so many triples: type, name, description, brand, category, price, colour, two related products, weight."""
    rng = np.random.default_rng(seed)
    products = max(triples // 10, 1)
    brands, categories = max(products // 50, 1), max(products // 100, 1)
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, products, 10_000):
            n = min(10_000, products - start)
            brand = (rng.pareto(1.2, n) * 3).astype(int) % brands
            category, price = rng.integers(categories, size=n), rng.gamma(2, 20, n)
            related, words = rng.integers(products, size=(n, 2)), rng.integers(10, size=(n, 6))
            file.writelines(
                _product(start + i, brand[i], category[i], price[i], related[i], words[i]) for i in range(n)
            )


def _product(number: int, brand: int, category: int, price: float, related: np.ndarray, words: np.ndarray) -> str:
    s = f"<{I}product/{number}>"
    name = f"{ADJECTIVES[words[0]]} {NOUNS[words[1]]} {number}"
    text = (
        f"A {ADJECTIVES[words[2]]} and {ADJECTIVES[words[3]]} {NOUNS[words[1]]} for home and workshop, model {number}"
    )
    return (
        f"{s} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{S}Product> .\n"
        f'{s} <{S}name> "{name}"@en .\n'
        f'{s} <{S}description> "{text}"@en .\n'
        f"{s} <{S}brand> <{I}brand/{brand}> .\n"
        f"{s} <{S}category> <{I}category/{category}> .\n"
        f'{s} <{S}price> "{price:.2f}"^^<http://www.w3.org/2001/XMLSchema#decimal> .\n'
        f'{s} <{S}color> "{ADJECTIVES[words[4]]}" .\n'
        f'{s} <{S}weight> "{words[5] + 1}"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
        f"{s} <{S}isRelatedTo> <{I}product/{related[0]}> .\n"
        f"{s} <{S}isSimilarTo> <{I}product/{related[1]}> .\n"
    )
