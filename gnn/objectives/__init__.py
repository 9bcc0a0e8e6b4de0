"""What the nets learn: the interacted item, and what may be learned beside it."""

from .bpr import bpr_loss
from .contrast import info_nce, noisy
from .denoising import Gates
from .link_prediction import LinkPrediction
from .softmax import Drawn, rows, sampled_softmax_loss, softmax_loss

__all__ = [
    "Drawn",
    "Gates",
    "LinkPrediction",
    "bpr_loss",
    "info_nce",
    "noisy",
    "rows",
    "sampled_softmax_loss",
    "softmax_loss",
]
