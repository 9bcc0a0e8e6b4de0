"""KGAT's folder format: numbers back to ids, and every way in which its four files can disagree."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from plait.kg import DataError, KnowledgeGraph
from plait.loaders.triples.kgat import KgatGraph, read_kgat

FILES = {
    "entity_list.txt": 'org_id remap_id\nm.0a 0\nm.0b 1\nm.0c 2\n 3\n"Good night 4\n',
    "relation_list.txt": "org_id remap_id\nhttp://x/genre 1\nhttp://x/author 0\n",
    "item_list.txt": "org_id remap_id freebase_id\n0001 0 m.0a\n1 1 m.0b\n",
    "kg_final.txt": "0 1 2\n1 1 2\n1 0 3\n4 0 0\n1 1 2\n",
}


def folder_of(folder: Path, **changes: str | None) -> KgatGraph:
    for name, text in (FILES | {f"{name}.txt": text for name, text in changes.items()}).items():
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")
    return KgatGraph(source="kgat", folder=folder)


def triples(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    names = (graph.relations[r] for r in graph.relation)
    return set(zip(graph.entities.ids(graph.head), names, graph.entities.ids(graph.tail), strict=True))


def test_numbers_become_the_ids_of_the_lists(tmp_path: Path) -> None:
    config = folder_of(tmp_path)
    graph = read_kgat(config)
    # Items go by their own id, other entities by the list's, one without an id by its number; ids may hold blanks.
    assert list(graph.entities) == ["0001", "1", "m.0c", "entity/3", '"Good night']
    assert triples(graph) == {
        ("0001", "http://x/genre", "m.0c"), ("1", "http://x/genre", "m.0c"), ("1", "http://x/author", "entity/3"),
        ('"Good night', "http://x/author", "0001"),
    }  # fmt: skip
    assert graph.duplicates == 1
    assert [graph.type_name(n) for n in range(5)] == ["item", "item", "untyped", "untyped", "untyped"]
    assert [path.name for path in config.paths()] == [
        "kg_final.txt", "entity_list.txt", "relation_list.txt", "item_list.txt",
    ]  # fmt: skip


def test_variants_of_the_files_that_are_published(tmp_path: Path) -> None:
    whole = triples(read_kgat(folder_of(tmp_path)))
    # Item lists without the entity's id, and numbers between tabs.
    for changes in (
        {"item_list": "org_id remap_id\n1 1\n0001 0\n"},
        {"kg_final": FILES["kg_final.txt"].replace(" ", "\t")},
        {"entity_list": FILES["entity_list.txt"].replace("\n", "\r\n")},
    ):
        assert triples(read_kgat(folder_of(tmp_path, **changes))) == whole


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("entity_list", "org_id remap_id\nm.0a 0\nm.0b one\n", "entity_list.txt:3: 'm.0b one' is no `org_id remap_id`"),
        ("entity_list", "org_id remap_id\nm.0a 0\nm.0b 0\nm.0c 2\n", "entity_list.txt:3: the number 0 repeats or leaves"),
        ("entity_list", "org_id remap_id\nm.0a 0\nm.0b 1\nm.0c 5\n", "entity_list.txt:4: the number 5 repeats or leaves"),
        ("entity_list", "org_id remap_id\nm.0a 0\nm.0b 1\nm.0c 2\n1 3\nx 4\n", "entity_list.txt: two entities would go by"),
        ("entity_list", "org_id remap_id\nm.0a 0\n", "item_list.txt: there are 2 items and only 1 entities"),
        ("entity_list", "org_id remap_id\n", "entity_list.txt: the file lists nothing below its header"),
        # A quotation mark is a character as any other.
        ("entity_list", 'org_id remap_id\n"a 0\nb 1\nc" 2\noops\n' + "x 3\n" * 6, "entity_list.txt:5: 'oops' is no `org_id remap_id`"),
        ("item_list", "", "item_list.txt: the file lists nothing below its header"),
        ("relation_list", "org_id remap_id\nr 0\nr 1\n", "relation_list.txt: two relations have the same name"),
        ("item_list", "org_id remap_id freebase_id\n0001 0 m.0b\n1 1 m.0a\n",
         "item_list.txt: item '0001' has number 0 and the entity 'm.0b', but in entity_list.txt number 0 is 'm.0a'"),
        ("kg_final", "0 1 2\n0 1 5\n", "kg_final.txt:2: the tail 5 is not in entity_list.txt, which ends at 4"),
        ("kg_final", "0 1 2\n-1 1 2\n", "kg_final.txt:2: the head -1 is not in entity_list.txt"),
        ("kg_final", "0 1 2\n\n0 2 2\n", "kg_final.txt:3: the relation 2 is not in relation_list.txt, which ends at 1"),
        ("kg_final", "0 1 2\n0 1\n", "kg_final.txt:2: rows of three numbers are wanted, HEAD RELATION TAIL: "),
        ("kg_final", "0 1 2\n\n0 r 2\n", "kg_final.txt:3: rows of three numbers are wanted, HEAD RELATION TAIL: "),
        ("kg_final", "", "kg_final.txt: rows of three numbers are wanted, HEAD RELATION TAIL: it is empty"),
        ("kg_final", None, "kg_final.txt: no such file; a folder of KGAT's format has kg_final.txt, entity_list.txt, "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    config = folder_of(tmp_path, **{name: text})
    with pytest.raises(DataError) as caught:
        read_kgat(config)
    assert str(caught.value).startswith(f"{tmp_path}/{message}")


@pytest.mark.data
def test_the_published_lists(tmp_path: Path) -> None:
    for name in ("entity_list.txt", "relation_list.txt", "item_list.txt"):
        shutil.copyfile(Path(os.environ["PLAIT_DATA"]) / "kgat-amazon-book" / name, tmp_path / name)
    # The published triples are not at hand: as many are drawn.
    rng = np.random.default_rng(3)
    drawn = np.stack([rng.integers(0, limit, 200_000) for limit in (113_487, 39, 113_487)], axis=1)
    np.savetxt(tmp_path / "kg_final.txt", drawn, fmt="%d")
    graph = read_kgat(KgatGraph(source="kgat", folder=tmp_path))
    assert (graph.n_entities, len(graph.relations), int((graph.type_of == 0).sum())) == (113_487, 39, 24_915)
    assert graph.n_triples + graph.duplicates == 200_000
    assert graph.entities.ids([0, 24_914, 24_915, 113_486]) == ["0553092626", "080509590X", "m.06d45vr", "m.083nc0"]
    ids = graph.entities.to_arrow().to_pylist()
    wanted = {(ids[h], r, ids[t]) for h, r, t in drawn[:500].tolist()}
    found = set(
        zip(graph.entities.ids(graph.head), graph.relation.tolist(), graph.entities.ids(graph.tail), strict=True)
    )
    assert wanted <= found
