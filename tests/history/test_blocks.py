"""Parsing block by block gives what parsing the whole gives."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.history.dvc import blocks
from fivefold.history.dvc.blocks import Blocks


def load(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


KEYS = st.sampled_from(["a", "b", "stages", "train.lr", "on", "x-y", "null", "1", "a b", "_"])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text("ab:#- \n\"'&*é", max_size=20),
    st.sampled_from(
        ["a: b", "# no comment", "line\nline:\n  deep: 1\n", "&x", "*x", "---", "'", '"']
    ),
    st.lists(st.integers(), max_size=3),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(KEYS, inner, max_size=5), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=25,
)
STYLES = st.sampled_from([None, "|", ">", '"', "'"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=6), min_size=1, max_size=4), STYLES)
def test_what_was_written_is_read_alike(values: list[dict[str, Any]], style: str | None) -> None:
    parser = Blocks(load)
    small, blocks._SMALL = blocks._SMALL, 5
    try:
        for value in values:
            text = yaml.safe_dump(value, default_style=style, sort_keys=False, allow_unicode=True)
            expected = load(text)
            for found in (parser.parse(text), parser.parse(text)):
                assert found == expected
                assert repr(found) == repr(expected)
    finally:
        blocks._SMALL = small


PIECES = st.sampled_from(
    [
        *("a:\n", "b: 1\n", "  c: 2\n", "  - x\n", "- y\n", "# note\n", "  # note\n", "\n"),
        *("  d: |\n", "    text: 1\n", "   e: 'open\n", "close'\n", "<<: *x\n", "f: &x {g: 1}\n"),
        *("---\n", "...\n", "\th: 1\n", "? i\n", ": 2\n", "j: [1,\n", "  2]\n", "k: >+\n", "  \n"),
        *("a: again\n", 'l: "m\n', 'n: o"\n', "true: 1\n", "%YAML 1.2\n", "p : 1\n", "'q': 1\n"),
        *("r:s\n", "  t:\n", "    u: {v: w}\n"),
    ]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=12))
def test_odd_texts_are_read_or_refused_alike(pieces: list[str]) -> None:
    text = "".join(pieces)
    small, blocks._SMALL = blocks._SMALL, 0
    try:
        try:
            expected = repr(load(text))
        except (yaml.YAMLError, ValueError, TypeError) as error:
            with pytest.raises(type(error)):
                Blocks(load).parse(text)
        else:
            assert repr(Blocks(load).parse(text)) == expected
    finally:
        blocks._SMALL = small


def test_what_was_seen_before_is_not_parsed_again() -> None:
    asked: list[str] = []

    def spy(text: str) -> Any:
        asked.append(text)
        return load(text)

    parser = Blocks(spy)
    section = "".join(f"  name_{number}: {number}\n" for number in range(40))
    first = f"train:\n{section}seed: 1\n"
    assert parser.parse(first) == load(first)
    asked.clear()
    second = f"train:\n{section}seed: 2\n"
    assert parser.parse(second) == load(second)
    assert asked == ["seed: 2\n"]
