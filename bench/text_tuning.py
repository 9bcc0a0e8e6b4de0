"""Steps a second of tuning the packaged encoder on product texts of 40 tokens, by how much of the model is tuned.

Run: OMP_NUM_THREADS=1 python bench/text_tuning.py [steps]

All run the same steps; "states kept" runs the layers below the tuned ones once for each text, which is counted apart.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from plait.kg import IdMap, Interactions
from plait.text.lora_backbone import Backbone
from plait.text.lora_config import LoraConfig
from plait.text.lora_run import Run
from plait.text.packaged import minilm_folder
from plait.text.pairs import PairSampler

_WORDS = "light hair face cream body oil lemon glass rose travel set brush gentle night organic bottle new for with the"
ITEMS, USERS, TOKENS = 256, 400, 40
CASES = {
    "upper 1, states kept": LoraConfig(layers=1),
    "upper 2, states kept": LoraConfig(layers=2),
    "upper 2": LoraConfig(layers=2, max_states_mib=0),
    "all 6": LoraConfig(layers=None),
}


def measure(config: LoraConfig, steps: int) -> tuple[float, float, float]:
    """Texts a step, seconds of processor a step, and for getting ready."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(_WORDS.split(), TOKENS - 2)) for _ in range(ITEMS)]
    user, item = np.repeat(np.arange(USERS), 6), rng.integers(0, ITEMS, USERS * 6)
    ids = IdMap([f"u{u}" for u in range(USERS)]), IdMap([f"i{i}" for i in range(ITEMS)])
    likes, present = Interactions.sorted(*ids, user, item), np.ones(ITEMS, dtype=bool)
    settings = {"users", "items_per_user", "hard_negatives", "max_history", "popularity_power"}
    sampler = PairSampler(likes, present, np.full(ITEMS, -1), seed=0, **config.model_dump(include=settings))
    backbone = Backbone.of(minilm_folder(), texts, present, config, device="cpu", pooling=None, prompts=None)
    began = time.process_time()
    run = Run(backbone, sampler, config, 0, "bench", None, None, None)
    ready = time.process_time() - began
    run.train(1)
    began = time.process_time()
    for step in range(2, steps + 2):
        run.train(step)
    drawn = np.mean([len(sampler.batch(step).items) for step in range(2, steps + 2)])
    return float(drawn), (time.process_time() - began) / steps, ready


def main() -> None:
    """Print the table."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    table = Table(
        "tuned layers", "texts a step", "CPU s a step", "steps/s", "texts/s", f"CPU s to get {ITEMS} texts ready"
    )
    for name, config in CASES.items():
        drawn, seconds, ready = measure(config, steps)
        table.add_row(
            name, f"{drawn:.0f}", f"{seconds:.2f}", f"{1 / seconds:.2f}", f"{drawn / seconds:.0f}", f"{ready:.1f}"
        )
    Console().print(f"minilm, {TOKENS} tokens a text, {torch.get_num_threads()} threads, {steps} steps", table)


if __name__ == "__main__":
    main()
