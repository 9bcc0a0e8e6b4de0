"""Templates of users: what they see, what is refused, what an error says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.kg import ConfigError, IdMap, KnowledgeGraph, Literals, Schema, SchemaConfig, labels
from plait.text.template import NodeTemplate, Values
from plait.text.verbalise import CutPart, NodeText, VerbaliseConfig, Verbaliser

V, LABEL = "http://v/", "http://www.w3.org/2000/01/rdf-schema#label"
VALUES: dict[str, Any] = {
    "label": "Toy Story", "type": "Film", "id": "e:toy", "text": "Toy Story (Film)",
    "cast": Values(["Ann", "Bob", "Cem"]), "by": Values(["Pixar"]), "tagline": Values([]),
}  # fmt: skip


def told(max_tokens: int | None = None, **config: Any) -> dict[str, NodeText]:
    ids = IdMap(["e:toy", "e:up", "e:pixar", "e:bare"])
    rows = [(0, 0, "Toy Story"), (1, 0, "Up"), (2, 0, "Pixar"), (0, 1, "81"), (0, 2, "To infinity <b>and</b> beyond")]
    none = pa.nulls(len(rows), pa.large_string()).dictionary_encode()
    literals = Literals(
        np.array([row[0] for row in rows], np.int32), np.array([row[1] for row in rows], np.int32),
        pa.array([row[2] for row in rows], pa.large_string()), none, none, (LABEL, V + "run_minutes", V + "tagline"),
    )  # fmt: skip
    graph = KnowledgeGraph.build(
        ids, [V + "madeBy"], np.array([0, 1]), np.array([0, 0]), np.array([2, 2]), literals=literals,
        types=[V + "Film"], type_of=np.array([0, 0, -1, 0]),
    )  # fmt: skip
    schema = Schema.infer(graph).override(SchemaConfig(literals={"tagline": "text", "run_minutes": "number"}))
    config_of = VerbaliseConfig(**config)
    verbaliser = Verbaliser(graph, schema, labels(graph, schema), config_of, max_tokens)
    return dict(zip(ids, verbaliser.tell(range(4)), strict=True))


def test_a_template_takes_the_place_of_the_inferred_text_for_its_type_alone() -> None:
    source = "{{ label }} by {{ made_by | join(' and ') }}{% if run %}, {{ run | first }}{% endif %}.\n {{ tagline }}"
    nodes = told(templates={"Film": source})
    assert nodes["e:toy"].text == "Toy Story by Pixar, 81 min. To infinity and beyond".replace("min", "minutes")
    assert nodes["e:up"].text == "Up by Pixar."
    assert nodes["e:pixar"].text == "Pixar. made by of: Toy Story, Up"
    assert nodes["e:bare"].text == ""
    assert ("e:toy", V + "madeBy", "e:pixar") in nodes["e:toy"].triples


def test_a_template_sees_what_points_at_a_node_and_the_inferred_text() -> None:
    nodes = told(templates={"untyped": "{{ id }}|{{ type }}|{{ made_by_of[:1] }}|{{ text }}"})
    assert nodes["e:pixar"].text == "e:pixar|untyped|Toy Story|Pixar. made by of: Toy Story, Up"


def test_templates_in_a_folder_and_those_stated_before_them(tmp_path: Path) -> None:
    (tmp_path / "Film.j2").write_text("A film: {{ label }}", encoding="utf-8")
    assert told(templates_folder=tmp_path)["e:up"].text == "A film: Up"
    assert told(templates_folder=tmp_path, templates={"Film": "{{ label }}!"})["e:up"].text == "Up!"
    (tmp_path / "Flim.j2").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"Flim\.j2.*did you mean 'Film'"):
        told(templates_folder=tmp_path)
    with pytest.raises(ConfigError, match="no such folder"):
        told(templates_folder=tmp_path / "gone")


def test_what_a_template_makes_is_cut_to_the_budget() -> None:
    # 4 bytes a token: 3 tokens are 12 bytes.
    node = told(3, templates={"Film": "{{ label }} is quiet"})["e:toy"]
    assert (node.text, node.cut) == ("Toy Story is", (CutPart("template", len(" quiet"), 2),))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ cast }}", "Ann, Bob, Cem"),
        ("{{ cast | sort | reverse | join('/') }}", "Cem/Bob/Ann"),
        ("{{ cast[0] }}{{ cast[-1] }}{{ cast[7] }}{{ cast[:2] }}", "AnnCemAnn, Bob"),
        ("{{ tagline | first | default('none') }}{{ tagline | first }}", "none"),
        (
            "{% for one in cast %}{{ loop.index }}{{ one | upper }}{% if not loop.last %};{% endif %}{% endfor %}",
            "1ANN;2BOB;3CEM",
        ),
        ("{{ 'many' if cast | length > 2 else 'few' }}", "many"),
        ("{{ label ~ '!' }}\n\n  {# silent #} x", "Toy Story! x"),
        ("{{ label | join('-') }}", "Toy Story"),
        ("{{ text | truncate(12) }}", "Toy Story"),
    ],
)
def test_what_templates_can_say(source: str, text: str) -> None:
    assert NodeTemplate("Film", source, VALUES).render(VALUES) == text


def test_an_unknown_variable_is_named_with_type_line_and_what_there_is() -> None:
    with pytest.raises(ConfigError) as caught:
        NodeTemplate("Film", "{{ label }}\n{{ cats }}", ["cast", "by"])
    assert str(caught.value) == (
        "verbalise.templates: Film, line 2 of the template: there is no 'cats'; did you mean cast? known are label, type, "
        "id, text, by, cast"
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ label.__class__.__mro__ }}",
        "{{ label['__class__'] }}",
        "{{ cast | attr('__class__') }}",
        "{{ cast | map(attribute='__class__') }}",
        "{{ label.format(label) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ label * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for a in range(99999999) %}{% endfor %}",
        "{% for a in text %}{% endfor %}",
        "{% for a in cast %}{% for b in cast %}{% for c in cast %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in cast recursive %}{{ loop(cast) }}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set x = label ~ label %}{{ x }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ lipsum() }}",
        "{{ self }}",
        "{{ cycler }}",
        "{{ loop.index }}",
        "{{ " + " ~ ".join(["text"] * 40) + " }}",
        "{{ label | center(99999999) }}",
        "{{ label",
        "{% if %}",
        "{{ " + "(" * 2000 + "label" + ")" * 2000 + " }}",
    ],
)
def test_what_reaches_out_or_runs_away_is_refused(source: str) -> None:
    with pytest.raises(ConfigError, match=r"^verbalise\.templates: Film, line 1 of the template: "):
        NodeTemplate("Film", source, VALUES)


def test_a_template_that_fails_or_swells_on_a_node_says_where() -> None:
    with pytest.raises(ConfigError, match="line 2 of the template: "):
        NodeTemplate("Film", "\n{{ cast | truncate('x') }}", VALUES).render(VALUES)
    big = {**VALUES, "cast": Values(["x" * 2000] * 100)}
    for source in ("{{ cast }}", "{{ cast | join('-') }}", "{% for a in cast %}{{ a }}{% endfor %}"):
        with pytest.raises(ConfigError, match="longer than 100,000 characters"):
            NodeTemplate("Film", source, VALUES).render(big)


@settings(max_examples=200, deadline=None)
@given(st.text("{}%.|_[]()'\"~ abclassfornilte0*", max_size=60))
def test_any_source_renders_or_is_refused_in_a_sentence(source: str) -> None:
    try:
        NodeTemplate("Film", "{{ label }}" + source, VALUES).render(VALUES)
    except ConfigError as error:
        assert str(error).startswith("verbalise.templates: Film, line ")
