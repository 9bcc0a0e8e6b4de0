"""plait: a knowledge-graph-centric hybrid recommender.

`import plait` is light; the public names load what they need on first use.
"""

from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .fusion import Config, Recommender, load, read_config
    from .fusion.training import train

__all__ = ["Config", "Recommender", "__version__", "load", "read_config", "train"]

_HOMES = {"train": ".fusion.training"} | dict.fromkeys(("Config", "Recommender", "load", "read_config"), ".fusion")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
