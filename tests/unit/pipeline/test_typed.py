"""From plain values to typed configs, and what is said when they don't fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from fivefold.errors import ConfigError
from fivefold.pipeline.typed import typed


@dataclass(frozen=True)
class Join:
    table: str = ""
    on: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ExampleConfig:
    key: list[str]
    folds: int = 5
    fraction: float | None = None
    joins: list[Join] = field(default_factory=list)
    named: dict[str, Join] = field(default_factory=dict)
    free: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ConfigError("too few folds", where="example.folds", got=self.folds)


def test_values_become_the_dataclass() -> None:
    config = typed(
        ExampleConfig,
        {"key": ["a"], "folds": 3, "joins": [{"table": "t", "on": ["a"]}], "free": {"x": [1]}},
        "example",
    )
    assert config == ExampleConfig(key=["a"], folds=3, joins=[Join("t", ["a"])], free={"x": [1]})


@pytest.mark.parametrize(
    ("values", "where", "words"),
    [
        ({"key": ["a"], "flods": 3}, "example.flods", ["'flods'", "did you mean 'folds'?"]),
        ({"key": ["a"], "folds": "three"}, "example.folds", ["three", "int"]),
        ({"key": ["a"], "folds": 1}, "example.folds", ["too few folds", "1"]),
        ({"folds": 3}, "example.key", ["missing"]),
        ({"key": ["a"], "joins": [{"tabel": "t"}]}, "example.joins.0.tabel", ["'table'?"]),
        ({"key": ["a"], "named": {"x": {"om": []}}}, "example.named.x.om", ["on"]),
        ({"key": ["a"], "fraction": "half"}, "example.fraction", ["half", "float"]),
        ({"key": 3.5}, "example.key", ["3.5"]),
    ],
)
def test_one_message_names_the_place_and_what_is_allowed(
    values: dict[str, Any], where: str, words: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        typed(ExampleConfig, values, "example")
    assert caught.value.where == where
    for word in words:
        assert word in str(caught.value)
