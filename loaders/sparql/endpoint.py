"""A knowledge graph read from a SPARQL 1.1 endpoint."""

from __future__ import annotations

import os
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from ...kg import ConfigError, DataError, KnowledgeGraph, Update
from ...kg.addresses import split_address
from ..graph_options import GraphOptions
from .pages import PagedReading
from .queries import Selection, iri_term
from .retries import PatientClient
from .secrecy import is_local

__all__ = ["SparqlGraph", "read_sparql"]


def _iri(text: str) -> str:
    try:
        iri_term(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no absolute IRI ({error}); write it in full, without < and >") from None
    return text


def _endpoint(text: str) -> str:
    parts, named = split_address(text, "URL", "https://example.org/sparql")
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.fragment
        or not text.isprintable()
        or " " in text
    ):
        raise ValueError("an http or https URL is wanted, such as https://example.org/sparql")
    if named:
        raise ValueError(
            "a URL with a user or a password in it is refused; put them into environment variables, and name these in "
            "`user_env` and `password_env`"
        )
    if "?" in text:
        # The URL is saved with the model, and stands in messages.
        raise ValueError(
            "a URL with a query string is refused, as that may hold a key; put the values of its parameters into "
            "environment variables, and name these in `params_env`, such as {key: SHOP_KEY}"
        )
    return text


Iri = Annotated[str, AfterValidator(_iri)]
Name = Annotated[str, Field(min_length=1)]


class SparqlGraph(GraphOptions):
    """A graph behind a SPARQL 1.1 endpoint."""

    model_config = ConfigDict(hide_input_in_errors=True)

    source: Literal["sparql"]

    endpoint: Annotated[str, AfterValidator(_endpoint)]
    """URL that answers queries, http or https, without user, password and query string."""

    named_graph: Iri | None = None
    """IRI of the graph to read; the endpoint's default graph if absent."""

    classes: tuple[Iri, ...] = ()
    """Only subjects that have one of these as rdf:type; all if empty."""

    relations: tuple[Iri, ...] = ()
    """Only triples with these predicates, those of literals included; rdf:type is always among them. All if empty."""

    exclude: tuple[Iri, ...] = ()
    """No triples with these predicates."""

    user_env: str | None = Field(default=None, min_length=1)
    """Environment variable that holds the user's name."""

    password_env: str | None = Field(default=None, min_length=1)
    """Environment variable that holds the password."""

    token_env: str | None = Field(default=None, min_length=1)
    """Environment variable that holds a bearer token; instead of user and password."""

    params_env: dict[Name, Name] = Field(default_factory=dict)
    """Parameters that follow the URL in every request, such as an API key: name, and environment variable that holds
    the value."""

    insecure: bool = False
    """Whether user and password, token or parameters may travel unencrypted, over http, to another machine."""

    page_size: PositiveInt = 20_000
    """Most triples, and most subjects, asked at once; 10,000 suits endpoints that cut larger answers."""

    timeout: PositiveFloat = 60.0
    """Seconds without a byte after which a request is given up."""

    retries: int = Field(default=5, ge=0, le=20)
    """Attempts after the first, where the connection fails or the server is busy."""

    backoff: PositiveFloat = 0.5
    """Seconds before the second attempt, about; every further pause is twice as long."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.user_env is None) != (self.password_env is None):
            raise ValueError("`user_env` and `password_env` belong together; state both")
        if self.token_env is not None and self.user_env is not None:
            raise ValueError("state `token_env`, or `user_env` and `password_env`, not all")
        if taken := {"query", "update"} & self.params_env.keys():
            raise ValueError(f"`params_env` holds {min(taken)!r}, which the protocol itself uses; leave it out")
        return self

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Self:
        parts = urlsplit(self.endpoint)
        secret = self.user_env is not None or self.token_env is not None or bool(self.params_env)
        if secret and parts.scheme == "http" and not self.insecure and not is_local(parts.hostname or ""):
            raise ValueError(
                "over http, everybody on the way reads the password, token or parameters; use https, or state "
                "`insecure: true` if the network between is your own"
            )
        return self


def read_sparql(
    config: SparqlGraph, *, on_progress: Update | None = None, rng: np.random.Generator | None = None
) -> KnowledgeGraph:
    """Read a graph from an endpoint, page by page; the ids are those that `read_rdf` gives the same data.

    Blank nodes have the names that the endpoint gives them in one answer; another reading may find others.

    Args:
        config: what to read and where.
        on_progress: told how many triples have been read, of how many, and of pauses.
        rng: draws the jitter of the pauses between attempts, which changes nothing in the graph.

    Raises:
        ConfigError: if an environment variable is missing.
        DataError: if the endpoint cannot be reached, refuses, leaves triples out or changes meanwhile, or if there is
            no triple.
    """
    selection = Selection(config.named_graph, config.classes, config.relations, config.exclude)

    def paused(note: str) -> None:
        if on_progress is not None:
            on_progress(reading.collector.rows, reading.total or None, note)

    with PatientClient(
        config.endpoint,
        auth=_user(config),
        token=_token(config),
        params={name: _secret(variable) for name, variable in config.params_env.items()},
        timeout=config.timeout,
        retries=config.retries,
        backoff=config.backoff,
        rng=np.random.default_rng() if rng is None else rng,
        on_pause=paused,
    ) as client:
        reading = PagedReading(client, selection, config.page_size, on_progress)
        reading.run()
    if reading.total == 0:
        raise DataError(_nothing(config))
    return reading.collector.graph()


def _user(config: SparqlGraph) -> tuple[str, str] | None:
    if config.user_env is None or config.password_env is None:
        return None
    return _secret(config.user_env), _secret(config.password_env)


def _token(config: SparqlGraph) -> str | None:
    token = None if config.token_env is None else _secret(config.token_env)
    if token is not None and not token.isascii():
        raise ConfigError(f"the environment variable {config.token_env} holds no bearer token: these are ASCII")
    return token


def _secret(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError(f"the environment variable {variable} is not set; it should hold what the endpoint asks for")
    if not value.isprintable():
        raise ConfigError(f"the environment variable {variable} holds a line break or another control character")
    return value


def _nothing(config: SparqlGraph) -> str:
    where = "its default graph" if config.named_graph is None else f"the graph <{config.named_graph}>"
    narrow = [name for name in ("classes", "relations", "exclude") if getattr(config, name)]
    remedy = f"loosen `{'`, `'.join(narrow)}`" if narrow else "state the right `named_graph`, or fill it"
    return f"{config.endpoint} has no triple to read in {where}; {remedy}"
