"""Sentences that describe the two poles of a review, in pairs about the same things."""

from __future__ import annotations

__all__ = ["NEGATIVE", "POSITIVE"]

# Both poles speak of the same things with like words, negated ones too, so that their difference is neither a topic nor
# the presence of a "not".
_SUBJECTS = ("it", "the product", "the quality", "the material", "the story", "the service", "the size", "the sound")
_PAIRS = (
    ("{} is excellent", "{} is terrible"),
    ("{} is very good", "{} is very bad"),
    ("I love {}", "I hate {}"),
    ("I am very happy with {}", "I am very disappointed with {}"),
    ("{} is great and works perfectly", "{} is awful and does not work"),
    ("{} is not bad at all", "{} is not good at all"),
    ("{} is better than expected", "{} is worse than expected"),
    ("there is nothing wrong with {}", "there is nothing good about {}"),
    ("I would recommend it because of {}", "I would not recommend it because of {}"),
    ("I have no complaints about {}", "I have many complaints about {}"),
)

POSITIVE = tuple(good.format(subject) for good, _ in _PAIRS for subject in _SUBJECTS)
"""What those say who are content."""

NEGATIVE = tuple(bad.format(subject) for _, bad in _PAIRS for subject in _SUBJECTS)
"""What those say who are not: sentence by sentence the opposites."""
