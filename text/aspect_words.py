"""English words that tell where a noun stands, and those that are no aspect."""

from __future__ import annotations

__all__ = ["CLOSERS", "GENERIC", "OPENERS", "STOP"]

_DETERMINERS = "a an the this that these those my your his her its our their some any no every each all both such what"
_PREPOSITIONS = "of in on at by for with without from to into about over under than as like between because"
_BE = (
    "is are was were be been being isnt arent wasnt werent has have had hasnt does do did doesnt didnt dont will would wont "
    "can could cant should may might must seems seem feels feel looks look works work worked fits broke breaks lasts lasted "
    "came comes gets got goes went stays stopped failed fell exceeded never ever also really just only"
)
_CONJUNCTIONS = "and or but nor so if when while after before until since though although yet however then once"
_PRONOUNS = (
    "i you he she it we they me him us them myself itself who which where whose there here one ones anyone nobody"
)
_PRAISE = (
    "good great excellent perfect amazing awesome fantastic wonderful nice best better superb brilliant lovely beautiful fine "
    "decent solid sturdy impressive outstanding happy pleased satisfied delighted comfortable easy"
)
_BLAME = (
    "bad terrible awful horrible poor worst worse useless dreadful cheap flimsy weak disappointing disappointed annoying "
    "defective broken faulty mediocre average ok okay unhappy angry shoddy difficult hard"
)
_DEGREE = "very too so quite rather pretty more most less least much many few little enough almost hardly not no never"
_VERBS = (
    "love loved loves hate hated like liked likes dislike enjoy enjoyed recommend bought buy buying purchased ordered order "
    "received returned return use used uses using make makes made think thought say said know want wanted need needed try "
    "tried give given take took see saw find found expected expect wish hope impressed annoyed thanks thank call fault let "
    "down up out off again well even still back now today regret complain put keep kept told tell does came"
)
_NUMBERS = "one two three four five six seven eight nine ten zero first second third last"

OPENERS = frozenset(f"{_DETERMINERS} {_PREPOSITIONS} {_PRAISE} {_BLAME} {_VERBS} ,".split()) - {"that", "what"}
"""Words after which a noun phrase begins."""

CLOSERS = frozenset(f"{_BE} {_PREPOSITIONS} {_CONJUNCTIONS} {_PRONOUNS} very too again that ,".split())
"""Words before which one has ended."""

STOP = frozenset(
    f"{_DETERMINERS} {_PREPOSITIONS} {_BE} {_CONJUNCTIONS} {_PRONOUNS} {_PRAISE} {_BLAME} {_DEGREE} {_VERBS} {_NUMBERS}".split()
)
"""Words that no phrase holds."""

GENERIC = frozenset(
    [
        "product",
        "products",
        "item",
        "items",
        "thing",
        "things",
        "stuff",
        "purchase",
        "seller",
        "amazon",
        "star",
        "stars",
        "review",
        "reviews",
        "way",
        "lot",
        "bit",
        "kind",
        "sort",
        "time",
        "times",
        "day",
        "days",
        "week",
        "weeks",
        "month",
        "months",
        "year",
        "years",
        "hour",
        "hours",
        "people",
        "person",
        "someone",
        "everyone",
        "brother",
        "sister",
        "wife",
        "husband",
        "son",
        "daughter",
        "friend",
        "mother",
        "father",
        "mom",
        "dad",
        "problem",
        "problems",
        "issue",
        "issues",
        "complaint",
        "complaints",
        "reason",
        "money",
        "everything",
        "anything",
        "nothing",
        "something",
        "fact",
        "end",
        "rest",
        "point",
        "place",
    ]
)
"""Nouns that every review uses, of any item."""
