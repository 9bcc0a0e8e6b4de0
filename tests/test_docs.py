"""What the pages show works as it stands there: configurations, files, Python, commands, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import yaml
from pydantic import TypeAdapter
from typer.testing import CliRunner

from plait.cli import app
from plait.fusion import Config, read_config
from plait.fusion.signals.registry import ORDER, RECIPES
from plait.gnn import GnnConfig
from plait.kg import ItemGraphConfig, MappingConfig, SchemaConfig
from plait.loaders import (
    DataConfig,
    FiltersConfig,
    GraphConfig,
    InteractionsConfig,
    LinksConfig,
    SparqlGraph,
    SplitConfig,
    read_catalogue,
    read_graph,
    read_log,
)
from plait.loaders.graph_options import GraphOptions
from plait.loaders.triples.renames import RenameTable
from plait.text import EndpointConfig, LoraConfig, ReduceConfig, StoredVectors, TextConfig, VerbaliseConfig

ROOT = Path(__file__).parent.parent
PAGES = {path.name: path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))}
WHOLE = ("graphs.md", "interactions.md")
"""Pages whose blocks bear file names: together they are data that can be read."""
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Of mapping.md the blocks are held to in tests/kg/test_mapping.py.
PARTS: dict[str, Any] = {
    **{name: TypeAdapter(field.annotation) for name, field in Config.model_fields.items()},
    "graph": TypeAdapter(GraphConfig),
    "interactions": TypeAdapter(InteractionsConfig),
    "filters": TypeAdapter(FiltersConfig),
    "mapping": TypeAdapter(MappingConfig),
    "schema": TypeAdapter(SchemaConfig),
    "around": TypeAdapter(ItemGraphConfig),
    "split": TypeAdapter(SplitConfig),
    "text": TypeAdapter(TextConfig),
    "verbalise": TypeAdapter(VerbaliseConfig),
}


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, in what language, under which file name (perhaps none)."""

    page: str
    language: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}-{self.name or self.text.split(maxsplit=3)[1]}"


