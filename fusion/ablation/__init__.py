"""What each part of a recommender is worth: the same without it, over several seeds."""

from .ablate import ablate
from .summary import Ablation, VariantRow
from .variants import Lacking, known_variants

__all__ = ["Ablation", "Lacking", "VariantRow", "ablate", "known_variants"]
