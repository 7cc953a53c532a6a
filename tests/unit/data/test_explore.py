from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fivefold.data.explore import ExploreConfig, Explored, explore
from fivefold.data.infer import infer_schema
from fivefold.data.profiling.association import (
    correlation_ratio,
    cramers_v,
)
from fivefold.errors import ConfigError
from fivefold.objective import Objective
from fivefold.pipeline.typed import typed
from fivefold.report import render_html, render_markdown
from fivefold.table import ENGINES, TableSchema, from_arrow

ROWS = 500


def table() -> pa.Table:
    rng = np.random.default_rng(1)
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    x = rng.normal(size=ROWS) / 3
    return pa.table(
        {
            "id": list(range(ROWS)),
            "x": [None if n % 13 == 0 else float(v) for n, v in enumerate(x)],
            "n": [int(v) for v in rng.integers(-3, 90, ROWS)],
            "s": [[None, "a", "b", "c & <d>"][v] for v in rng.integers(0, 4, ROWS)],
            "b": [bool(v) for v in rng.integers(0, 2, ROWS)],
            "at": pa.array(
                [start + dt.timedelta(hours=11 * n) for n in range(ROWS)], pa.timestamp("us", "UTC")
            ),
            "same": [1.5] * ROWS,
            "late": [int(v > 0.1) for v in x],
            "kind": [["p", "q", "r"][int(v > 0.1) + int(v > 0.4)] for v in x],
            "cost": [float(v) * 3 + n % 5 for n, v in enumerate(x)],
        }
    )


TASKS = {
    "late": Objective("demo", "binary", "late", "roc_auc", ("roc_auc",)),
    "kind": Objective("demo", "multiclass", "kind", "accuracy", ("accuracy",)),
    "cost": Objective("demo", "regression", "cost", "r2", ("r2",)),
}


def explored(engine: str, target: str, **config: Any) -> Explored:
    given = table().drop_columns([name for name in TASKS if name != target])
    schema = infer_schema(from_arrow(given, "polars"), target, ["id"])
    return run(given, schema, TASKS[target], engine, **config)


def run(
    given: pa.Table,
    schema: TableSchema,
    objective: Objective,
    engine: str = "polars",
    **config: Any,
) -> Explored:
    frame, none = from_arrow(given, engine), from_arrow(given.slice(0, 0), engine)
    known = {"key": ["id"], "engine": engine, **config}
    return explore(frame, none, schema, objective, ExploreConfig(**known))


@pytest.mark.parametrize("target", TASKS)
def test_the_summary_and_the_page_are_the_same_on_every_engine(target: str) -> None:
    results = [explored(engine, target) for engine in ENGINES]
    assert len({json.dumps(result.summary, allow_nan=False) for result in results}) == 1
    pages = {render_html(result.page) for result in results}
    assert len(pages) == 1
    assert len(pages.pop()) < 2_000_000


def test_counts_are_those_of_the_table(engine: str) -> None:
    summary = explored(engine, "late").summary
    rows = table().to_pylist()
    x = summary["columns"]["x"]
    assert x["missing"] == sum(row["x"] is None for row in rows)
    known = [row["x"] for row in rows if row["x"] is not None]
    counts, edges = np.histogram(known, bins=30)
    assert x["histogram"]["rows"] == counts.tolist()
    assert x["histogram"]["edges"] == pytest.approx(edges.tolist())
    assert x["q50"] == pytest.approx(np.median(known))
    late = [row["late"] for row in rows if row["x"] is not None]
    sums, _ = np.histogram(known, bins=edges, weights=late)
    filled = counts > 0
    rates = np.array([rate or 0.0 for rate in x["histogram"]["target"]])
    assert rates[filled] == pytest.approx(sums[filled] / counts[filled])
    top = summary["columns"]["s"]["top"]
    assert dict(zip(top["values"], top["rows"], strict=True)) == {
        value: sum(row["s"] == value for row in rows) for value in ("a", "b", "c & <d>")
    }
    assert sum(summary["columns"]["n"]["histogram"]["rows"]) == ROWS
    assert summary["target"]["classes"] == {"0": late_count(0), "1": late_count(1)}
    assert summary["over_time"]["unit"] == "week"
    assert sum(summary["over_time"]["rows"]) == ROWS


