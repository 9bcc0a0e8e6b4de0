"""The main job: from a configuration to a trained recommender and its evaluation."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from ..kg import (
    ConfigError,
    DataError,
    KnowledgeGraph,
    Progress,
    SilentProgress,
)
from ..loaders import Catalogue, Split, before_mapping, read_catalogue, read_graph, read_split
from .blending.blend import Blend
from .blending.pool import ItemFacts
from .config import Config
from .evaluation import Evaluation, Facts, HeldOut, Scorer, digest_of_test, evaluate
from .fitting import device_of, fit_blend, fit_recency
from .item_prices import item_prices
from .neo4j_paths import places_of
from .recommender import Recommender
from .review_stage import read_reviews_of
from .signal_stage import fit_ablations, fit_signals, refitted
from .signals.material import Material
from .signals.popularity import Popularity
from .signals.recency import Recency
from .signals.registry import ORDER
from .signals.signal import Audience, Scores, Signal
from .signals.text_signal import text_vectors
from .stages import Stages
from .storage import Record, save, sha256_of
from .text_stage import EncodedTexts, encode_nodes
from .threads import set_threads

__all__ = ["Trained", "fingerprint", "read_data", "scorers", "train"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained recommender, and the record of how it came about.

    Attributes:
        recommender: answers.
        record: config, evaluation, choices, stages.
        catalogue: the items and the graph, as read.
        split: what was held out.
    """

    recommender: Recommender
    record: Record
    catalogue: Catalogue
    split: Split

    @property
    def evaluation(self) -> Evaluation:
        """How all signals and the blend did."""
        return self.record.evaluation

    def save(self, folder: str | Path) -> None:
        """Write the model folder that `plait.load` reads.

        Raises:
            ModelError: if the target exists and is no model folder.
        """
        save(self.recommender, self.record, folder)


def train(config: Config, *, progress: Progress | None = None, checkpoints: str | Path | None = None) -> Trained:
    """Do the main job: read, split, encode, fit every signal, blend, evaluate.

    Choices are made on validation; test is looked at once, at the end. Ctrl-C during the training of a net ends
    that training, keeps the best so far and goes on; during the last fit (`refit`) it leaves the model as it was fitted
    on train. The record says so.

    Args:
        config: all there is to choose.
        progress: told about every stage.
        checkpoints: a folder that the training of each graph net is written to at every look, and taken up from where it
            is there already: the result is the same to the bit. Files stay there. Nothing else is written.

    Raises:
        ModelError: if a checkpoint is of a training with other data or settings.
        PlaitError: if the configuration or the data cannot be used.
    """
    folder = None if checkpoints is None else Path(checkpoints)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    stages = Stages(progress or SilentProgress())
    threads = set_threads(config.threads)
    rng = np.random.default_rng(config.seed)
    split, catalogue = read_data(config, stages, rng)
    # Now, not at the end of a long training: by then a file may be another.
    data = fingerprint(config)
    held_out = HeldOut.of(split, "valid")
    if len(held_out.users) == 0:
        raise ConfigError(
            f"no user of the validation part has a history in train ({held_out.cold} have none): there is nothing to "
            "choose by; take split.strategy temporal_per_user, or an earlier split (a larger split.valid)"
        )
    facts = Facts.of(split, config.evaluation, catalogue.graph)
    text = encode_nodes(config, catalogue, stages, str(device_of(config)), split=split, held_out=held_out)
    material = Material(
        split.positives(),
        catalogue.graph,
        None if text is None else text.items,
        config.seed,
        str(device_of(config)),
        folder,
    )
    fits = fit_signals(config, material, text, held_out, stages)
    signals = {name: fitted.signal for name, fitted in fits.items()}
    ablations = fit_ablations(config, material, text, held_out, stages)
    recency = fit_recency(config, {**signals, **ablations}, held_out, stages, rng)
    known = ItemFacts.of(Popularity.fit(material.positives).counts, catalogue.graph)
    blend, told = fit_blend(config, signals, recency, known, held_out, stages, rng)
    with stages.stage("evaluate") as stage:
        facts = facts.with_text(text_vectors(signals.get("text")))
        evaluation = evaluate(scorers(signals, ablations, blend, recency), split, config.evaluation, facts=facts)
        stage.result(f"{evaluation.users['valid']:,} validation and {evaluation.users['test']:,} test users")
    refit = False
    if config.refit:
        try:
            blend, refit = refitted(config, blend, fits, material, split, text, stages), True
        except KeyboardInterrupt:
            log.warning("the last fit was interrupted: the model is the one fitted on train alone")
    if refit:
        with stages.stage("evaluate the last fit") as stage:
            measure = config.evaluation.model_copy(update={"train_history": False})
            again = evaluate({"blend, refit": blend.score}, split, measure, ("test",), facts)
            evaluation = evaluation.joined(again)
            stage.result("fitted on train and validation")
    recommender = _assemble(split, catalogue, blend, text, refit=refit)
    details: dict[str, Any] = {"threads": threads, "refit": refit, "blend": told}
    details |= {name: dict(fitted.details) for name, fitted in fits.items() if fitted.details}
    details["text"] = None if text is None else dict(text.details)
    details["recency"] = {name: asdict(choice) for name, choice in recency.items()}
    details["held_out"] = digest_of_test(split)
    details |= {"stages": stages.as_records(), "data": data, "schema": _schema_record(catalogue)}
    details["mapping"] = [] if catalogue.mapped is None else [str(step) for step in catalogue.mapped.steps]
    record = Record(config.model_dump(mode="json", by_alias=True), evaluation, details)
    return Trained(recommender, record, catalogue, split)


