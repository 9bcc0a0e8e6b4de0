"""The main job: from a configuration to a trained recommender and its evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from ..gnn import Embeddings
from ..kg import (
    ConfigError,
    DataError,
    ItemGraph,
    KnowledgeGraph,
    Progress,
    SilentProgress,
    available_cores,
    short_names,
)
from ..loaders import Catalogue, Split, before_mapping, read_catalogue, read_graph, read_split
from ..text import TextEncoder, Verbaliser, load_encoder
from .blend import Blend, search_weights, standardised
from .config import Config
from .ease import Ease, item_entities
from .evaluation import Evaluation, HeldOut, Scorer, evaluate
from .graph_signal import GraphSignal
from .popularity import Popularity
from .recency import Recency
from .recommender import Recommender
from .signal import Audience, Scores, Signal
from .stages import Stages
from .storage import Record, save, sha256_of

__all__ = ["Trained", "fingerprint", "read_data", "scorers", "train"]

VALIDATION_USERS = 4000
"""Most users that early stopping and the choice of penalties look at."""


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


def train(config: Config, *, progress: Progress | None = None) -> Trained:
    """Do the main job: read, split, encode, fit every signal, blend, evaluate.

    Choices are made on validation; test is looked at once, at the end. Ctrl-C during the training of a net ends
    that training, keeps the best so far and goes on; the record says so.

    Args:
        config: all there is to choose.
        progress: told about every stage.

    Raises:
        PlaitError: if the configuration or the data cannot be used; nothing is written here in any case.
    """
    stages = Stages(progress or SilentProgress())
    threads = _set_threads(config.threads)
    rng = np.random.default_rng(config.seed)
    split, catalogue = read_data(config, stages, rng)
    # Now, not at the end of a long training: by then a file may be another.
    data = fingerprint(config)
    text = _encode(config, catalogue, stages)
    held_out = HeldOut.of(split, "valid")
    if len(held_out.users) == 0:
        raise ConfigError(
            f"no user of the validation part has a history in train ({held_out.cold} have none): there is nothing to "
            "choose by; take split.strategy temporal_per_user, or an earlier split (a larger split.valid)"
        )
    signals: dict[str, Signal] = {"popularity": Popularity.fit(split.positives())}
    plain, signals["ease"], ease_choice = _fit_ease(config, split, catalogue, held_out, stages)
    ablations: dict[str, Signal] = {"ease, no graph": plain}
    details: dict[str, Any] = {"threads": threads, "ease": ease_choice}
    if config.evaluation.ablations:
        bare = ItemGraph.without_graph(split.items)
        net, _ = _fit_net(config, split, bare, None, held_out, stages, "graph net without graph")
        ablations["gnn, no graph"] = net
    signals["gnn"], details["gnn"] = _fit_net(config, split, catalogue.graph, text, held_out, stages, "graph net")
    recency = _fit_recency(config, {**signals, **ablations}, held_out, stages, rng)
    blend = _fit_blend(config, signals, recency, held_out, stages, rng)
    with stages.stage("evaluate") as stage:
        evaluation = evaluate(scorers(signals, ablations, blend, recency), split, config.evaluation)
        stage.result(f"{evaluation.users['valid']:,} validation and {evaluation.users['test']:,} test users")
    recommender = _assemble(split, catalogue, blend)
    details["recency"] = {name: asdict(choice) for name, choice in recency.items()}
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
    mapped = None
    if config.data.graph is not None:
        with stages.stage("read graph") as stage:
            mapped = read_graph(
                config.data.graph,
                on_progress=stage.update,
                before=before_mapping(config.data, split),
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


def _set_threads(wanted: int) -> int:
    import torch

    threads = wanted or available_cores()
    torch.set_num_threads(threads)
    return threads


def _device(config: Config) -> Any:
    from ..gnn.training import choose_device

    try:
        return choose_device(config.device)
    except (ValueError, RuntimeError) as error:
        raise ConfigError(f"device: {error}") from error


def _encode(config: Config, catalogue: Catalogue, stages: Stages) -> npt.NDArray[np.float32] | None:
    """Text vectors of items and entities in node order, shape (items + entities, t); None if text is off."""
    if config.text is None:
        return None
    texts = _texts(config, catalogue)
    if not any(texts):
        return None
    with stages.stage("encode texts", len(texts)) as stage:
        encoder: TextEncoder = load_encoder(config.text, device=str(_device(config)))
        vectors = encoder.encode(texts, on_progress=stage.update)
        reused = getattr(encoder, "reused", 0)
        stage.result(f"{len(texts):,} texts of items and entities, {reused:,} of them known from before")
    return vectors


def _texts(config: Config, catalogue: Catalogue) -> list[str]:
    """Texts of items, then of entities: from the graph where it knows the node, else from the item table."""
    graph, knowledge, schema = catalogue.graph, catalogue.knowledge, catalogue.schema
    texts = list(catalogue.table.texts)
    if knowledge is None or schema is None:
        return texts
    verbaliser = Verbaliser(knowledge, schema, catalogue.labels, config.verbalise)
    linked = np.flatnonzero(catalogue.item_entity >= 0)
    for item, told in zip(linked, verbaliser.tell(catalogue.item_entity[linked]), strict=True):
        texts[item] = told.text
    around = knowledge.entities.numbers(graph.entities.to_arrow())
    return texts + [told.text for told in verbaliser.tell(around)]


def _fit_ease(
    config: Config, split: Split, catalogue: Catalogue, held_out: HeldOut, stages: Stages
) -> tuple[Ease, Ease, dict[str, Any]]:
    """EASE on interactions alone and with entities, each with the penalty that validates best."""
    if len(split.items) > config.ease.max_items:
        raise ConfigError(
            f"EASE needs a matrix of {len(split.items):,} x {len(split.items):,} items "
            f"({len(split.items) ** 2 * 4 / 2**30:.1f} GiB); raise ease.max_items if there is memory for six of it"
        )
    history = split.positives().matrix()
    entities = item_entities(catalogue.graph)
    weights = [w for w in config.ease.entity_weight if w > 0] if entities.nnz else []
    grid = [(l2, weight) for weight in (0.0, *weights) for l2 in config.ease.l2]
    k = config.evaluation.ks[0]
    best: dict[bool, tuple[float, Ease, dict[str, float]]] = {}
    watched = held_out.sample(VALIDATION_USERS, np.random.default_rng(config.seed))
    with stages.stage("fit EASE", len(grid)) as stage:
        for done, (l2, weight) in enumerate(grid, start=1):
            try:
                model = Ease.fit(history, entities, l2=l2, entity_weight=weight)
            except ValueError as error:
                raise ConfigError(f"ease: {error}") from error
            value = watched.ndcg(model.score(watched.audience()), k)
            for with_graph in {False, True} if weight == 0 else {True}:
                if with_graph not in best or value > best[with_graph][0]:
                    best[with_graph] = (value, model, {"l2": l2, "entity_weight": weight, "valid_ndcg": value})
            stage.update(done, note=f"NDCG@{k} {max(entry[0] for entry in best.values()):.4f}")
        chosen = best[True][2]
        stage.result(f"l2 {chosen['l2']:g}, entity weight {chosen['entity_weight']:g}: NDCG@{k} {best[True][0]:.4f}")
    return best[False][1], best[True][1], {"with_graph": best[True][2], "without_graph": best[False][2]}


def _fit_net(
    config: Config,
    split: Split,
    graph: ItemGraph,
    text: npt.NDArray[np.float32] | None,
    held_out: HeldOut,
    stages: Stages,
    name: str,
) -> tuple[GraphSignal, dict[str, Any]]:
    """Train a graph net, stopped early by validation NDCG."""
    from ..gnn.training import Epoch, train_net

    k = config.evaluation.ks[0]
    watched = held_out.sample(VALIDATION_USERS, np.random.default_rng(config.seed))

    def validate(embeddings: Embeddings) -> float:
        return watched.ndcg(GraphSignal(embeddings).score(watched.audience()), k)

    with stages.stage(f"train {name}", config.gnn.epochs) as stage:

        def tell(epoch: Epoch) -> None:
            best = f", best NDCG@{k} {epoch.best:.4f}" if np.isfinite(epoch.best) else ""
            stage.update(epoch.number, note=f"loss {epoch.loss:.3f}{best}")

        result = train_net(
            split.positives(),
            graph,
            text,
            config.gnn,
            validate=validate,
            seed=config.seed,
            device=_device(config),
            on_epoch=tell,
        )
        stopped = "interrupted" if result.interrupted else f"{result.epochs} epochs"
        stage.result(f"{stopped}, best {result.best_epoch}: NDCG@{k} {result.best_metric:.4f}")
    names = ("user-item", *short_names(graph.relations))
    weights = dict(zip((*names, *(f"inverse {n}" for n in names)), result.relation_weights.tolist(), strict=True))
    details = {
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "best_metric": result.best_metric,
        "interrupted": result.interrupted,
        "relation_weights": weights,
    }
    return GraphSignal(result.embeddings), details


def _fit_recency(
    config: Config, signals: Mapping[str, Signal], held_out: HeldOut, stages: Stages, rng: np.random.Generator
) -> dict[str, Recency]:
    """How much recent items count for each signal, by validation; popularity looks at no history."""
    k = config.evaluation.ks[0]
    sample = held_out.sample(config.blend.max_users, rng)
    choices = config.recency.choices()
    chosen: dict[str, Recency] = {}
    named = {name: signal for name, signal in signals.items() if not isinstance(signal, Popularity)}
    with stages.stage("weigh recent items", len(named) * len(choices)) as stage:
        for number, (name, signal) in enumerate(named.items()):
            best = -np.inf
            for tried, recency in enumerate(choices, start=1):
                value = sample.ndcg(signal.score(sample.audience().recent(recency)), k)
                if value > best:
                    chosen[name], best = recency, value
                stage.update(number * len(choices) + tried, note=name)
        stage.result("last item +" + ", ".join(f"{r.boost:g} ({name})" for name, r in chosen.items()))
    return chosen


def _fit_blend(
    config: Config,
    signals: Mapping[str, Signal],
    recency: Mapping[str, Recency],
    held_out: HeldOut,
    stages: Stages,
    rng: np.random.Generator,
) -> Blend:
    k = config.evaluation.ks[0]
    sample = held_out.sample(config.blend.max_users, rng)
    with stages.stage("weigh signals") as stage:
        parts = {
            name: standardised(signal.score(sample.audience().recent(recency.get(name, Recency()))), sample.seen)
            for name, signal in signals.items()
        }
        weights, value = search_weights(parts, lambda scores: sample.ndcg(scores, k), config.blend.step)
        shown = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items())
        stage.result(f"{shown}: NDCG@{k} {value:.4f}")
    return Blend(signals, weights, {name: recency[name] for name in signals if name in recency})


def scorers(
    signals: Mapping[str, Signal], ablations: Mapping[str, Signal], blend: Blend, recency: Mapping[str, Recency]
) -> dict[str, Scorer]:
    """What is evaluated, in the order of the table."""
    order = ("popularity", "ease, no graph", "ease", "gnn, no graph", "gnn")
    every = {**signals, **ablations}
    alone = {name: _scorer(every[name], recency.get(name, Recency())) for name in order if name in every}
    return {**alone, "blend": blend.score}


def _scorer(signal: Signal, recency: Recency) -> Scorer:
    """A signal alone; what has been seen is no matter to it."""

    def score(audience: Audience, _: sp.csr_array) -> Scores:
        return signal.score(audience.recent(recency))

    return score


def _assemble(split: Split, catalogue: Catalogue, blend: Blend) -> Recommender:
    """The recommender that knows train and validation as history."""
    trained = np.zeros(len(split.users), dtype=bool)
    trained[split.positives().user] = True
    titles: pa.Array = catalogue.titles
    return Recommender(split.users, titles, catalogue.graph, blend, split.history("test"), split.seen("test"), trained)


def fingerprint(config: Config) -> dict[str, str]:
    """SHA-256 of every input file, by name."""
    files = [*config.data.files(), *config.split.files()]
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
