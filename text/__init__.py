"""Text of nodes, encoded with a language model, cached by content."""

from .budget_tokens import TokenBudget, token_budget
from .cache import CachedEncoder
from .clean import clean_texts
from .clean_report import CleaningFinding, CleaningReport
from .config import Prompts, StoredVectors, TextConfig
from .encoder import Role, TextEncoder
from .endpoint_config import EndpointConfig
from .features import TextFeatures, text_features
from .load import load_encoder
from .lora_config import LoraConfig
from .precomputed import PrecomputedVectors, read_vectors
from .reduce import Reduction, reduced
from .reduce_config import ReduceConfig
from .verbalise import NodeText, Verbaliser
from .verbalise_config import VerbaliseConfig

__all__ = [
    "CachedEncoder",
    "CleaningFinding",
    "CleaningReport",
    "EndpointConfig",
    "LoraConfig",
    "NodeText",
    "PrecomputedVectors",
    "Prompts",
    "ReduceConfig",
    "Reduction",
    "Role",
    "StoredVectors",
    "TextConfig",
    "TextEncoder",
    "TextFeatures",
    "TokenBudget",
    "VerbaliseConfig",
    "Verbaliser",
    "clean_texts",
    "load_encoder",
    "read_vectors",
    "reduced",
    "text_features",
    "token_budget",
]
