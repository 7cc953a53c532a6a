"""Cleaning of hard tables, twice, and without a look at the rows of the test."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.data.clean import CleanConfig, Cleaned, clean
from fivefold.errors import ConfigError, DataError, FivefoldError
from fivefold.table import ENGINES, from_arrow, to_arrow
from tests.unit.data.test_cleaning import OURS, STEPS, awkward, cleaned

BUILT_IN = [(name, arguments) for name, arguments in STEPS if name.startswith(OURS)]

# A second run changes nothing; what a flag says, or a unit is converted from, is gone by then.
IDEMPOTENT: list[tuple[str, dict[str, Any]]] = [
    ("drop_missing", {"columns": ["n", "x"]}),
    ("fill_missing", {"columns": ["s"], "value": ""}),
    ("replace_infinite", {"columns": ["x"]}),
    ("impute", {"columns": ["n", "x"], "by": ["g"], "fallback": 0}),
    ("impute", {"columns": ["s", "g"], "how": "mode", "fallback": "?"}),
    ("fill_forward", {"columns": ["n", "s"], "by": ["g"], "order_by": ["t"]}),
    ("drop_duplicates", {"by": ["g", "s"], "order_by": ["x"], "keep": "last"}),
    ("clip_outliers", {"columns": ["n", "x"]}),
    ("clip_outliers", {"columns": ["x"], "method": "robust_z", "by": ["g"]}),
    ("drop_constant", {"keep": ["g", "s", "n", "x", "t"]}),
    ("drop_sparse_columns", {"share": 0.3}),
    ("merge_rare", {"columns": ["g", "s"], "count": 2}),
    ("strip", {"columns": ["s"]}),
    ("normalise_text", {"columns": ["s"], "form": "NFKC", "case": "lower", "spaces": True}),
    ("normalise_text", {"columns": ["s"], "case": "upper"}),
    ("respell", {"columns": ["s"], "mapping": {"a": "b", "": None}}),
    ("parse_numbers", {"columns": ["s"], "decimal": ",", "invalid": "missing"}),
    ("parse_dates", {"columns": ["s"], "formats": ["%d.%m.%Y"], "invalid": "missing"}),
    ("cast", {"types": {"t": "date", "b": "integer"}}),
]  # fmt: skip

TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["1,5", "-2", "31.12.2019", "a", "a\u0308", "\u00e4", "\ufb01", "\u0130", ""]),
    st.text(alphabet=" \t\u00a0\u3000aAßΣ\u0301", max_size=4),
)
LARGE = st.sampled_from([2**53 + 1, -(2**62), 2**63 - 1])
WHOLES = st.one_of(st.none(), st.integers(-4, 4), LARGE)
NUMBERS = st.one_of(
    st.none(),
    st.sampled_from([0.0, -0.0, math.inf, -math.inf, 1e308, -1e308, 0.1]),
    st.floats(-3, 3),
)
ROWS = st.lists(
    st.tuples(TEXTS, WHOLES, NUMBERS, st.sampled_from(["p", "q", None]), st.integers(0, 5)),
    min_size=8, max_size=14,
)  # fmt: skip


def outcome(engine: str, step: tuple[str, dict[str, Any]], **given: Any) -> Cleaned | str:
    """Clean, or give the message, which must be ours and not a library's."""
    try:
        return cleaned(engine, step, **given)
    except FivefoldError as error:
        if " raised " in str(error):
            raise
        return str(error)


@pytest.mark.parametrize(("name", "arguments"), IDEMPOTENT)
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(rows=ROWS, engine=st.sampled_from(ENGINES))
def test_cleaning_twice_is_cleaning_once(
    name: str, arguments: dict[str, Any], rows: list[tuple[Any, ...]], engine: str
) -> None:
    texts, wholes, numbers, groups, times = zip(*rows, strict=True)
    table = pa.table(
        {
            "id": list(range(len(rows))),
            "s": pa.array(texts, pa.string()),
            "n": pa.array(wholes, pa.int64()),
            "x": pa.array(numbers, pa.float64()),
            "g": pa.array(groups, pa.string()),
            "t": pa.array([864 * 10**8 * day + day for day in times], pa.timestamp("us")),
            "b": [number is None for number in numbers],
            "y": [i % 2 for i in range(len(rows))],
        }
    )
    split = {"method": "time", "time": "id", "train_until": str(len(rows) * 0.7)}
    if name == "clip_outliers":  # infinities have no place in a quartile until they are clipped
        table = to_arrow(
            cleaned(
                engine, (OURS + "replace_infinite", {"columns": ["x"]}), table=table, split={}
            ).table.frame
        )
    once = outcome(engine, (OURS + name, arguments), table=table, split=split)
    if isinstance(once, str):
        return
    kept = to_arrow(once.table.frame.sort("id"))
    twice = cleaned(engine, (OURS + name, arguments), table=kept, split=split)
    assert to_arrow(twice.table.frame.sort("id")).cast(kept.schema).equals(kept)
    assert twice.audit["steps"][0]["cells_changed"] == 0


