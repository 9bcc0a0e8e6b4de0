"""How many threads numeric libraries use, set in one place."""

from __future__ import annotations

from ..kg import available_cores

__all__ = ["set_threads"]


def set_threads(wanted: int) -> int:
    """Let torch, BLAS, LAPACK and OpenMP use so many threads from now on in this process.

    More of them than there are idle cores can take ten times as long as one.

    Args:
        wanted: how many; 0 is one for each core this process may use.

    Returns:
        How many there are now.
    """
    import scipy.linalg  # noqa: F401  # brings a BLAS of its own, which must be there to be told
    import torch
    from threadpoolctl import threadpool_limits

    threads = wanted or available_cores()
    torch.set_num_threads(threads)
    threadpool_limits(threads)
    return threads
