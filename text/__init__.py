"""Text of nodes, encoded with a language model, cached by content."""

from .cache import CachedEncoder
from .encoder import TextConfig, TextEncoder, load_encoder
from .verbalise import NodeText, VerbaliseConfig, Verbaliser

__all__ = [
    "CachedEncoder",
    "NodeText",
    "TextConfig",
    "TextEncoder",
    "VerbaliseConfig",
    "Verbaliser",
    "load_encoder",
]
