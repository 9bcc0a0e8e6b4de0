"""The whole log in one: what a description is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.loaders import DataConfig, read_log
from plait.loaders.logs.splits import SplitConfig


@pytest.mark.parametrize(("rule", "weight"), [("last", 2.0), ("first", 5.0), ("sum", 9.0), ("max", 5.0)])
def test_a_pair_of_train_and_test_is_one_row_and_counted(tmp_path: Path, rule: str, weight: float) -> None:
    (tmp_path / "train.csv").write_text("user,item,rating\nu,i,5\nu,j,1\nv,i,1\nv,i,1\n")
    (tmp_path / "test.csv").write_text("user,item,rating\nv,j,1\nu,i,2\nu,i,2\n")
    data = DataConfig.model_validate({"interactions": {"path": tmp_path / "train.csv", "duplicates": rule}})
    log, report = read_log(data, SplitConfig(strategy="given", test_path=tmp_path / "test.csv"))
    found = dict(
        zip(zip(log.users.ids(log.user), log.items.ids(log.item), strict=True), log.weight.tolist(), strict=True)
    )
    assert len(log) == len(found) == 4
    assert found["u", "i"] == weight
    # One in train, one in test, one between them.
    (dropped,) = report.dropped
    assert (report.rows, report.duplicates, dropped.rows) == (7, 3, 3)
    assert "met again" in dropped.rule
