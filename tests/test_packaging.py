"""What is shipped: every package, nothing heavy at import, types, one version, no path of somebody's machine."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.resources
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import plait

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOT_CODE = {"tests", "bench", "docs", "examples", "build", "dist"}
HEAVY = (
    "torch",
    "torch_geometric",
    "transformers",
    "numpy",
    "scipy",
    "pyarrow",
    "pydantic",
    "rdflib",
    "networkx",
    "neo4j",
)


def package_folders() -> list[Path]:
    """Folders of code that is shipped, but for the root itself."""
    tops = [folder for folder in ROOT.iterdir() if folder.is_dir() and folder.name not in NOT_CODE]
    return [file.parent for top in tops if not top.name.startswith(".") for file in top.rglob("__init__.py")]


def test_the_package_list_is_the_tree() -> None:
    # A package missing from the list works in a checkout and is silently missing from the wheel.
    found = {"plait"} | {".".join(("plait", *folder.relative_to(ROOT).parts)) for folder in package_folders()}
    assert sorted(PYPROJECT["tool"]["setuptools"]["packages"]) == sorted(found)


def test_siblings_are_imported_relatively() -> None:
    # Not ruff's ban of a module (TID251): in a checkout named "plait" it takes relative imports for absolute ones.
    sources = [*ROOT.glob("*.py"), *(path for folder in package_folders() for path in folder.glob("*.py"))]
    absolute = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "plait")
        or (isinstance(node, ast.Import) and any(name.name.split(".")[0] == "plait" for name in node.names))
    ]
    assert len(sources) > 100
    assert not absolute, "inside the packages import a sibling relatively: from ..kg import ..."


def test_import_loads_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys, plait; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "plait" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_types_are_shipped() -> None:
    assert importlib.resources.files("plait").joinpath("py.typed").is_file()
    assert "py.typed" in PYPROJECT["tool"]["setuptools"]["package-data"]["plait"]


def test_the_page_is_shipped() -> None:
    # What is read at run time beside the code: in a checkout it is there in any case, in the wheel only if listed.
    beside = {path.name for path in ROOT.iterdir() if path.suffix in (".html", ".jinja", ".css")}
    assert "quality_page.html" in beside
    assert beside <= set(PYPROJECT["tool"]["setuptools"]["package-data"]["plait"])


def test_what_is_imported_is_asked_for() -> None:
    wanted = re.findall(r"^(?:from|import) (\w+)", (ROOT / "quality_page.py").read_text(encoding="utf-8"), re.MULTILINE)
    asked = {re.split(r"[^\w-]", one)[0].lower() for one in PYPROJECT["project"]["dependencies"]}
    assert {name for name in wanted if name not in sys.stdlib_module_names} - {"plait"} <= asked


def test_one_version() -> None:
    assert PYPROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "plait._version.__version__"}
    assert importlib.metadata.version("plait") == plait.__version__, "install anew: pip install -e ."


def test_the_licence_is_shipped_and_filled_in() -> None:
    assert PYPROJECT["project"]["license-files"] == ["LICENSE"]
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "[name of copyright owner]" not in text


def test_no_file_names_a_workplace() -> None:
    # Pieced together, so that this file does not name one either; a web address may have such a folder.
    workplace = re.compile(r"(?<![\w-])/wor" + "k/|" + re.escape("../" + "shared"))
    guilty = [
        f"{path}:{number}"
        for path in _files()
        if path != ".ci/run"
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8", errors="ignore").splitlines(), start=1)
        if workplace.search(line)
    ]
    assert guilty == []


def _files() -> list[str]:
    """All files that are in git or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for path in done.stdout.split("\0") if (ROOT / path).is_file()]
