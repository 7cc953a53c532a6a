"""Every step on every engine: the same bytes, the marked effect, nothing learnt from other rows."""

from __future__ import annotations

import datetime as dt
import functools
import json
import math
from collections.abc import Callable
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.data import cleaning
from fivefold.data.calendar import PARTS
from fivefold.data.clean import CleanConfig, Cleaned, clean
from fivefold.data.fitting import fitted, is_fitted
from fivefold.errors import ConfigError, DataError, FivefoldError
from fivefold.pipeline.typed import typed
from fivefold.table import ENGINES, from_arrow, to_arrow

OURS = "fivefold.data.cleaning."


def awkward(rows: int = 60) -> pa.Table:
    """Missing values everywhere, odd texts, a negative zero, a key that repeats nothing."""
    start = dt.datetime(2020, 2, 27, 22, 30, tzinfo=dt.UTC)
    return pa.table(
        {
            "id": list(range(rows)),
            "n": pa.array([None if i % 7 == 0 else i % 5 for i in range(rows)], pa.int64()),
            "whole": [float(i % 4) for i in range(rows)],
            "x": [None if i % 11 == 0 else (-0.0 if i % 5 == 0 else i / 3) for i in range(rows)],
            "s": [[" a ", "b\t", "", "ä\u00a0", None, "  "][i % 6] for i in range(rows)],
            "b": pa.array([[True, False, None][i % 3] for i in range(rows)]),
            "at": pa.array(
                [None if i == 9 else start + dt.timedelta(hours=17 * i) for i in range(rows)],
                pa.timestamp("us", "UTC"),
            ),
            "naive": pa.array(
                [(start + dt.timedelta(days=i)).replace(tzinfo=None) for i in range(rows)],
                pa.timestamp("us"),
            ),
            "day": pa.array([(start + dt.timedelta(days=i)).date() for i in range(rows)]),
            "f": [
                [math.inf, -math.inf, None, 1e300][i] if i < 4 else i % 13 / 8 for i in range(rows)
            ],
            "far": [2**53 + 7 if i == 41 else i % 9 for i in range(rows)],
            "u": [
                ["\u00e4", "a\u0308", "\uff21", "\u03a3\u0399\u03a3", None][i % 5]
                for i in range(rows)
            ],
            "euro": [["1.234,5", " -0,25", "7", "", None][i % 5] for i in range(rows)],
            "when": [["31.12.2019", "2020-02-29", None, " "][i % 4] for i in range(rows)],
            "group": [None if i % 10 == 9 else "abc"[i % 3] for i in range(rows)],
            "same": ["c"] * rows,
            "gone": pa.nulls(rows, pa.string()),
            "y": [i % 2 for i in range(rows)],
        }
    )


def native_step(table, low=0):  # type: ignore[no-untyped-def]
    """Without an annotation a step gets the engine's own frame."""
    kind = type(table).__module__.split(".")[0].lstrip("_")
    assert kind in ENGINES
    return nw.from_native(table).filter(nw.col("id") > low)