HARD = {
    "no row": awkward(0),
    "one row": awkward(1),
    "nothing known": pa.table(
        {
            name: column if name in ("id", "y", "naive") else pa.nulls(60, column.type)
            for name, column in zip(awkward().column_names, awkward().columns, strict=True)
        }
    ),
}


@pytest.mark.parametrize("kind", HARD)
def test_no_step_fails_without_a_message(kind: str) -> None:
    for number, step in enumerate(BUILT_IN):
        result = outcome(ENGINES[number % 3], step, table=HARD[kind])
        if isinstance(result, Cleaned):
            assert to_arrow(result.table.frame).num_rows == result.audit["rows"]


def test_thousands_of_columns_are_no_hindrance() -> None:
    rows = 40
    columns = {f"c{i}": [((j + 3) * (i + 7) ** 2) % 101 for j in range(rows)] for i in range(2000)}
    table = pa.table({"id": list(range(rows)), "y": [i % 2 for i in range(rows)], **columns})
    audit = cleaned("polars", (OURS + "drop_constant", {}), table=table).audit
    assert audit["columns"] > 1900


FITTED_STEP = (OURS + "impute", {"columns": ["n"]})
REFUSED: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({}, FITTED_STEP[1], ["must not learn from those of the test", "declare split:"]),
    ({"method": "stratified"}, FITTED_STEP[1], ["only when the table is clean", "imputer"]),
    ({"method": "grouped", "by": "s"}, FITTED_STEP[1], ["only when the table is clean"]),
    ({"method": "time", "time": "naive", "train_until": "1999-01-01"}, FITTED_STEP[1],
     ["no row is for training"]),
    ({"method": "time", "time": "nve", "train_until": "1999-01-01"}, FITTED_STEP[1],
     ["no column 'nve'", "did you mean 'naive'?"]),
    ({"method": "random"}, {"columns": ["y"]}, ["must not learn from the target", "columns"]),
    ({"method": "random"}, {"columns": ["n"], "by": ["y"]}, ["must not learn from the target"]),
    ({"method": "random"}, {"columns": ["gone"], "how": "mode"}, ["no training row has a value"]),
    ({"method": "random"}, {"columns": ["n"], "how": "mod"}, ["did you mean 'mode'?"]),
]  # fmt: skip


