"""The command line as a user meets it: a process, its exit code, and one clear sentence."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

COMMAND = [sys.executable, "-c", "from plait.cli import main; main()"]


def plait(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, env=_environment(), check=False
    )


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}


def fails(*arguments: str | Path, code: int = 1) -> str:
    """The one sentence that a failing command says."""
    result = plait(*arguments)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr.strip()


def test_help_teaches() -> None:
    text = plait("--help").stdout
    for command in ("data", "train", "evaluate", "recommend", "similar", "explain", "export", "demo", "doctor"):
        assert command in text
    assert "--explain" in plait("recommend", "--help").stdout


def test_doctor_names_versions() -> None:
    text = plait("doctor").stdout
    for word in ("plait", "torch", "pyoxigraph", "threads", "memory", "device"):
        assert word in text


def test_usage_errors_exit_with_2(shop_model: Path) -> None:
    assert "Missing" in fails("recommend", shop_model, code=2)
    assert "No such command" in fails("recomend", code=2)
    fails("recommend", shop_model, "--user", "C00007", "-k", "0", code=2)


def test_describe(shop: Path) -> None:
    text = plait("data", "describe", shop).stdout
    for word in ("Product  ← items", "brand", "category", "description", "linked", "density"):
        assert word in text
    record = json.loads(plait("data", "describe", shop, "--json").stdout)
    assert record["items"] == 90
    assert 0 < record["linked"] < 90
    assert len(record["unlinked_examples"]) == 90 - record["linked"]
    assert {r["name"] for r in record["relations"]} == {"brand", "category", "broader"}


def test_describe_writes_a_page(shop: Path, tmp_path: Path) -> None:
    result = plait("data", "describe", shop, "--html", tmp_path / "report.html", "--json")
    record = json.loads(result.stdout)
    page = (tmp_path / "report.html").read_text()
    assert record["findings"]
    assert all(finding["sentence"].split(":")[0].replace("'", "&#39;") in page for finding in record["findings"])
    assert "No such file or directory" in fails("data", "describe", shop, "--html", tmp_path / "no" / "r.html")


def test_describe_checks_shapes(shop: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyshacl")
    (tmp_path / "shapes.ttl").write_text(
        "@prefix sh: <http://www.w3.org/ns/shacl#> . <http://s/S> a sh:NodeShape ;"
        " sh:targetSubjectsOf <http://www.w3.org/2000/01/rdf-schema#label> ;"
        " sh:property [ sh:path <http://s/never> ; sh:minCount 1 ] ."
    )
    record = json.loads(plait("data", "describe", shop, "--shacl", tmp_path / "shapes.ttl", "--json").stdout)
    assert record["shacl"]["results"][0]["constraint"] == "MinCount"
    assert record["findings"][0]["name"] == "shacl-violation"
    some = plait("data", "describe", shop, "--shacl", tmp_path / "shapes.ttl", "--sample", "9").stdout
    assert "Checked a sample of 9 of" in some
    assert "no such file" in fails("data", "describe", shop, "--shacl", tmp_path / "none.ttl")


def test_answers(shop_model: Path, tmp_path: Path) -> None:
    result = plait("recommend", shop_model, "--user", "C00007", "-u", "nobody", "-k", "3", "--explain", "--json")
    found = json.loads(result.stdout)
    assert [(f["user_id"], f["rank"]) for f in found] == [("C00007", r) for r in (1, 2, 3)] + [
        ("nobody", r) for r in (1, 2, 3)
    ]
    assert found[0]["paths"][0]["hops"][0]["relation"] == "interacted"
    shown = plait("recommend", shop_model, "--user", "nobody").stdout
    assert "cold: no history" in shown
    item = found[0]["item_id"]
    assert found[0]["paths"][0]["text"] in plait("explain", shop_model, "-u", "C00007", "-i", item).stdout
    assert "no history" in plait("explain", shop_model, "-u", "nobody", "-i", item).stdout
    assert len(json.loads(plait("similar", shop_model, "--item", item, "-k", "4", "--json").stdout)) == 4
    plait("export", shop_model, "--out", tmp_path / "out", "--what", "items")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["items.parquet"]
    assert pq.read_table(tmp_path / "out" / "items.parquet").num_rows == 90


def test_evaluate(shop_model: Path) -> None:
    stored = json.loads(plait("evaluate", shop_model, "--stored", "--json").stdout)
    again = json.loads(plait("evaluate", shop_model, "--json").stdout)
    assert stored["users"] == again["users"]
    assert "blend" in plait("evaluate", shop_model, "--stored", "-k", "5").stdout
    assert "nothing was measured at 7; there is 5, 10" in fails("evaluate", shop_model, "--stored", "-k", "7")


def test_train_writes_a_model_and_shows_how_it_did(shop: Path, tmp_path: Path) -> None:
    result = plait("train", shop, "--out", tmp_path / "model")
    assert result.returncode == 0, result.stderr
    assert "Validation @10" in result.stdout
    assert "Test @10" in result.stdout
    assert "train graph net" in result.stderr
    assert (tmp_path / "model" / "manifest.json").is_file()


def _copy(shop: Path, folder: Path, **files: bytes) -> Path:
    """A copy of the shop with some files replaced."""
    target = folder / "copy"
    shutil.copytree(shop.parent, target, ignore=shutil.ignore_patterns("model*"))
    for name, content in files.items():
        (target / name.replace("__", ".")).write_bytes(content)
    return target / "config.yaml"


LOG = b"user,item,weight,time\n"


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"purchases__csv": b""}, "purchases.csv: the file is empty"),
        ({"purchases__csv": LOG}, "purchases.csv: there is no interaction"),
        ({"purchases__csv": LOG + b"a,b,1,5\nc,d,nan,6\n"}, "purchases.csv:3: the weight is 'nan'"),
        ({"purchases__csv": LOG + b"a,b,1,5\n,d,1,6\n"}, "purchases.csv:3: the user's id is empty"),
        ({"purchases__csv": LOG + b"a,b,1,soon\n"}, "purchases.csv:2: the time 'soon'"),
        ({"purchases__csv": LOG + b"a,b,1,5\nc,d,1\n"}, "purchases.csv:3:"),
        ({"purchases__csv": b"who,what\na,b\n"}, "no column looks like the user's id"),
        ({"shop__nt__gz": b"not gzip at all"}, "shop.nt.gz: damaged gzip file"),
        ({"links__csv": b"item_id,entity\nx,y\nx,z\n"}, "links.csv: the item 'x' has more than one entity"),
    ],
)
def test_bad_data_is_one_sentence_and_writes_nothing(
    shop: Path, tmp_path: Path, files: dict[str, bytes], sentence: str
) -> None:
    config = _copy(shop, tmp_path, **files)
    message = fails("train", config, "--out", tmp_path / "model")
    assert sentence in message.splitlines()[-1]
    assert not (tmp_path / "model").exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_malformed_triple_names_file_and_line(shop: Path, tmp_path: Path) -> None:
    config = _copy(shop, tmp_path)
    good = b"<http://a> <http://b> <http://c> .\n"
    (config.parent / "bad.nt").write_bytes(good * 2 + b"<http://a> <http://b> no .\n" + good)
    config.write_text(config.read_text().replace("shop.nt.gz", "bad.nt"))
    assert "bad.nt:3: malformed RDF" in fails("data", "describe", config)
    (config.parent / "bad.nt").write_bytes(b"# nothing here\n")
    assert "the graph is empty" in fails("data", "describe", config)


def test_missing_things(shop: Path, shop_model: Path, tmp_path: Path) -> None:
    assert "none.yaml: no such file" in fails("train", tmp_path / "none.yaml", "--out", tmp_path / "m")
    assert "no such model folder" in fails("recommend", tmp_path / "m", "--user", "x")
    config = _copy(shop, tmp_path)
    (config.parent / "purchases.csv").unlink()
    assert "purchases.csv: no such file" in fails("train", config, "--out", tmp_path / "m")
    assert "unknown item 'SKU-9999'" in fails("similar", shop_model, "--item", "SKU-9999")


def test_an_unknown_key_names_the_line(shop: Path, tmp_path: Path) -> None:
    config = _copy(shop, tmp_path)
    config.write_text(config.read_text().replace("epochs: 12", "epoch: 12"))
    assert "unknown key 'epoch' in gnn; did you mean 'epochs'?" in fails("train", config, "--out", tmp_path / "m")


def test_a_folder_of_the_users_is_refused_before_any_work(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "dear.txt").write_text("mine")
    message = fails("train", shop, "--out", tmp_path)
    assert "holds 'dear.txt', which is no part of a plait model" in message
    assert "read graph" not in message


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    result = plait("--debug", "recommend", tmp_path / "m", "--user", "x")
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_ctrl_c_in_the_first_stage_leaves_nothing(shop: Path, tmp_path: Path) -> None:
    arguments = [*COMMAND, "train", str(shop), "--out", str(tmp_path / "model")]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "read graph" in line:
            break
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert time.monotonic() - began < 30
    assert list(tmp_path.iterdir()) == []