def late_count(value: int) -> int:
    return sum(row["late"] == value for row in table().to_pylist())


SPLIT = {"key": ["id"], "method": "random", "seed": 3, "test": 0.3}


@pytest.mark.parametrize("target", TASKS)
def test_a_long_table_is_told_of_as_a_short_one(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = explored("polars", target, split=SPLIT).summary
    monkeypatch.setattr("fivefold.data.profiling.summary.MOST_ROWS", 10)
    long = [
        json.dumps(explored(engine, target, split=SPLIT | {"engine": engine}).summary)
        for engine in ENGINES
    ]
    assert len(set(long)) == 1
    for known in short["columns"].values():
        # Found of sorted values only.
        known.pop("lowest", None)
        known.pop("highest", None)
    assert approximately(json.loads(long[0])) == approximately(short)


def approximately(value: Any) -> Any:
    """Round away the last digits, which depend on the order of adding."""
    if isinstance(value, dict):
        return {key: approximately(item) for key, item in value.items()}
    if isinstance(value, list):
        return [approximately(item) for item in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def test_the_association_ranks_what_matters(engine: str) -> None:
    for target in TASKS:
        columns = explored(engine, target).summary["columns"]
        strengths = {name: known.get("association") or 0 for name, known in columns.items()}
        assert max(strengths, key=lambda name: strengths[name]) == "x"
        assert strengths["b"] < 0.2


def test_alarms_name_what_may_know_the_answer() -> None:
    given = table().drop_columns(["kind", "cost"]).append_column("copy", table()["late"])
    given = given.append_column("gone", pa.nulls(ROWS, pa.string()))
    schema = infer_schema(from_arrow(given, "polars"), "late", ["id"])
    loose = TableSchema(
        {
            name: type(column)(**{**vars(column), "role": "feature"})
            if name in ("copy", "same", "gone")
            else column
            for name, column in schema.columns.items()
        }
    )
    result = run(given, loose, TASKS["late"])
    found = [(alarm["kind"], alarm["column"]) for alarm in result.summary["alarms"]]
    assert found == [
        ("leak", "copy"), ("constant", "same"), ("constant", "gone"), ("missing", "gone"),
    ]  # fmt: skip
    assert "`copy` may know the answer" in render_markdown(result.page)


def test_names_from_the_data_can_not_break_the_page() -> None:
    html = render_html(explored("polars", "late").page)
    assert "c & <d>" not in html


def test_cramers_v_is_bergsmas() -> None:
    from scipy.stats import chi2_contingency

    counts = [[10, 25], [30, 12], [8, 15]]
    total, rows, columns = 100, 3, 2
    phi = chi2_contingency(counts, correction=False).statistic / total
    phi = max(0, phi - (rows - 1) * (columns - 1) / (total - 1))
    largest = min(rows - (rows - 1) ** 2 / (total - 1), columns - (columns - 1) ** 2 / (total - 1))
    assert cramers_v(counts) == pytest.approx((phi / (largest - 1)) ** 0.5, abs=1e-6)
    assert cramers_v([[5, 0], [0, 5]]) == 1.0
    assert cramers_v([[5, 5]]) is None
    assert cramers_v([[5, 5], [5, 5]]) == 0.0


def test_the_correlation_ratio_is_the_root_of_the_explained_variance() -> None:
    groups = [[1.0, 2.0, 3.0], [11.0, 12.0], [5.0, 6.0, 5.5]]
    values = [value for group in groups for value in group]
    ratio = correlation_ratio(
        [len(g) for g in groups], [sum(g) for g in groups], sum(v * v for v in values)
    )
    within = sum(np.var(g) * len(g) for g in groups) / (len(values) - len(groups))
    whole = np.var(values, ddof=1)
    assert ratio == pytest.approx((1 - within / whole) ** 0.5, abs=1e-6)
    assert correlation_ratio([3], [6.0], 14.0) is None
    assert correlation_ratio([2, 2], [2.0, 2.0], 4.0) is None


@pytest.mark.parametrize("values", [{"bins": 4}, {"top": 51}, {"alarm": 0.0}])
def test_bounds_are_checked(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="out of bounds"):
        typed(ExploreConfig, values, "explore")
