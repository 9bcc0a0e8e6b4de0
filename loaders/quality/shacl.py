"""Check RDF files against SHACL shapes, within a time limit, and on a sample if wanted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from ...kg import DataError, local_name
from ..rdf.files import RdfFile, rdf_files
from .finding import EXAMPLES, Finding, Severity, counted

__all__ = ["ShaclReport", "ShaclResult", "check_shapes", "shacl_findings"]


@dataclass(frozen=True)
class ShaclResult:
    """What one constraint of one shape found.

    Attributes:
        shape: IRI of the node shape; one without is called anonymous, with the name of what it aims at.
        path: the property it is about, empty if it is about the node itself.
        constraint: name of the constraint: MinCount, Datatype, ...
        severity: Violation, Warning or Info, as the shape says.
        count: how many results.
        focus: the first node at fault; a blank node by one with an IRI that leads to it.
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
        chosen: nodes that were to be checked: all that a triple leaves or a shape aims at, blank nodes and literals
            too; or a sample of those with an IRI, and the blank nodes they lead to.
        nodes: all that could have been chosen; 0 if the time was up before they were counted.
        seconds: the limit.
        finished: whether the time sufficed.
        begun: whether the process that checks came so far as to read the graph.
    """

    results: tuple[ShaclResult, ...]
    checked: int
    chosen: int
    nodes: int
    seconds: float
    finished: bool
    begun: bool = True

    @property
    def extent(self) -> str:
        """What was checked, in a sentence."""
        limit = counted(self.seconds, "second")
        if not self.finished and not self.begun:
            return f"Not checked against the shapes: to start the check alone took more than {limit}."
        if not self.finished and not self.nodes:
            return f"Not checked against the shapes: reading the graph took more than {limit}."
        what = counted(self.nodes, "node")
        if self.chosen != self.nodes:
            what = f"a sample of {self.chosen:,} of {what}"
        if self.finished:
            return f"Checked {what} against the shapes."
        return f"Stopped after {limit}: {self.checked:,} of {what} {'was' if self.checked == 1 else 'were'} checked."

    @property
    def verdict(self) -> str:
        """What it means that there is no result, in a sentence; empty where there are some, or nothing was checked."""
        if self.results or not (self.finished or self.checked):
            return ""
        return "No violation." if self.chosen == self.checked == self.nodes else "No violation among the nodes checked."


def check_shapes(
    files: Sequence[str | Path], shapes: str | Path, *, seconds: float = 60.0, sample: int | None = None, seed: int = 0
) -> ShaclReport:
    """Check RDF files against the shapes in a Turtle file, in a process of its own that ends at the limit.

    With a sample only the triples that leave its nodes are loaded (through blank nodes on), and the types of what they
    lead to: constraints over longer or inverse paths may then fail where the whole graph would not.
    Blank nodes and literals that the shapes aim at are checked like others; in a sample, blank nodes are checked with
    the nodes that lead to them, and literals not for themselves.

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
        # -P: else it would import from the folder it is started in, whatever lies there.
        [sys.executable, "-P", "-m", "plait.loaders.quality.shacl_worker"],
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
        if before is not None:
            # The first by name: the parts that blank nodes come in are others in each run.
            first = min(before, found, key=lambda one: (one.focus, one.value, one.message))
            found = replace(first, count=before.count + found.count)
        merged[key] = found
    ordered = sorted(merged.values(), key=lambda r: (-r.count, r.shape, r.path, r.constraint))
    checked, begun = sum(part["checked"] for part in parts), any("begun" in line for line in lines)
    return ShaclReport(tuple(ordered), checked, size["chosen"], size["nodes"], seconds, finished, begun or finished)


def shacl_findings(report: ShaclReport) -> Iterator[Finding]:
    """The results as findings, one a severity."""
    ranks: tuple[tuple[str, Severity], ...] = (("Violation", "error"), ("Warning", "warning"), ("Info", "info"))
    for name, severity in ranks:
        chosen = [result for result in report.results if result.severity == name]
        if chosen:
            count = sum(result.count for result in chosen)
            yield Finding(
                f"shacl-{name.lower()}", severity, f"{counted(count, 'result')} of severity {name} against the shapes", count,
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
