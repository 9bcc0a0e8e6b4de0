"""Turn Amazon Scientific's two JSON files into the tables plait reads: a log, and a property graph.

The graph: products with name and description, `has_brand` to brands, `in_category` to the leaf of their category
path, `subcategory_of` up the tree. The log has no times; its order within a user is the order of purchase.

    python examples/amazon_scientific.py $PLAIT_DATA/amazon-scientific demo/scientific
    SCIENTIFIC=demo/scientific plait train examples/amazon-scientific.yaml --out models/scientific
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plait.kg import whole_file


def main() -> None:
    """Read the arguments and convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder with Scientific.inter.json and Scientific.item.json")
    parser.add_argument("target", type=Path, help="folder for the tables")
    arguments = parser.parse_args()
    convert(arguments.source, arguments.target)


def convert(source: Path, target: Path) -> None:
    """Write log.csv and the node and edge tables into `target`."""
    log: dict[str, list[int]] = json.loads((source / "Scientific.inter.json").read_text(encoding="utf-8"))
    products: dict[str, dict[str, Any]] = json.loads((source / "Scientific.item.json").read_text(encoding="utf-8"))
    target.mkdir(parents=True, exist_ok=True)
    write(target / "log.csv", ("user", "item"), ((user, item) for user, items in log.items() for item in items))
    rows = ((item, entry["title"], entry["description"]) for item, entry in products.items())
    write(target / "products.csv", (":ID", "name", "description"), rows)
    brands = {item: entry["brand"].strip() for item, entry in products.items() if entry["brand"].strip()}
    write(target / "brands.csv", (":ID", "name"), ((f"brand/{b}", b) for b in dict.fromkeys(brands.values())))
    write(target / "has_brand.csv", (":START_ID", ":END_ID"), ((i, f"brand/{b}") for i, b in brands.items()))
    paths = {item: category_path(entry["categories"]) for item, entry in products.items()}
    write_categories(target, {item: path for item, path in paths.items() if path})


def category_path(text: str) -> tuple[str, ...]:
    """The category path of a product, root first."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def write_categories(target: Path, paths: dict[str, tuple[str, ...]]) -> None:
    """Categories are told apart by their whole path: "Accessories" of one branch is not that of another."""
    every = dict.fromkeys(path[:depth] for path in paths.values() for depth in range(1, len(path) + 1))
    write(target / "categories.csv", (":ID", "name"), ((category_id(path), path[-1]) for path in every))
    leaves = ((item, category_id(path)) for item, path in paths.items())
    write(target / "in_category.csv", (":START_ID", ":END_ID"), leaves)
    upward = ((category_id(path), category_id(path[:-1])) for path in every if len(path) > 1)
    write(target / "subcategory_of.csv", (":START_ID", ":END_ID"), upward)


def category_id(path: tuple[str, ...]) -> str:
    """Id of a category."""
    return "category/" + " > ".join(path)


def write(path: Path, header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """Write a CSV file, whole or not at all."""
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