def read_data(config: Config, stages: Stages, rng: np.random.Generator) -> tuple[Split, Catalogue]:
    """Read graph and interactions, link and split them."""
    with stages.stage("read interactions") as stage:
        split, report = read_split(config.data, config.split, rng)
        rows = sum(map(len, (split.train, split.valid, split.test)))
        dropped = "".join(f"; {part.rows:,} dropped: {part.rule}" for part in report.dropped if part.rows)
        if report.duplicates:
            dropped += f"; {report.duplicates:,} repeated pairs dropped"
        stage.result(f"{rows:,} of {len(split.users):,} users with {len(split.items):,} items{dropped}")
    before = before_mapping(config.data, split)
    if config.data.reviews is not None:
        opinions = read_reviews_of(config, config.data.reviews, split, report, stages)
        split = opinions.weighed(split)
        before = opinions.then_aspects(before, split, config.data.links)
    mapped = None
    if config.data.graph is not None:
        with stages.stage("read graph") as stage:
            mapped = read_graph(
                config.data.graph,
                on_progress=stage.update,
                before=before,
                without=config.data.interaction_relationships,
            )
            shaped = "".join(f"; {step}" for step in mapped.steps if step.dropped)
            stage.result(f"{mapped.graph.n_entities:,} entities, {mapped.graph.n_triples:,} triples{shaped}")
    with stages.stage("link items to graph") as stage:
        catalogue = read_catalogue(config.data, split.items, mapped, split)
        linked = int((catalogue.item_entity >= 0).sum())
        if mapped is not None and linked == 0:
            raise _nothing_linked(config, catalogue, mapped.graph)
        told = catalogue.held_out_triples
        without = f", {told:,} triples that tell held-out interactions taken out" if told else ""
        around = f"{len(catalogue.graph.entities):,} entities around"
        stage.result(f"{linked:,} of {len(catalogue.items):,} items linked, {around}{without}")
    catalogue = replace(catalogue, places=places_of(config.data, catalogue, report))
    return split.with_items(catalogue.items), catalogue


def _nothing_linked(config: Config, catalogue: Catalogue, graph: KnowledgeGraph) -> DataError:
    """What to say where no item is in the graph: an id of either side, and the way from one to the other."""
    ids = f"items are called such as {catalogue.items.id(0)!r}, entities {graph.entities.id(0)!r}"
    links = config.data.links
    if links is not None and links.path is not None:
        return DataError(
            f"no item is linked to an entity of the graph, though the file links some: {ids}; see that its columns hold "
            "the log's ids and the graph's",
            path=links.path,
        )
    spaces = (
        "; item_space leaves those of the items' id space as they are"
        if hasattr(config.data.graph, "item_space")
        else ""
    )
    return DataError(f"no item has an entity of the same id: {ids}; give a map under data.links{spaces}")


def scorers(
    signals: Mapping[str, Signal], ablations: Mapping[str, Signal], blend: Blend, recency: Mapping[str, Recency]
) -> dict[str, Scorer]:
    """What is evaluated, in the order of the table: each signal after its ablations, then the blend."""
    order: list[str] = []
    for name in ORDER:
        order += [other for other in ablations if other.partition(",")[0] == name]
        order += [name] * (name in signals)
    every = {**signals, **ablations}
    alone = {name: _scorer(every[name], recency.get(name, Recency())) for name in order}
    return {**alone, "blend": blend.score}


def _scorer(signal: Signal, recency: Recency) -> Scorer:
    """A signal alone; what has been seen is no matter to it."""

    def score(audience: Audience, _: sp.csr_array) -> Scores:
        return signal.score(audience.recent(recency))

    return score


def _assemble(
    split: Split, catalogue: Catalogue, blend: Blend, text: EncodedTexts | None, *, refit: bool
) -> Recommender:
    """The recommender that knows train and validation as history."""
    trained = np.zeros(len(split.users), dtype=bool)
    trained[split.positives().user] = True
    if refit:
        trained |= np.diff(split.history("test").indptr) > 0
    titles: pa.Array = catalogue.titles
    known, places = (split.history("test"), split.seen("test")), catalogue.places
    encoder = None if text is None else text.encoder
    prices = item_prices(catalogue.knowledge, catalogue.item_entity)
    return Recommender(split.users, titles, catalogue.graph, blend, *known, trained, places, encoder, prices)


def fingerprint(config: Config) -> dict[str, str]:
    """SHA-256 of every input file, by name."""
    stored = [] if config.text is None else config.text.paths()
    files = [*config.data.files(), *config.split.files(), *config.verbalise.files(), *stored]
    return {str(path): sha256_of(path) for path in files if path.is_file()}


def _schema_record(catalogue: Catalogue) -> dict[str, Any] | None:
    schema = catalogue.schema
    if schema is None:
        return None
    return {
        "item_type": schema.item_type,
        "node_types": {node.name: node.count for node in schema.node_types},
        "relations": [[r.source, r.name, r.target, r.count] for r in schema.relations],
        "literals": {literal.name: literal.kind for literal in schema.literals},
    }
