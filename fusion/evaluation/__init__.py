"""What a recommender is worth: rankings of held-out users, measured, compared and kept."""

from .config import EvaluationConfig, SliceConfig
from .evaluate import BATCH, Scorer, evaluate, rank
from .facts import Facts
from .groups import Groups
from .held_out import VALIDATION_USERS, HeldOut, digest_of_test
from .per_user import PerUser, read_per_user, write_per_user
from .result import Evaluation, Row
from .slices import Slice, largest_gap

__all__ = [
    "BATCH",
    "VALIDATION_USERS",
    "Evaluation",
    "EvaluationConfig",
    "Facts",
    "Groups",
    "HeldOut",
    "PerUser",
    "Row",
    "Scorer",
    "Slice",
    "SliceConfig",
    "digest_of_test",
    "evaluate",
    "largest_gap",
    "rank",
    "read_per_user",
    "write_per_user",
]
