"""YAML that is hostile, damaged or merely careless: one sentence with file and line, in no time."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.kg import ConfigError
from plait.kg.yaml_file import read_yaml

pytestmark = pytest.mark.timeout(30)
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (BOMB, ":5", "aliases make more than 100,000 values"),
        ("a: 1\nb: &b [*b]\n", ":2", "an alias stands within what it repeats"),
        ("a: &a {b: *a}\n", ":1", "an alias stands within what it repeats"),
        ("a: " + "[" * 20_000 + "]" * 20_000, "", "nested too deeply"),
        ("a: " + "{a: " * 20_000 + "}" * 20_000, "", "nested too deeply"),
        ("a: 1\nb: !!python/object/apply:os.system [echo]\n", ":2", "no valid YAML"),
        ("a: 1\nb: 2021-99-99\n", ":2", "'2021-99-99' is no timestamp of YAML"),
        ("a: 1\nb: [x, !!int foo]\n", ":2", "'foo' is no int of YAML"),
        ("a: 1\nb: !!timestamp foo\n", ":2", "'foo' is no timestamp of YAML"),
        ("a: 1\nb: " + "9" * 10_000, ":2", "is no int of YAML"),
        ("a: 1\nb: 2\na: 3\n", ":3", "the key 'a' stands there twice"),
        ("a: 1\nb:\n  c: 2\n  c: 2\n", ":4", "the key 'c' stands there twice"),
        ("a: 1\nb:\0\n", "", "no valid YAML"),
        ("a: 1\n\tb: 2\n", ":2", "no valid YAML"),
        ("a: 1\n---\nb: 2\n", ":2", "no valid YAML"),
        ("? [a]\n: b\n", ":1", "unhashable key"),
        (b"a: 1\nb: \xe9\n", ":2", "not UTF-8"),
        ("a: 1\n".encode("utf-16"), ":1", "not UTF-8"),
        ("", "", "keys and values"), ("- a\n", "", "keys and values"), ("a\n", "", "keys and values"),
        ("a: " + "x" * (1 << 20), "", "longer than 1 MiB"),
    ],
    ids=range(22),
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str | bytes, place: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}{place}: ")
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_aliases_merges_and_line_ends_are_read(tmp_path: Path, end: str, mark: str) -> None:
    path = tmp_path / "c.yaml"
    text = 'a: &a {x: 1, y: "007"}\nb: {<<: *a, x: 2}\nc: [*a, 2021-01-05]\n'
    path.write_bytes((mark + text.replace("\n", end)).encode())
    values, tree = read_yaml(path)
    assert values == yaml.safe_load(text)
    assert values["b"] == {"x": 2, "y": "007"}
    assert isinstance(tree, yaml.MappingNode) and [key.start_mark.line for key, _ in tree.value] == [0, 1, 2]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["a", "b: ", ": ", "- ", "\n", "\n  ", "&x ", "*x", "[", "]", "{", "}", "!!int ", "!!set ", "<<: ",
                                 "0x", "1_", ":60", "2020-13-01", "'", '"', "|\n", "\t", "\0", "%", "~", "? ", "!!binary "]),
                max_size=14).map("".join))  # fmt: skip
def test_any_text_gives_values_or_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    try:
        values, _ = read_yaml(path)
    except ConfigError as error:
        assert str(error).startswith(f"{path}:") and "\n" not in str(error)
    else:
        assert values == yaml.safe_load(text)