BLOCKS = [Block(page, *found) for page, path in PAGES.items() for found in BLOCK.findall(path.read_text("utf-8"))]
YAML = [block for block in BLOCKS if block.language == "yaml" and block.page != "mapping.md"]
INDENTED = re.compile(r"^ {4}(?:\w+=\S+ )*(plait .*)$", re.MULTILINE)
COMMANDS = [
    *((block.page, line) for block in BLOCKS if block.language == "sh" for line in block.text.splitlines()),
    *((page, line) for page, path in PAGES.items() for line in INDENTED.findall(path.read_text("utf-8"))),
]


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder in which a user has saved the blocks of a page under their names, and typed its commands."""
    made: dict[str, Path] = {}

    def of(page: str) -> Path:
        if page not in made:
            made[page] = tmp_path_factory.mktemp(page.split(".")[0])
            for block in (block for block in BLOCKS if block.page == page and block.name):
                (made[page] / block.name).parent.mkdir(exist_ok=True)
                (made[page] / block.name).write_text(block.text, encoding="utf-8")
        return made[page]

    return of


@pytest.mark.parametrize("block", YAML, ids=str)
def test_every_yaml_block_is_a_configuration_or_a_part_of_one(block: Block, tmp_path: Path) -> None:
    values = yaml.safe_load(block.text)
    if "data" in values:
        # A page on graphs alone may leave out the log.
        values["data"].setdefault("interactions", {"path": "purchases.csv"})
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        read_config(path)
        return
    for key in values.keys() & PARTS.keys():
        PARTS[key].validate_python(values.pop(key))
    # What is left are keys of an endpoint, the one page of a single source.
    SparqlGraph(source="sparql", endpoint="https://example.org/sparql", **values)


@pytest.mark.parametrize("page", WHOLE)
def test_every_command_of_a_page_runs_where_its_blocks_are_saved(
    page: str, folder_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder_of(page))
    ran = [
        line for block in BLOCKS if block.page == page and block.language == "sh" for line in block.text.splitlines()
    ]
    for line in ran:
        done = CliRunner().invoke(app, shlex.split(line, comments=True)[1:])
        assert done.exit_code == 0, (line, done.output, done.exception)
    assert len(ran) >= 1


@pytest.mark.parametrize(
    "block",
    [b for b in YAML if b.page in WHOLE and b.name and not re.search("endpoint:|source: neo4j", b.text)],
    ids=str,
)
def test_every_named_configuration_reads_the_files_of_its_page(
    block: Block, folder_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(block.page)
    monkeypatch.chdir(folder)
    for source, writes in {"saved": "save_graph(", "incidence": "save_npz("}.items():
        if f"source: {source}" in block.text:
            (made,) = (b for b in BLOCKS if b.page == block.page and b.language == "python" and writes in b.text)
            exec(compile(made.text, block.page, "exec"), {})  # noqa: S102
    if "folder: shop.store" in block.text and not Path("shop.store").exists():
        CliRunner().invoke(app, ["graph", "load", "catalogue.ttl", "--store", "shop.store"])
    config = read_config(block.name)
    log, _ = read_log(config.data, config.split)
    assert len(log.users) >= 2
    mapped = None if config.data.graph is None else read_graph(config.data.graph)
    catalogue = read_catalogue(config.data, log.items, mapped)
    if mapped is not None:
        assert (catalogue.item_entity >= 0).sum() >= 2
        assert len(catalogue.graph.head) >= 2


def test_the_events_of_the_page_weigh_what_it_says(folder_of: Callable[[str], Path]) -> None:
    config = read_config(folder_of("interactions.md") / "events.yaml")
    log, report = read_log(config.data, config.split)
    pairs = zip(log.users.ids(log.user), log.items.ids(log.item), log.weight.tolist(), strict=True)
    assert sorted(pairs) == [("ann", "P-1", 5), ("ann", "P-2", 1), ("bob", "P-1", 3), ("bob", "P-3", 5)]
    assert [(dropped.rows, dropped.example) for dropped in report.dropped] == [(1, "search"), (1, "user ann, item P-1")]


@pytest.mark.parametrize("page", sorted({b.page for b in BLOCKS if b.language == "python"} - {"README.md"}))
def test_every_python_block_runs(page: str, folder_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    # The README's has a test of its own: it wants a trained model.
    monkeypatch.chdir(folder_of(page))
    for block in (block for block in BLOCKS if block.page == page and block.language == "python"):
        exec(compile(block.text, page, "exec"), {})  # noqa: S102


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_every_command_shown_is_one(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command, rest = _command(words)
    assert not hasattr(command, "commands"), f"{page}: {line}"
    # Parsing refuses options and arguments that there are not, and runs nothing.
    command.make_context(command.name, rest)


def test_every_command_named_in_passing_is_one() -> None:
    spans = [
        (page, span)
        for page, path in PAGES.items()
        for span in re.findall(r"(?<!`)`plait ([a-z][^`|]*)`", path.read_text("utf-8"))
    ]
    assert len(spans) >= 10
    for page, span in spans:
        command, rest = _command(span.split())
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if word.startswith("-")} <= known | {"--help"}, f"{page}: plait {span}"
        assert not hasattr(command, "commands") or not rest, f"{page}: plait {span}"


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that some words name, and the words behind it. Typer may bring click's classes under a name of its own."""
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", ()):
        command, words = command.commands[words[0]], words[1:]
    return command, list(words)


def test_every_anchor_and_every_page_linked_to_is_there() -> None:
    # That the files of README and docs exist is held to in tests/test_readme.py; here the others, and headings.
    links = [(path, *link) for path in PAGES.values() for link in _links(path)]
    assert len(links) >= 20
    for page, target, anchor in links:
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in _anchors(file), f"{page.name} links to {target}#{anchor}"


