"""The search for a better configuration on validation, with trials that share what was read."""

from .best_file import check_beside, write_best
from .objective import BLEND, objective
from .plot import draw_search
from .prepared import Prepared
from .search import Search, Trial
from .space import Choices, Parameter, Range, Space, default_space, read_space
from .tune import tune
from .values import with_values

__all__ = [
    "BLEND",
    "Choices",
    "Parameter",
    "Prepared",
    "Range",
    "Search",
    "Space",
    "Trial",
    "check_beside",
    "default_space",
    "draw_search",
    "objective",
    "read_space",
    "tune",
    "with_values",
    "write_best",
]
