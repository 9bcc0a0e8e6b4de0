"""A table of items: its texts stay with their items."""

from __future__ import annotations

from pathlib import Path

from plait.kg import IdMap
from plait.loaders import ItemsConfig, read_items


def test_texts_stay_with_their_items_where_others_have_no_row_or_no_text(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text('item_id,title,about\nb,Bee,"hums, loudly"\nd,,\nx,Unknown,no item\nc,  ,sees\n', encoding="utf-8")
    table = read_items(ItemsConfig(path=path, text=("about",)), IdMap(["a", "b", "c", "d", "e"]))
    assert table.texts == ["", "Bee. hums, loudly", "sees", "", ""]
    assert table.titles.to_pylist()[1] == "Bee"
    assert table.titles.to_pylist()[0] is None
