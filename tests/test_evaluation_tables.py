"""What is said of a blend below its figures, as text of fixed width."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from plait.evaluation_tables import in_sample_note, worth_table

METRIC = {"weights": 0.2, "gate, l2 0.01": 0.25}
BY_GATE = {"method": "gate, l2 0.01", "metric": METRIC, "without": {"ease": 0.24, "gnn": 0.21, "text": 0.255}}
BY_WEIGHTS = {**BY_GATE, "method": "weights"}
WEIGHTS = {"ease": 0.65, "gnn": 0.35, "text": 0.0}


def lines(shown: Any) -> list[list[str]]:
    written = StringIO()
    Console(width=120, file=written, color_system=None).print(shown)
    return [line.split() for line in written.getvalue().splitlines()]


def test_a_judge_learned_from_validation_and_that_is_said_with_the_honest_figure() -> None:
    note = in_sample_note(BY_GATE, 7)
    assert "in-sample" in note
    assert "(gate, l2 0.01)" in note
    assert "Cross-validated NDCG@7: 0.2500; by weights 0.2000." in note


def test_so_were_weights_chosen() -> None:
    assert in_sample_note(BY_WEIGHTS, 7).endswith("chosen by these users. Cross-validated NDCG@7: 0.2000.")


def test_worth_is_the_metric_of_the_chosen_method_less_that_without_the_signal() -> None:
    table = worth_table(BY_GATE, WEIGHTS, 7)
    assert table is not None
    shown = lines(table)
    assert [word for row in shown for word in row if word in ("NDCG@7", "without")] == ["NDCG@7", "without"]
    assert ["(none", "left", "out)", "0.2500"] in shown
    rows = [row for row in shown if row and row[0] in WEIGHTS]
    # 0.25 - 0.21, 0.25 - 0.24, 0.25 - 0.255; the dearest first, and no weights, at which a judge does not look.
    assert rows == [["gnn", "0.2100", "+0.0400"], ["ease", "0.2400", "+0.0100"], ["text", "0.2550", "-0.0050"]]


def test_by_weights_the_weights_are_shown_and_measured_against() -> None:
    table = worth_table({**BY_WEIGHTS, "without": {"ease": 0.15, "gnn": 0.19}}, WEIGHTS, 7)
    assert table is not None
    rows = [row for row in lines(table) if row and row[0] in WEIGHTS]
    assert rows == [["ease", "0.65", "0.1500", "+0.0500"], ["gnn", "0.35", "0.1900", "+0.0100"]]


def test_one_signal_alone_has_no_worth() -> None:
    assert (
        worth_table({"method": "weights", "metric": {"weights": 0.2}, "without": {}}, {"popularity": 1.0}, 10) is None
    )
