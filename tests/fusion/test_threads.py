"""Threads are set for every numeric library that is loaded, in one place."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

CODE = """
import json, sys
import numpy as np
import torch
from threadpoolctl import threadpool_info
from plait.fusion.threads import set_threads

given = set_threads(int(sys.argv[1]))
np.ones((9, 9)) @ np.ones((9, 9))
print(json.dumps([given, torch.get_num_threads(), {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}]))
"""


@pytest.mark.parametrize("wanted", [1, 3])
def test_every_library_keeps_to_it(wanted: int) -> None:
    # In a process of its own: it holds for the whole process, and for libraries as they are loaded there.
    done = subprocess.run([sys.executable, "-c", CODE, str(wanted)], capture_output=True, text=True, check=True)
    given, of_torch, pools = json.loads(done.stdout)
    assert (given, of_torch) == (wanted, wanted)
    assert len(pools) >= 2, "numpy's BLAS and torch's OpenMP at least"
    assert set(pools.values()) == {wanted}
