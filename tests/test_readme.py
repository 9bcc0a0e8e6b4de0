"""What the README tells a user to type works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.encoder
def test_the_python_example_runs(
    shop_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    (tmp_path / "demo" / "shop").mkdir(parents=True)
    (tmp_path / "demo" / "shop" / "model").symlink_to(shop_model)
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks[0], "README.md", "exec"), {})  # noqa: S102
    assert "─interacted→" in capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "embeddings").iterdir()) == [
        "entities.parquet",
        "items.parquet",
        "users.parquet",
    ]


def test_the_two_commands_are_make_targets() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in README.read_text(encoding="utf-8")
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_page_it_links_to_is_there() -> None:
    for page in (README, *README.parent.glob("docs/*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