def narwhals_step(table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    return table.with_columns(nw.col("whole") * 2)


def pandas_step(table: pd.DataFrame, by: int) -> pd.DataFrame:
    chosen = table[table["id"].astype(int) % by != 0].sort_values("id", ascending=False)
    labels: list[Any] = ["up" if n else None for n in chosen["y"]]
    return chosen.assign(label=labels)


def polars_step(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col("n").fill_null(9))


def arrow_step(table: pa.Table) -> pa.Table:
    return table.drop_columns(["same"]).append_column("f32", table["n"].cast(pa.float32()))


STEPS: list[tuple[str, dict[str, Any]]] = [
    (OURS + "drop_missing", {"columns": ["n", "x"]}),
    (OURS + "fill_missing", {"columns": ["n"], "value": -1}),
    (OURS + "fill_missing", {"columns": ["x"], "value": 0.5}),
    (OURS + "fill_missing", {"columns": ["s", "gone"], "value": "?"}),
    (OURS + "fill_missing", {"columns": ["b"], "value": False}),
    (OURS + "drop_duplicates", {}),
    (OURS + "drop_duplicates", {"by": ["n", "whole"]}),
    (OURS + "drop_duplicates", {"by": ["y"], "order_by": ["x"]}),
    (OURS + "drop_duplicates", {"by": ["s", "b"], "order_by": ["n", "at"], "keep": "last"}),
    (OURS + "drop_constant", {}),
    (OURS + "drop_constant", {"keep": ["same"]}),
    (OURS + "drop_columns", {"columns": ["n", "s"], "reason": "no use"}),
    (OURS + "at_least", {"column": "x", "value": 5, "into": "big"}),
    (OURS + "at_least", {"column": "n", "value": 2.5, "into": "n"}),
    (OURS + "date_parts", {"column": "at", "parts": list(PARTS)}),
    (OURS + "date_parts", {"column": "at", "parts": ["hour", "day"], "time_zone": "Asia/Kolkata"}),
    (OURS + "date_parts", {"column": "naive", "parts": ["hour", "weekday"]}),
    (OURS + "date_parts", {"column": "day", "parts": ["year", "quarter", "weekday"]}),
    (OURS + "strip", {"columns": ["s", "same"]}),
    (OURS + "cast", {"types": {"n": "number", "whole": "integer", "b": "integer"}}),
    (OURS + "cast", {"types": {"n": "string", "day": "datetime", "naive": "date", "b": "number"}}),
    (OURS + "cast", {"types": {"y": "boolean", "n": "integer"}}),
    (OURS + "cast", {"types": {"n": "number"}}),
    (OURS + "drop_sparse_columns", {"share": 0.2, "keep": ["gone"]}),
    (OURS + "drop_found", {"kinds": ["constant", "identifier", "duplicate"], "keep": ["gone"]}),
    (OURS + "drop_found", {"kinds": ["leak", "near_leak"]}),
    (OURS + "flag_missing", {"columns": ["n", "s", "at"]}),
    (OURS + "replace_infinite", {"columns": ["f", "n"]}),
    (OURS + "impute", {"columns": ["n", "x", "f"]}),
    (OURS + "impute", {"columns": ["x", "f"], "how": "mean", "by": ["group"]}),
    (OURS + "impute", {"columns": ["n", "x"], "how": "median", "by": ["group", "b"]}),
    (OURS + "impute", {"columns": ["n", "s", "b"], "how": "mode"}),
    (OURS + "impute", {"columns": ["s", "n"], "how": "mode", "by": ["group"]}),
    (OURS + "impute", {"columns": ["gone"], "how": "mode", "fallback": "?"}),
    (OURS + "fill_forward", {"columns": ["n", "s"], "by": ["group"], "order_by": ["naive"]}),
    (OURS + "fill_forward", {"columns": ["n", "x"], "by": ["y"], "order_by": ["at"]}),
    (OURS + "drop_outliers", {"columns": ["f", "far"]}),
    (OURS + "drop_outliers", {"columns": ["far"], "method": "robust_z", "rows": "all"}),
    (OURS + "drop_outliers", {"columns": ["x", "far"], "by": ["group"], "factor": 0.3}),
    (OURS + "drop_outliers", {"columns": ["x", "f", "far"], "method": "isolation_forest"}),
    (OURS + "clip_outliers", {"columns": ["f", "far", "x"], "factor": 0.2}),
    (OURS + "clip_outliers", {"columns": ["x", "n"], "method": "robust_z", "factor": 1}),
    (OURS + "clip_outliers", {"columns": ["x", "n"], "by": ["group"], "factor": 0.2}),
    (OURS + "flag_outliers", {"columns": ["f", "far"], "method": "robust_z"}),
    (OURS + "flag_outliers", {"columns": ["x", "n"], "method": "isolation_forest",
                              "contamination": 0.2, "into": "odd"}),
    (OURS + "convert_units", {"columns": ["n", "x"], "factor": 0.3048, "offset": -1}),
    (OURS + "parse_numbers", {"columns": ["euro", "n"], "decimal": ",", "thousands": "."}),
    (OURS + "parse_numbers", {"columns": ["s", "euro"], "type": "integer", "invalid": "missing"}),
    (OURS + "parse_dates", {"columns": ["when", "day"], "formats": ["%d.%m.%Y", "%Y-%m-%d"]}),
    (OURS + "parse_dates", {"columns": ["when"], "formats": ["%Y-%m-%d"], "type": "datetime",
                            "invalid": "missing"}),
    (OURS + "normalise_text", {"columns": ["u", "s"]}),
    (OURS + "normalise_text", {"columns": ["u"], "form": "NFKC", "case": "lower"}),
    (OURS + "normalise_text", {"columns": ["s", "u"], "case": "upper", "spaces": True}),
    (OURS + "respell", {"columns": ["s", "group"], "mapping": {"": None, "a": "b", " a ": "b"}}),
    (OURS + "merge_rare", {"columns": ["s", "group"], "count": 8}),
    (OURS + "merge_rare", {"columns": ["u"], "share": 0.2, "into": "rest"}),
    (f"{__name__}.native_step", {"low": 3}),
    (f"{__name__}.narwhals_step", {}),
    (f"{__name__}.pandas_step", {"by": 3}),
    (f"{__name__}.polars_step", {}),
    (f"{__name__}.arrow_step", {}),
]  # fmt: skip


BY_TIME = {"method": "time", "time": "naive", "train_until": "2020-04-10"}


def nothing(training: nw.LazyFrame[Any]) -> dict[str, Any]:
    assert "y" not in training.collect_schema().names()
    return {"rows": to_arrow(training).num_rows}


@fitted(nothing)
def tell(table: nw.LazyFrame[Any], statistics: dict[str, Any], training: str) -> Any:
    assert statistics["rows"] > 20
    return table.with_columns(nw.col(training).alias("told"))


def cleaned(
    engine: str, *steps: tuple[str, dict[str, Any]], table: pa.Table | None = None, **config: Any
) -> Cleaned:
    given = [{"_target_": name, **arguments} for name, arguments in steps]
    declared = {"key": ["id"], "target": "y", "steps": given, "split": BY_TIME}
    known = CleanConfig(**{**declared, **config, "engine": engine})
    return clean(from_arrow(awkward() if table is None else table, engine), known)


def test_every_step_is_listed() -> None:
    assert {OURS + name for name in cleaning.__all__} <= {name for name, _ in STEPS}


@pytest.mark.parametrize(("name", "arguments"), STEPS)
def test_a_step_gives_the_same_bytes_and_audit_on_every_engine(
    name: str, arguments: dict[str, Any], written: Callable[..., bytes]
) -> None:
    results = [cleaned(engine, (name, arguments)) for engine in ENGINES]
    assert len({written(result.table.frame, result.table.key) for result in results}) == 1
    assert len({json.dumps(result.audit, allow_nan=False) for result in results}) == 1


@pytest.mark.parametrize(
    ("name", "arguments"), [step for step in STEPS if step[0].startswith(OURS)]
)
def test_a_step_does_no_more_than_its_mark_says(name: str, arguments: dict[str, Any]) -> None:
    function = getattr(cleaning, name.removeprefix(OURS))

    @functools.wraps(function)
    def unmarked(table: nw.LazyFrame[Any], **given: Any) -> nw.LazyFrame[Any]:
        return function(table, **given)  # type: ignore[no-any-return]

    del unmarked.__dict__["effect"]
    globals()["unmarked"] = unmarked
    marked = cleaned("polars", (name, arguments)).audit["steps"][0]
    full = cleaned("polars", (f"{__name__}.unmarked", arguments)).audit["steps"][0]
    for key in ("rows", "cells_changed", "cells_changed_by_column", "columns_added", "examples"):
        assert marked[key] == full[key], key


FITTED = [
    (name, arguments)
    for name, arguments in STEPS
    if name.startswith(OURS) and is_fitted(getattr(cleaning, name.removeprefix(OURS)))
]
ROW_BY_ROW = [
    (name, arguments)
    for name, arguments in STEPS
    # Repeated rows and columns without use are seen across rows by their nature.
    if name.startswith(OURS)
    and not name.endswith(
        ("drop_duplicates", "drop_constant", "drop_found", "drop_sparse_columns", "fill_forward")
    )
    and (name, arguments) not in FITTED
]


@pytest.mark.parametrize(("name", "arguments"), ROW_BY_ROW)
def test_a_step_decides_on_each_row_alone(name: str, arguments: dict[str, Any]) -> None:
    """A part of the rows is cleaned as it is within the whole: nothing is learnt across rows."""
    whole = rows_of(cleaned("polars", (name, arguments)))
    part = rows_of(cleaned("polars", (name, arguments), table=awkward(30)))
    assert part == [row for row in whole if row["id"] < 30]


def rows_of(result: Cleaned) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = to_arrow(result.table.frame.sort("id")).to_pylist()
    return rows


SPLITS = [BY_TIME, {"method": "random", "seed": 3}, {"method": "column", "by": "part"}]


@pytest.mark.parametrize(("name", "arguments"), FITTED)
def test_a_step_learns_nothing_from_the_test_rows(name: str, arguments: dict[str, Any]) -> None:
    table = awkward().append_column("part", pa.array(["train", "test"] * 30))
    for config in SPLITS:
        trained = rows_of(cleaned("polars", (f"{__name__}.tell", {}), table=table, split=config))
        training = [row["told"] for row in trained]
        other = pa.table(
            {
                column: values
                if column in ("id", "naive", "part", "y", "group", "b")
                else pc.if_else(pa.array(training), values, values.take(pa.array([5] * 60)))
                for column, values in zip(table.column_names, table.columns, strict=True)
            }
        )
        results = [
            cleaned("polars", (name, arguments), table=known, split=config)
            for known in (table, other)
        ]
        learnt = [result.audit["steps"][0]["learnt"] for result in results]
        assert learnt[0] == learnt[1]
        kept = [[row for row in rows_of(result) if training[row["id"]]] for result in results]
        assert kept[0] == kept[1]


def test_values_are_right() -> None:
    local = cleaned(
        "polars",
        (OURS + "date_parts", {"column": "at", "parts": ["hour"], "time_zone": "Asia/Kolkata"}),
        (OURS + "at_least", {"column": "x", "value": 5, "into": "big"}),
        (OURS + "strip", {"columns": ["s"]}),
        (OURS + "drop_duplicates", {"by": ["whole"], "order_by": ["x"], "keep": "last"}),
    )
    rows = to_arrow(local.table.frame.sort("id")).to_pylist()
    assert [row["id"] for row in rows] == [56, 57, 58, 59]
    assert [row["big"] for row in rows] == [1, 1, 1, 1]
    assert [row["s"] for row in rows] == [None, "ä", None, None]
    moment = dt.datetime(2020, 2, 27, 22, 30) + dt.timedelta(hours=17 * 56 + 5.5)
    assert rows[0]["at_hour"] == moment.hour


def test_the_audit_counts_rows_and_cells_and_shows_keys(engine: str) -> None:
    audit = cleaned(
        engine,
        (OURS + "drop_missing", {"columns": ["n"]}),
        (OURS + "strip", {"columns": ["s"]}),
        (OURS + "drop_columns", {"columns": ["gone"], "reason": "empty"}),
    ).audit
    dropped, stripped, narrower = audit["steps"]
    assert (dropped["rows_before"], dropped["rows"]) == (60, 51)
    assert dropped["examples"] == [{"id": 0}, {"id": 7}, {"id": 14}]
    # Every text but "" that is left: " a ", "b\t", "ä\u00a0", "  ", and "" which becomes missing.
    kept = [i for i in range(60) if i % 7]
    assert stripped["cells_changed"] == sum(i % 6 != 4 for i in kept)
    assert stripped["cells_changed_by_column"] == {"s": stripped["cells_changed"]}
    assert stripped["examples"][0] == {"id": 1, "s before": "b\t", "s after": "b"}
    assert narrower["columns_dropped"] == ["gone"]
    assert narrower["with"]["reason"] == "empty"
    assert audit["rows"] == 51
    assert audit["target"]["classes"] == {"0": 25, "1": 26}


def test_a_key_that_repeats_is_audited_by_missing_values_and_mended(engine: str) -> None:
    doubled = pa.concat_tables([awkward(20), awkward(5)])
    audit = cleaned(
        engine,
        (f"{__name__}.narwhals_step", {}),
        (OURS + "drop_duplicates", {"by": ["id"]}),
        table=doubled.set_column(2, "whole", pa.array([None] * 4 + [1.0] * 21)),
    ).audit
    doubling, single = audit["steps"]
    assert doubling["cells_changed"] == 0
    assert "not unique" in doubling["cells_compared"]
    assert (single["rows_before"], single["rows"]) == (25, 20)
    assert single["examples"][0] == {"id": 0, "rows": 2}


def fails(table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    raise KeyError("boo")


def gives_nothing(table: nw.LazyFrame[Any]) -> None:
    return None


def loses_the_key(table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    return table.drop("id")


def takes_nothing() -> None: ...


def drops_all(table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    return table.filter(nw.col("id") < 0)


BAD_STEPS: list[tuple[str, dict[str, Any], list[str]]] = [
    (OURS + "drop_missing", {"columns": ["nn"]}, ["no column 'nn'", "clean.steps.0", "'n'?"]),
    (OURS + "drop_missing", {"columns": "n"}, ["a list of columns", "columns: [n]"]),
    (OURS + "drop_missing", {"column": ["n"]}, ["did you mean 'columns'?"]),
    (OURS + "drop_mising", {"columns": ["n"]}, ["drop_missing'?"]),
    (OURS + "fill_missing", {"columns": ["n"], "value": "x"}, ["'x' for a column of type integer"]),
    (OURS + "fill_missing", {"columns": ["n"], "value": 0.5}, ["0.5 for a column of type integer"]),
    (OURS + "fill_missing", {"columns": ["n"], "value": True}, ["True for a column"]),
    (OURS + "drop_duplicates", {"by": ["n"], "keep": "any"}, ["first, last"]),
    (OURS + "drop_duplicates", {"order_by": ["n"]}, ["order_by needs by"]),
    (OURS + "at_least", {"column": "s", "value": 1, "into": "z"}, ["got:     string"]),
    (OURS + "date_parts", {"column": "at", "parts": ["hours"]}, ["did you mean 'hour'?"]),
    (OURS + "date_parts", {"column": "at", "parts": ["hour"], "time_zone": "Moon/Sea"}, ["IANA"]),
    (OURS + "date_parts", {"column": "naive", "parts": ["hour"], "time_zone": "UTC"}, ["no zone"]),
    (OURS + "cast", {"types": {"x": "integer"}}, ["would not be the same", "rows with a fraction"]),
    (OURS + "cast", {"types": {"s": "integer"}}, ["types: in the source's read:"]),
    (f"{__name__}.fails", {}, ["KeyError: 'boo'", f"{__name__}.fails", "clean.steps.0"]),
    (f"{__name__}.gives_nothing", {}, ["did not return a table", "NoneType"]),
    (f"{__name__}.loses_the_key", {}, ["after the step the table has no column 'id'"]),
    (f"{__name__}.takes_nothing", {}, ["can't be called so"]),
    (f"{__name__}.drops_all", {}, ["no row is left after the step"]),
    (OURS + "drop_columns", {"columns": ["y"]}, ["no column 'y'", "clean.target"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "words"), BAD_STEPS)
def test_a_bad_step_is_one_message(
    engine: str, name: str, arguments: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(FivefoldError) as caught:
        cleaned(engine, (name, arguments))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("missing", [0, 3])
def test_a_target_of_one_class_names_it_and_its_rows(engine: str, missing: int) -> None:
    rows = 20
    values = [None] * missing + [1] * (rows - missing)
    table = pa.table({"id": list(range(rows)), "y": pa.array(values, pa.int64())})
    with pytest.raises(DataError, match=f"1 in {rows - missing} rows"):
        cleaned(engine, table=table)
    with pytest.raises(DataError, match=r"did you mean 'y'\?"):
        cleaned(engine, table=table, target="yy")


def test_findings_name_constants_and_what_gives_the_target_away(engine: str) -> None:
    rows = 200
    y = [n % 2 for n in range(rows)]
    table = pa.table(
        {
            "id": list(range(rows)),
            "y": y,
            "apart": [n % 7 + 100 * label for n, label in enumerate(y)],
            "ranks": [n + 150 * label if n > 2 else n for n, label in enumerate(y)],
            "telling": [["no", "yes"][label] for label in y],
            "innocent": [(n * 37) % 101 for n in range(rows)],
            "same": [1.5] * rows,
            "gone": pa.nulls(rows, pa.float64()),
            "gap": pa.array([None if label else 1.0 + n for n, label in enumerate(y)]),
        }
    )
    findings = cleaned(engine, table=table).audit["findings"]
    found = {finding["column"]: finding["kind"] for finding in findings}
    assert found == {
        "apart": "leak", "telling": "leak", "same": "constant", "gone": "constant", "gap": "leak",
        "ranks": "identifier",
    }  # fmt: skip
    assert "role: outcome" in findings[0]["proposal"]
    assert "y 0: 0 to 6; y 1: 100 to 106" in findings[0]["detail"]


def test_the_area_of_a_ranking_is_scikit_learns() -> None:
    from sklearn.metrics import roc_auc_score

    rows = 400
    y = [int(n % 5 == 0) for n in range(rows)]
    score = [n % 7 + 6 * (1 - label) for n, label in enumerate(y)]
    table = pa.table({"id": list(range(rows)), "y": y, "near": score})
    (finding,) = cleaned("polars", table=table).audit["findings"]
    area = roc_auc_score(y, score)
    assert finding["kind"] == "near_leak"
    assert f"{area:.4f}" in finding["detail"]


def test_a_multiple_of_a_quantity_is_a_leak(engine: str) -> None:
    x = [((n * 37) % 101) / 7 for n in range(100)]
    table = pa.table(
        {"id": list(range(100)), "y": x, "cents": [100 * v for v in x], "z": list(range(100))}
    )
    findings = cleaned(engine, table=table).audit["findings"]
    assert [(item["kind"], item["column"], item.get("other")) for item in findings] == [
        ("leak", "cents", None), ("identifier", "z", None), ("duplicate", "z", "id"),
    ]  # fmt: skip


def test_classes_of_few_rows_do_not_make_a_leak() -> None:
    table = pa.table({"id": list(range(8)), "y": [0, 1] * 4, "x": [0, 10] * 4})
    assert cleaned("polars", table=table).audit["findings"] == []


def test_the_config_is_typed() -> None:
    with pytest.raises(ConfigError, match=r"clean\.steps\.0"):
        typed(CleanConfig, {"key": ["a"], "target": "y", "steps": [{"columns": ["a"]}]}, "clean")
    with pytest.raises(ConfigError, match="no column"):
        typed(CleanConfig, {"key": [], "target": "y"}, "clean")


cell = st.one_of(st.none(), st.text(alphabet=" \t\u00a0aä", max_size=4))


pairs = st.tuples(cell, st.one_of(st.none(), st.integers(-2, 2)))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(pairs, min_size=2, max_size=25))
def test_cleaning_twice_is_cleaning_once_and_equal_on_every_engine(
    rows: list[tuple[str | None, int | None]], written: Callable[..., bytes]
) -> None:
    table = pa.table(
        {
            "id": list(range(len(rows))),
            "s": pa.array([s for s, _ in rows], pa.string()),
            "n": pa.array([n for _, n in rows], pa.int64()),
            "y": [i % 2 for i in range(len(rows))],
        }
    )
    steps: list[tuple[str, dict[str, Any]]] = [
        (OURS + "strip", {"columns": ["s"]}),
        (OURS + "drop_duplicates", {"by": ["s", "y"], "order_by": ["n"]}),
        (OURS + "drop_missing", {"columns": ["s"]}),
        (OURS + "fill_missing", {"columns": ["n"], "value": 0}),
    ]
    outcomes = set()
    for engine in ENGINES:
        try:
            once = cleaned(engine, *steps, table=table)
        except DataError as error:
            outcomes.add(str(error))
            continue
        kept = to_arrow(once.table.frame.sort("id"))
        twice = cleaned(engine, *steps, table=kept)
        assert to_arrow(twice.table.frame.sort("id")).equals(kept)
        outcomes.add(written(once.table.frame, ("id",)).hex())
    assert len(outcomes) == 1


def keyed_step(table: nw.LazyFrame[Any], key: list[str]) -> nw.LazyFrame[Any]:
    return table.filter(nw.col(key[0]) > 2)


def test_a_step_with_a_parameter_key_is_given_the_tables(engine: str) -> None:
    result = cleaned(engine, (f"{__name__}.keyed_step", {}))
    assert result.audit["rows"] == 57
    assert result.audit["steps"][0]["with"] == {}
    with pytest.raises(DataError, match="no row is left"):
        cleaned(engine, (f"{__name__}.keyed_step", {"key": ["y"]}))


def test_exact_duplicates_go_also_where_keys_repeat_for_other_reasons(engine: str) -> None:
    table = pa.table({"id": [1, 1, 1, 2, None], "y": [0, 0, 1, 1, 0]})
    with_key = cleaned(engine, (OURS + "drop_duplicates", {}), table=table)
    rows = to_arrow(with_key.table.frame.sort("id", "y")).to_pylist()
    assert rows == [
        {"id": None, "y": 0}, {"id": 1, "y": 0}, {"id": 1, "y": 1}, {"id": 2, "y": 1},
    ]  # fmt: skip