def _links(path: Path) -> Iterator[tuple[str, str]]:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text("utf-8")):
        file, _, anchor = target.partition("#")
        yield file, anchor


def _anchors(path: Path) -> set[str]:
    """What GitHub makes of headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


SOURCES = {get_args(kind.model_fields["source"].annotation)[0]: kind for kind in get_args(get_args(GraphConfig)[0])}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_an_example_and_every_key_of_it_is_told(source: str) -> None:
    shown = {yaml.safe_load(b.text)["data"]["graph"]["source"] for b in YAML if b.page == "graphs.md" and b.name}
    assert source in shown
    pages = "".join(PAGES[name].read_text("utf-8") for name in ("graphs.md", "sparql.md", "neo4j.md"))
    for key in SOURCES[source].model_fields.keys() - GraphOptions.model_fields.keys():
        assert re.search(rf"\b{key}\b", pages), f"no page tells of {key}"


def test_ids_that_stand_for_others_become_what_the_page_says(folder_of: Callable[[str], Path]) -> None:
    config = read_config(folder_of("graphs.md") / "renames.yaml")
    assert config.data.graph is not None
    graph = read_graph(config.data.graph).graph
    heads, tails = graph.entities.ids(graph.head), graph.entities.ids(graph.tail)
    bought = {(head, tail) for head, tail in zip(heads, tails, strict=True) if tail != "Acme"}
    assert bought == {("product_10", "product_20"), ("product_20", "seen_19")}


@pytest.mark.parametrize("section", [*RECIPES, "blend"])
def test_a_signal_is_shown_with_all_its_keys_and_their_defaults(section: str) -> None:
    page = "blending.md" if section == "blend" else "signals.md"
    (shown,) = (values for b in YAML if b.page == page and section in (values := yaml.safe_load(b.text)))
    kind = type(PARTS[section].validate_python({}))
    assert shown[section].keys() == kind.model_fields.keys()
    assert PARTS[section].validate_python(shown[section]) == kind()


def test_every_signal_is_in_the_table_of_signals_with_a_section_of_its_own() -> None:
    page = PAGES["signals.md"]
    rows = re.findall(r"^\| \[`(\w+)`\]\(#([\w-]+)\) \|[^|]*\| (\w*)", page.read_text("utf-8"), re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(ORDER)
    assert {anchor for _, anchor, _ in rows} <= _anchors(page)
    taken = {name for name in RECIPES if Config.model_fields[name].default_factory is not None}
    assert {name for name, _, default in rows if default == "yes"} == {"text", *taken}


@pytest.mark.parametrize(
    ("page", "model"),
    [
        ("interactions.md", InteractionsConfig),
        ("interactions.md", FiltersConfig),
        ("interactions.md", SplitConfig),
        ("configuration.md", InteractionsConfig),
        ("configuration.md", FiltersConfig),
        ("configuration.md", SchemaConfig),
        ("configuration.md", ItemGraphConfig),
        ("configuration.md", DataConfig),
        ("configuration.md", Config),
        ("graphs.md", LinksConfig),
        ("graphs.md", RenameTable),
        ("text.md", VerbaliseConfig),
        ("encoders.md", TextConfig),
        ("encoders.md", StoredVectors),
        ("encoders.md", LoraConfig),
        ("encoders.md", ReduceConfig),
        ("encoders.md", EndpointConfig),
    ],
)
def test_every_key_is_told_on_its_page(page: str, model: Any) -> None:
    text = PAGES[page].read_text("utf-8")
    for key in model.model_fields:
        assert re.search(rf"\b{key}\b", text), f"{page} does not tell of {key}"


def test_every_key_of_the_net_is_told_where_nets_or_their_training_are() -> None:
    text = PAGES["nets.md"].read_text("utf-8") + PAGES["training.md"].read_text("utf-8")
    assert [key for key in GnnConfig.model_fields if not re.search(rf"\b{key}\b", text)] == []
