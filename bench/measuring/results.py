"""Files of results: what was measured, on what, and which runs are done; the figures of each user beside, uncommitted."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.fusion import Config
from plait.fusion.evaluation import PerUser, read_per_user
from plait.fusion.training import fingerprint
from plait.kg import ConfigError, whole_file

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "bench" / "results"
CACHE = "results-cache"
"""Name of the folder for figures of single users, beside that of the results: they are derived from the data."""
OF_THE_MACHINE = ("seed", "device", "threads")
"""Keys of a configuration that do not make it another."""


def shortened(value: Any) -> Any:
    """The same record with absolute paths cut to folder and name: where the data lies differs between machines."""
    if isinstance(value, Mapping):
        return {shortened(key): shortened(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shortened(item) for item in value]
    if isinstance(value, str) and Path(value).is_absolute():
        return "/".join(Path(value).parts[-2:])
    return value


def digest(value: Any) -> str:
    """Of a JSON-ready record."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def identity(config: Config, **more: Any) -> dict[str, str]:
    """What two runs must share to be told together: all settings but the seed, and every byte of the data."""
    settings = shortened(config.model_dump(mode="json", by_alias=True, exclude=set(OF_THE_MACHINE)))
    return {"config": digest({**settings, **more}), "data": digest(shortened(fingerprint(config)))}


def code() -> str:
    """Digest of the package's own source, to tell when figures are of different states of it."""
    found = hashlib.sha256()
    for path in sorted(ROOT.rglob("*.py")):
        part = path.relative_to(ROOT).parts
        if part[0] not in ("tests", "bench", "examples") and not any(name.startswith(".") for name in part):
            found.update("/".join(part).encode() + path.read_bytes())
    return found.hexdigest()[:16]


@dataclass(frozen=True)
class ResultsFile:
    """The results of one benchmark on one configuration.

    Attributes:
        path: the JSON file; what it holds may be committed.
        kind: which benchmark it is of.
        identity: what its runs share.
    """

    path: Path
    kind: str
    identity: Mapping[str, str]

    @property
    def cache(self) -> Path:
        """Folder of the figures of single users."""
        return self.path.parent.parent / CACHE / self.path.stem

    def cache_of(self, run: int | str) -> Path:
        """Folder of one run's."""
        return self.cache / str(run)

    def read(self) -> dict[str, Any]:
        """What is kept; empty where there is nothing, or only of another configuration or other data."""
        kept = read_results(self.path) if self.path.is_file() else None
        if kept is None or (kept["kind"], kept["identity"]) != (self.kind, dict(self.identity)):
            return {}
        return kept

    def write(self, content: Mapping[str, Any]) -> None:
        """Write all there is; the file appears whole. One of another configuration or other data is laid aside first."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_file() and not self._goes_on():
            self._lay_aside()
        whole = {"kind": self.kind, "identity": dict(self.identity), **content}
        with whole_file(self.path) as temporary:
            temporary.write_text(json.dumps(whole, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    def _goes_on(self) -> bool:
        """Whether what is there is of these runs."""
        try:
            return bool(self.read())
        except ConfigError:
            return False

    def _lay_aside(self) -> None:
        """Move what is there into the cache: it may have taken hours."""
        self.make_cache()
        old = hashlib.sha256(self.path.read_bytes()).hexdigest()[:8]
        shutil.move(self.path, self.cache / f"earlier-{old}.json")

    def make_cache(self) -> None:
        """Make the folder of the users' figures, with a note that keeps it out of version control."""
        self.cache.mkdir(parents=True, exist_ok=True)
        (self.cache.parent / ".gitignore").write_text("*\n", encoding="utf-8")

    def per_user(self, runs: Sequence[int | str]) -> list[PerUser]:
        """The figures of each user by each of some runs.

        Raises:
            ConfigError: if those of a run are not here.
        """
        found = [read_per_user(self.cache_of(run)) for run in runs]
        for run, figures in zip(runs, found, strict=True):
            if figures is None:
                raise ConfigError(
                    f"holds no figures of the users of run {run}: they stay on the machine that made them; --anew "
                    "makes them here",
                    path=self.cache,
                )
        return [figures for figures in found if figures is not None]


def read_results(path: Path) -> dict[str, Any]:
    """One file of results.

    Raises:
        ConfigError: if it is damaged.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found["kind"], str) or not isinstance(found["identity"], dict):
            raise TypeError("no kind, or no identity")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"these results are damaged ({error}); remove the file, or use --anew", path=path) from error
    return found
