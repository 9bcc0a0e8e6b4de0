"""What cleaning keeps of a text, what it takes for missing, and what it reports."""

from __future__ import annotations

import time
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.text.boilerplate import without_boilerplate
from plait.text.clean import LONGEST, clean_texts, cleaned
from plait.text.clean_report import CleaningReport


def clean(*texts: str | None, names: bool = False) -> tuple[list[str | None], CleaningReport]:
    values, report = cleaned(pa.array(texts, pa.large_string()), names=names)
    return values.to_pylist(), report


@pytest.mark.parametrize(
    ("raw", "text", "kind"),
    [
        ("<p>Hi <b>W</b>ord &amp; x<br>y</p>", "Hi Word & x y", "html"),
        ("a<script>alert('x')</script>b<!-- c -->", "ab", "html"),
        ("&amp;lt;p&amp;gt;caf&eacute;", "<p>café", "html"),
        ("<li>one</li><li>two</li>", "one two", "html"),
        ("a < b and c > d, List<String>, AT&T", "a < b and c > d, List<String>, AT&T", None),
        ("a\x00b\x07c\u200bd\ufeff", "a b cd", "invisible-characters"),
        ("e\u0301t\u00e9", "été", "not-nfc"),
        (" a \u00a0\n\t b ", "a b", "blanks"),
        ("N/A", None, "placeholder"),
        ("No description available.", None, "placeholder"),
        ("-", None, "only-punctuation"),
        ("...!", None, "only-punctuation"),
        ("12 345-6.7", None, "only-digits"),
        ("", None, None),
        ("   ", None, "blanks"),
        ("🎉", "🎉", None),
        ("👨‍👩‍👧 family", "👨‍👩‍👧 family", None),
        ("第一", "第一", None),
        ("none of these", "none of these", None),
    ],
)
def test_each_value(raw: str, text: str | None, kind: str | None) -> None:
    values, report = clean(raw, "fine", None, raw)
    assert values == [text, "fine", None, text]
    if kind is None:
        assert report.findings == ()
    else:
        assert report.count(kind) == 2  # type: ignore[arg-type]


def test_a_name_of_few_digits_is_a_name_and_a_film_may_be_called_unknown() -> None:
    assert clean("1984", "300", "12345", "Unknown", "n/a", names=True)[0] == ["1984", "300", None, "Unknown", None]
    assert clean("1984", "Unknown")[0] == [None, None]


def test_a_text_of_100_kilobytes_is_cut_before_it_is_read() -> None:
    values, report = clean("<p>" + "word " * 20_000)
    assert values[0] is not None
    assert len(values[0]) <= LONGEST
    assert report.count("too-long") == 1


@pytest.mark.parametrize("bomb", ["<a ", "<", "&", "<!--", "<a b='", "<div>", "<b><i>", "</", "<script>"])
def test_hostile_html_takes_no_time(bomb: str) -> None:
    start = time.process_time()
    clean("<p>" + bomb * (100_000 // len(bomb)))
    assert time.process_time() - start < 5


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_what_is_left_is_composed_has_no_superfluous_blanks_and_stays_as_it_is(raw: str) -> None:
    raw = raw.encode("utf-8", "replace").decode("utf-8")
    value = clean(raw)[0][0]
    if value is not None:
        assert unicodedata.is_normalized("NFC", value)
        assert value == " ".join(value.split(" ")).strip(" ")
        assert "  " not in value
        assert not set(value) & set("\n\t\r\x00\u00a0\u200b")


def test_a_sentence_of_more_than_fifty_and_one_percent_of_a_type_is_dropped() -> None:
    shared, own = "We ship to all countries free of charge.", "Thing {} is made of solid wood and steel."
    for count, dropped in ((50, 0), (51, 51)):
        texts = [f"{own.format(n)} {shared}" for n in range(count)] + [own.format("x")] * 20
        left, report = clean_texts(texts)
        assert report.count("boilerplate") == dropped
        assert left[3] == (own.format(3) if dropped else texts[3])
    assert f"{shared!r}" in report.lines()[0]


def test_boilerplate_is_counted_by_node_and_type() -> None:
    shared = "This sentence is about everything there is."
    values = pa.array([f"Own sentence number {n} is here. {shared}" for n in range(120)], pa.large_string())
    rows = np.arange(120)
    # 60 nodes of each of two types; the second has 10,000 nodes, of which 1 % are 100.
    left, report = without_boilerplate(values, rows, rows // 60, np.array([60, 10_000]))
    assert report.count("boilerplate") == 60
    assert left[0].as_py() == "Own sentence number 0 is here."
    assert left[60].as_py() == values[60].as_py()
    # One node that says it a hundred times is one node.
    assert without_boilerplate(values, rows * 0, rows * 0, np.array([120]))[1].findings == ()


def test_a_text_of_boilerplate_alone_is_missing() -> None:
    texts = ["This is the same for everything we sell here."] * 60 + ["Another one that is long enough."]
    left, report = clean_texts(texts)
    assert left == [""] * 60 + texts[60:]
    assert report.count("no-text") == 60
    assert report.as_records()[0]["kind"] == "boilerplate"


def test_reports_add_up_and_keep_the_first_example() -> None:
    report = CleaningReport.joined([clean("<b>a</b>", "<b>b</b>")[1], clean("<i>c</i>", "n/a")[1]])
    assert [(found.kind, found.count, found.example) for found in report.findings] == [
        ("html", 3, "<b>a</b>"), ("placeholder", 1, "n/a"),
    ]  # fmt: skip
