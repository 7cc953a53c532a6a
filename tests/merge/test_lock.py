"""Merging texts of `dvc.lock`: only entries that a side had, in the bytes that DVC writes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from dvc.utils.serialize import dumps_yaml, loads_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefold.errors import MergeError
from fivefold.merge.lock import keep_known, merge_locks, parse_lock
from fivefold.merge.values import merge_values

# The machine may be busy.
settings.register_profile("merge", deadline=None, max_examples=60)
settings.load_profile("merge")
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, width=16)
    | st.sampled_from(
        [
            "",
            "yes",
            "true",
            "1e5",
            "0x1f",
            "schema: '2.0'",
            "  clean:",
            "stages:",
            "two\nlines\n\n  and an indented one",
            "<<<<<<< a marker\n=======\n",
            "a long text " * 20,
            "ünïcode #: '\"",
            "- a list?",
        ]
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=4,
)
ENTRIES = st.fixed_dictionaries(
    {"cmd": st.sampled_from(["run", "run --fast", "echo a\necho b"])},
    optional={
        "deps": st.just([{"path": "data", "hash": "md5", "md5": "0" * 32, "size": 1}]),
        "params": st.fixed_dictionaries({"params.yaml": st.dictionaries(st.just("a"), VALUES)}),
        "outs": st.just([{"path": "model", "hash": "md5", "md5": "1" * 32, "size": 1}]),
    },
)
STAGES = st.dictionaries(
    st.sampled_from(["clean", "train", "grid@0", "grid@0.1-a b", "on", "12", "naïve"]), ENTRIES
)


def text(stages: dict[str, Any], **sections: Any) -> str:
    """Write a lock as DVC does."""
    # Copied, as the writer would name what two stages share, and DVC's stages share nothing.
    stages = {name: copy.deepcopy(stage) for name, stage in stages.items()}
    data = {"schema": "2.0", **sections}
    return dumps_yaml({**data, "stages": stages} if stages else data)


def told(value: Any) -> str:
    """Tell values apart as a reader of YAML does: by type, and whatever the order of keys."""
    if isinstance(value, dict):
        return str(sorted((key, told(item)) for key, item in value.items()))
    return str([told(item) for item in value]) if isinstance(value, list) else repr(value)


def entry(value: Any) -> dict[str, Any]:
    return {"cmd": "run", "params": {"params.yaml": {"value": value}}}


@given(STAGES, STAGES, STAGES)
def test_merge_keeps_only_what_a_side_has_and_writes_as_dvc_does(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    merged = merge_locks(text(base), text(ours), text(theirs))
    kept = loads_yaml(merged.text).get("stages") or {}
    for name in {*base, *ours, *theirs}:
        old, here, there = base.get(name), ours.get(name), theirs.get(name)
        same = [told(side) for side in (old, here, there)]
        if same[1] == same[2] or same[2] == same[0]:
            expected = here
        else:
            expected = there if same[1] == same[0] else None
        assert kept.get(name) == expected
        assert (name in merged.dropped) == (len({*same}) == 3)
    assert merged.text == text(kept)
    blocks = {
        item.text for side in (ours, theirs) for item in parse_lock(text(side)).stages.values()
    }
    assert {item.text for item in parse_lock(merged.text).stages.values()} <= blocks


@given(STAGES, STAGES, STAGES)
def test_merge_is_the_same_from_both_sides(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    there = loads_yaml(merge_locks(text(base), text(ours), text(theirs)).text)
    here = loads_yaml(merge_locks(text(base), text(theirs), text(ours)).text)
    assert there == here


@given(STAGES, STAGES)
def test_a_side_that_did_nothing_changes_nothing(
    base: dict[str, Any], ours: dict[str, Any]
) -> None:
    for merged in (
        merge_locks(text(base), text(ours), text(base)),
        merge_locks(text(base), text(ours), text(ours)),
    ):
        assert merged == type(merged)(text(ours), ())
    assert loads_yaml(merge_locks(text(base), text(base), text(ours)).text) == loads_yaml(
        text(ours)
    )


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "kept"),
    [
        pytest.param(None, 1, 2, None, id="both added, differently"),
        pytest.param(None, 1, 1, 1, id="both added the same"),
        pytest.param(None, None, 1, 1, id="one added"),
        pytest.param(1, 1, None, None, id="one deleted"),
        pytest.param(1, 2, None, None, id="one changed, one deleted"),
        pytest.param(1, None, None, None, id="both deleted"),
        pytest.param("yes", "yes", True, True, id="a text and a truth value"),
        pytest.param("1e5", "1e5", 100000.0, 100000.0, id="a text and a number"),
        pytest.param(1, 1, 1.0, 1.0, id="a whole number and a fraction"),
    ],
)
def test_rule(base: Any, ours: Any, theirs: Any, kept: Any) -> None:
    sides = [
        text({} if value is None else {"train": entry(value)}) for value in (base, ours, theirs)
    ]
    assert merge_locks(*sides).text == text({} if kept is None else {"train": entry(kept)})


def test_a_file_that_a_side_does_not_have() -> None:
    both = merge_locks("", text({"a": entry(1), "b": entry(1)}), text({"b": entry(2)}))
    assert both.text == text({"a": entry(1)})
    assert both.dropped == ("b",)
    assert merge_locks("", "", text({"a": entry(1)})).text == text({"a": entry(1)})


def test_sections_that_are_no_stages() -> None:
    one, two = ([{"name": "pets", "rev": rev}] for rev in "ab")
    merged = merge_locks(text({}, datasets=one), text({"a": entry(1)}), text({}, datasets=one))
    assert merged.text == text({"a": entry(1)})
    with pytest.raises(MergeError, match="datasets"):
        merge_locks(text({}), text({}, datasets=one), text({}, datasets=two))


def test_line_ends_and_another_style_are_no_change() -> None:
    base, ours = text({"a": entry(1), "b": entry(1)}), text({"a": entry(2), "b": entry(1)})
    assert merge_locks(base.replace("\n", "\r\n"), ours, base).text == ours
    flow = str({"schema": "2.0", "stages": {"a": entry(1)}})
    assert merge_locks(text({"a": entry(1)}), flow, ours).text == ours
    aliased = "schema: '2.0'\nstages:\n  a: &a\n    cmd: run\n  b: *a\n"
    plain = text({"a": {"cmd": "run"}, "b": {"cmd": "run"}})
    assert merge_locks("", aliased, plain).text == plain


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("schema: '1.0'\nstages: {}\n", "schema"),
        ("train:\n  cmd: run\n", "no schema"),
        ("schema: '2.0'\nstages:\n- train\n", "no mapping"),
        ("schema: '2.0'\nstages:\n  train: [\n", "not a lock"),
        ("schema: '2.0'\nstages:\n  a:\n    cmd: x\n  a:\n    cmd: y\n", "duplicate key"),
        ("schema: '2.0'\n<<<<<<< HEAD\nstages: {}\n=======\n>>>>>>> theirs\n", "conflict markers"),
        ("schema: '2.0'\nstages:\n  a: &a\n    cmd: *a\n", "holds itself"),
        ("just text", "not a lock"),
    ],
)
def test_what_is_no_lock_is_named(broken: str, said: str) -> None:
    good = text({"a": entry(1)})
    for sides in ((broken, good, good), (good, broken, good), (good, good, broken)):
        with pytest.raises(MergeError, match=said):
            merge_locks(*sides, "sub/dvc.lock")


def test_entries_that_no_branch_ran_are_left_out() -> None:
    one, two = text({"a": entry(1), "b": entry(1)}), text({"a": entry(2), "b": entry(1)})
    mixed = text({"a": entry(3), "b": entry(1), "c": entry(1)})
    assert keep_known(mixed, [one, two]) == type(keep_known(one, [one]))(
        text({"b": entry(1)}), ("a", "c")
    )
    assert keep_known(two, [one, two]).dropped == ()


@given(
    st.dictionaries(st.sampled_from("ab"), VALUES), st.dictionaries(st.sampled_from("ab"), VALUES)
)
def test_values_merge_key_by_key(base: dict[str, Any], other: dict[str, Any]) -> None:
    assert repr(merge_values(base, other, base)) == repr(other)
    assert repr(merge_values(base, other, other)) == repr(other)
    assert merge_values(base, base, other) == other
    assert merge_values({}, {"x": {"a": 1}}, {"x": {"b": 1}, "y": 1}) == {
        "x": {"a": 1, "b": 1},
        "y": 1,
    }
