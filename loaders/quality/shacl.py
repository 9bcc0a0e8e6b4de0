"""Check RDF files against SHACL shapes, within a time limit, and on a sample if wanted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from ...kg import DataError, local_name
from ..rdf.files import RdfFile, rdf_files
from .finding import EXAMPLES, Finding, Severity

__all__ = ["ShaclReport", "ShaclResult", "check_shapes", "shacl_findings"]


@dataclass(frozen=True)
class ShaclResult:
    """What one constraint of one shape found.

    Attributes:
        shape: IRI of the node shape.
        path: the property it is about, empty if it is about the node itself.
        constraint: name of the constraint: MinCount, Datatype, ...
        severity: Violation, Warning or Info, as the shape says.
        count: how many results.
        focus: the first node at fault.
        value: its value, if one is at fault.
        message: what pyshacl or the shape says about it.
    """

    shape: str
    path: str
    constraint: str
    severity: str
    count: int
    focus: str
    value: str
    message: str


@dataclass(frozen=True)
class ShaclReport:
    """What a check found, most results first, and how far it came.

    Attributes:
        results: by shape and constraint.
        checked: nodes that were checked.
        chosen: nodes that were to be checked: all with an IRI that a triple leaves or a shape names, or a sample.
        nodes: all that could have been chosen; 0 if the time was up before they were counted.
        seconds: the limit.
        finished: whether the time sufficed.
    """

    results: tuple[ShaclResult, ...]
    checked: int
    chosen: int
    nodes: int
    seconds: float
    finished: bool

    @property
    def extent(self) -> str:
        """What was checked, in a sentence."""
        if not self.finished and not self.nodes:
            return f"Not checked against the shapes: reading the graph took more than {self.seconds:g} seconds."
        what = (
            f"{self.chosen:,} nodes"
            if self.chosen == self.nodes
            else f"a sample of {self.chosen:,} of {self.nodes:,} nodes"
        )
        if self.finished:
            return f"Checked {what} against the shapes."
        return f"Stopped after {self.seconds:g} seconds: {self.checked:,} of {what} were checked."


def check_shapes(
    files: Sequence[str | Path], shapes: str | Path, *, seconds: float = 60.0, sample: int | None = None, seed: int = 0
) -> ShaclReport:
    """Check RDF files against the shapes in a Turtle file, in a process of its own that ends at the limit.

    With a sample only the triples that leave its nodes are loaded (through blank nodes on), and the types of what they
    lead to: constraints over longer or inverse paths may then fail where the whole graph would not.
    A blank node is checked where a node with an IRI leads to it.

    Args:
        files: RDF files, patterns or folders.
        shapes: Turtle file; nothing it imports is fetched.
        seconds: how long it may take.
        sample: how many nodes to check; None for all.
        seed: chooses the sample.

    Raises:
        DataError: if pyshacl is not installed, a file is missing or malformed, or the shapes cannot be used.
    """
    if find_spec("pyshacl") is None:
        raise DataError("checking against shapes needs pyshacl: pip install 'plait[shacl]'")
    _check_turtle(Path(shapes))
    data = [str(file.path.absolute()) for file in rdf_files(files)]
    request = {"files": data, "shapes": str(Path(shapes).absolute()), "sample": sample, "seed": seed}
    worker = subprocess.Popen(
        [sys.executable, "-m", "plait.loaders.quality.shacl_worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    finished = True
    try:
        told, errors = worker.communicate(json.dumps(request), timeout=seconds)
    except subprocess.TimeoutExpired:
        finished = False
        worker.kill()
        told, errors = worker.communicate()
    except BaseException:
        # Ctrl-C must not leave a process behind that goes on for minutes.
        worker.kill()
        worker.wait()
        raise
    # A line is cut off where the process was ended while it wrote.
    lines = [json.loads(line) for line in told.splitlines(keepends=True) if line.endswith("\n")]
    for line in lines:
        if "error" in line:
            raise DataError(line["error"], path=line.get("path"), line=line.get("line"))
    if finished and worker.returncode:
        last = errors.strip().splitlines()[-1] if errors.strip() else f"exit code {worker.returncode}"
        raise DataError(f"the check against shapes failed: {last}", path=shapes)
    return _report(lines, seconds, finished)


def _check_turtle(path: Path) -> None:
    """Refuse shapes that cannot be read, with the line."""
    file = RdfFile.of(path)
    if file.format != ox.RdfFormat.TURTLE:
        raise DataError("shapes are wanted in a Turtle file (.ttl)", path=path)
    try:
        with file.opened() as stream:
            for _ in ox.parse(stream.content, format=file.format):
                pass
    except SyntaxError as error:
        raise DataError(f"malformed Turtle: {error.msg}", path=path, line=error.lineno) from error


def _report(lines: list[dict[str, Any]], seconds: float, finished: bool) -> ShaclReport:
    """One report of what the worker told, part by part."""
    size = next((line for line in lines if "nodes" in line), {"nodes": 0, "chosen": 0})
    parts = [line for line in lines if "results" in line]
    merged: dict[tuple[str, ...], ShaclResult] = {}
    for found in (ShaclResult(**result) for part in parts for result in part["results"]):
        key = (found.shape, found.path, found.constraint, found.severity)
        before = merged.get(key)
        merged[key] = found if before is None else ShaclResult(**{**vars(before), "count": before.count + found.count})
    ordered = sorted(merged.values(), key=lambda r: (-r.count, r.shape, r.path, r.constraint))
    return ShaclReport(
        tuple(ordered), sum(part["checked"] for part in parts), size["chosen"], size["nodes"], seconds, finished
    )


def shacl_findings(report: ShaclReport) -> Iterator[Finding]:
    """The results as findings, one a severity."""
    ranks: tuple[tuple[str, Severity], ...] = (("Violation", "error"), ("Warning", "warning"), ("Info", "info"))
    for name, severity in ranks:
        chosen = [result for result in report.results if result.severity == name]
        if chosen:
            count = sum(result.count for result in chosen)
            yield Finding(
                f"shacl-{name.lower()}", severity, f"{count:,} results of severity {name} against the shapes", count,
                tuple(
                    f"{local_name(r.shape)} {local_name(r.path)} {r.constraint}: {r.count:,}, first {r.focus}: {r.message}"
                    for r in chosen[:EXAMPLES]
                ),
                "correct the triples in the files of data.graph.files, or the shapes",
            )  # fmt: skip
    if not report.finished:
        yield Finding(
            "shacl-unfinished", "warning", report.extent.rstrip("."), report.chosen - report.checked, (),
            "give it longer with --shacl-seconds, or check fewer nodes with --sample",
        )  # fmt: skip
