"""Names in queries: whatever a label, type or property is called, it is that name and never Cypher."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.loaders.neo4j.names import any_of, cypher, quoted

NASTY = [
    "plain",
    "two words",
    "back`tick",
    "``",
    'it\'s "quoted"',
    "A`) DETACH DELETE n //",
    r"A\u0060) DETACH DELETE n //",
    r"\\u0060",
    r"\\\u0060) DETACH DELETE n //",
    r"\u005Cu0060",
    r"\uuuu0060",
    "trailing\\",
    "line\nbreak",
    "Straße 名 😀",
    "$parameter {x: 1}",
]


@pytest.mark.parametrize(
    ("name", "text"), [("a", "`a`"), ("a`b", "`a``b`"), (r"\u0060", r"`\u005Cu0060`"), (r"\\u0060", r"`\\u0060`")]
)
def test_by_hand(name, text):
    assert quoted(name) == text


def test_joined():
    assert any_of(["A", "B`"]) == "`A`|`B```"
    assert any_of([]) == ""
    assert cypher("MATCH (n:", quoted("A"), ")") == "MATCH (n: `A` )"


@pytest.mark.parametrize("name", ["", "a\0b", "half \ud800"])
def test_what_no_server_takes_is_refused(name):
    with pytest.raises(ValueError, match="property"):
        quoted(name)


@pytest.mark.neo4j
@pytest.mark.parametrize("name", NASTY)
def test_a_name_comes_back_as_it_is_and_deletes_nothing(fresh_neo4j, name):
    with fresh_neo4j.connect() as connection:
        connection.write("CREATE (:Bystander)")
        made = cypher(f"CREATE (:{quoted(name)} {{{quoted(name)}: $value}})-[:{quoted(name)}]->(:Other)")
        connection.write(made, value=name)
        found = connection.read_all(
            cypher(
                f"MATCH (n:{quoted(name)})-[r:{quoted(name)}]->() RETURN labels(n), keys(n), type(r), n.{quoted(name)}"
            )
        )
        assert [record.values() for record in found] == [[[name], [name], name, name]]
        assert connection.read_all("MATCH (n:Bystander) RETURN count(n) AS n")[0]["n"] == 1


@pytest.mark.neo4j
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(alphabet=st.sampled_from("\\u0065C`'a)"), min_size=1, max_size=14))
def test_any_mixture_of_backslashes_and_backticks_stays_a_name(fresh_neo4j, name):
    with fresh_neo4j.connect() as connection:
        # `RETURN 1 AS name` makes nothing, and its column has the name that the server understood.
        assert connection.read_all(cypher(f"RETURN 1 AS {quoted(name)}"))[0].keys() == [name]