@pytest.mark.parametrize(("split", "arguments", "words"), REFUSED)
def test_a_leak_is_refused_with_its_reason(
    split: dict[str, Any], arguments: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(FivefoldError) as caught:
        cleaned("polars", (OURS + "impute", arguments), split=split)
    for word in ("clean.steps.0", *words):
        assert word in str(caught.value)


def test_what_decides_on_the_parts_stays_once_a_step_has_learnt() -> None:
    late = (OURS + "cast", {"types": {"naive": "date"}})
    with pytest.raises(DataError, match="put it before the steps that learn"):
        cleaned("polars", FITTED_STEP, late)
    cleaned("polars", late, FITTED_STEP)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_training_rows_are_those_of_the_split(engine: str, seed: int) -> None:
    from fivefold.data.split import SplitConfig, split
    from fivefold.objective import Objective
    from fivefold.table import TableSchema

    declared: dict[str, Any] = {"method": "random", "seed": seed, "test": 0.4}
    result = cleaned(engine, ("tests.unit.data.test_cleaning.tell", {}), split=declared)
    told = {row["id"] for row in to_arrow(result.table.frame).to_pylist() if row["told"]}
    objective = Objective("t", "binary", "y", "roc_auc", ("roc_auc",))
    config = SplitConfig(["id"], engine=engine, **declared)
    frame = result.table.frame
    parts = split(frame, frame.head(0), TableSchema({}), objective, config)
    assert told == set(to_arrow(parts.train.frame)["id"].to_pylist())


def test_statistics_and_values_are_right(engine: str) -> None:
    table = pa.table(
        {
            "id": list(range(10)),
            "y": [0, 1] * 5,
            "x": pa.array([1.0, 2.0, 3.0, 4.0, 100.0, math.inf, None, -50.0, 2.5, 1e9]),
            "n": pa.array([1, 2, 4, 5, None, 2, 5, 5, 1, 0], pa.int64()),
            "g": ["a", "a", "b", "b", "b", "a", "a", "b", "c", None],
        }
    )
    split = {"method": "time", "time": "id", "train_until": "7"}
    imputed = cleaned(engine, (OURS + "impute", {"columns": ["x", "n"], "by": ["g"]}),
                      table=table, split=split)  # fmt: skip
    learnt = imputed.audit["steps"][0]["learnt"]
    assert learnt["values"] == {"x": 3.0, "n": 3}
    assert learnt["groups"]["first"] == [{"g": "a", "x": 1.5, "n": 2}, {"g": "b", "x": 4.0, "n": 4}]
    rows = to_arrow(imputed.table.frame.sort("id")).to_pylist()
    assert (rows[6]["x"], rows[4]["n"]) == (1.5, 4)
    clipped = cleaned(
        engine, (OURS + "clip_outliers", {"columns": ["x"]}), table=table, split=split
    )
    bounds = clipped.audit["steps"][0]["learnt"]["bounds"]["x"]
    assert bounds == {"low": -1.0, "high": 7.0}  # of 1, 2, 3, 4, 100: quartiles 2 and 4
    values = to_arrow(clipped.table.frame.sort("id"))["x"].to_pylist()
    assert values == [1.0, 2.0, 3.0, 4.0, 7.0, 7.0, None, -1.0, 2.5, 7.0]
    assert clipped.audit["steps"][0]["cells_changed_by_column"] == {"x": 4}
    dropped = cleaned(
        engine, (OURS + "drop_outliers", {"columns": ["x"]}), table=table, split=split
    )
    assert to_arrow(dropped.table.frame.sort("id"))["id"].to_pylist() == [0, 1, 2, 3, 6, 7, 8, 9]
    assert dropped.audit["steps"][0]["examples"] == [{"id": 4}, {"id": 5}]


def test_a_forest_finds_the_odd_row_and_keeps_it_in_the_test(engine: str) -> None:
    rows = 300
    table = pa.table(
        {
            "id": list(range(rows)),
            "y": [i % 2 for i in range(rows)],
            "a": [float(i * 37 % 100) if i not in (20, 280) else 9e3 for i in range(rows)],
            "b": [i * 53 % 90 for i in range(rows)],
        }
    )
    forest = {"columns": ["a", "b"], "method": "isolation_forest", "contamination": 0.005}
    split = {"method": "time", "time": "id", "train_until": "250"}
    dropped = cleaned(engine, (OURS + "drop_outliers", forest), table=table, split=split)
    ids = set(to_arrow(dropped.table.frame)["id"].to_pylist())
    assert 20 not in ids
    assert 280 in ids


def test_a_large_table_is_compared_in_a_sample(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fivefold.data.audit._COMPARED_ROWS", 20)
    for module in ("table.settle", "data.steps", "data.clean"):
        monkeypatch.setattr(f"fivefold.{module}.MEMORY_CELLS", 100)
    monkeypatch.setattr("fivefold.data.keys._FEW_ROWS", 10)
    audit = cleaned(engine, ("tests.unit.data.test_cleaning.narwhals_step", {})).audit
    assert audit["steps"][0]["cells_compared"] == "by key, in a sample of 33.33% of the rows"
    assert 5 < audit["steps"][0]["cells_changed"] < 30


def test_the_order_of_steps_is_checked_before_any_runs() -> None:
    steps = [{"_target_": OURS + "drop_missing", "columns": ["no"]},
             {"_target_": OURS + "impute", "columns": ["y"]}]  # fmt: skip
    with pytest.raises(ConfigError, match=r"clean\.steps\.1\.columns"):
        clean(from_arrow(awkward(), "polars"), CleanConfig(key=["id"], target="y", steps=steps))
