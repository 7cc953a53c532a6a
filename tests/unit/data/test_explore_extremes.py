"""Tables that are wide, empty, or hold what numbers and names should not be."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fivefold.data.explore import ExploreConfig, Explored, explore
from fivefold.errors import DataError
from fivefold.objective import Objective
from fivefold.report import render_html
from fivefold.table import ENGINES, Column, TableSchema, from_arrow

_ROWS = 120
_BINARY = Objective("demo", "binary", "y", "roc_auc", ("roc_auc",))
_REGRESSION = Objective("demo", "regression", "y", "r2", ("r2",))
_TYPES = {"int64": "integer", "double": "number", "bool": "boolean", "string": "string"}


def run(
    values: dict[str, Any], objective: Objective = _BINARY, engine: str = "polars", **config: Any
) -> Explored:
    whole = {"id": list(range(_ROWS)), "y": [n % 2 for n in range(_ROWS)], **values}
    table = pa.table({k: v if isinstance(v, pa.Array) else pa.array(v) for k, v in whole.items()})
    columns = {
        field.name: Column(_TYPES.get(str(field.type), "date"), nullable=True)
        for field in table.schema
    }
    columns["id"] = Column("integer", "identifier")
    columns["y"] = Column(_TYPES[str(table.schema.field("y").type)], "target")
    return explore(
        from_arrow(table, engine),
        from_arrow(table.slice(0, 0), engine),
        TableSchema(columns),
        objective,
        ExploreConfig(engine=engine, key=["id"], **config),
    )


EXTREMES: dict[str, tuple[dict[str, Any], Objective]] = {
    "no row": (
        {"id": pa.array([], pa.int64()), "y": pa.array([], pa.int64()), "x": pa.array([], "f8")},
        _BINARY,
    ),
    "one row": ({"id": [1], "y": [1], "x": [2.5], "s": ["a"]}, _BINARY),
    "nothing known": (
        {"x": pa.nulls(_ROWS, pa.float64()), "s": pa.nulls(_ROWS, pa.string()),
         "b": pa.nulls(_ROWS, pa.bool_()), "d": pa.nulls(_ROWS, pa.date32())},
        _BINARY,
    ),
    "no target": ({"y": pa.nulls(_ROWS, pa.int64()), "x": list(range(_ROWS))}, _BINARY),
    "constant target": ({"y": [1.0] * _ROWS, "x": list(range(_ROWS))}, _REGRESSION),
    "infinite": (
        {"x": [float("inf"), -float("inf"), 1e308, -1e308] + [0.0, -0.0] * (_ROWS // 2 - 2),
         "z": [float("inf")] * _ROWS},
        _BINARY,
    ),
    "infinite target": ({"y": [float("inf"), 1e308, -1e308] * (_ROWS // 3)}, _REGRESSION),
    "huge": (
        {"x": [2**63 - 1 - n for n in range(_ROWS)], "z": [-(2**63) + n for n in range(_ROWS)],
         "m": [2**63 - 1, -(2**63)] * (_ROWS // 2)},
        _BINARY,
    ),
    "hostile": (
        {"<b>ü</b> & \"'|`": ["<script>alert(1)</script>", "é", "e\u0301"] * (_ROWS // 3),
         "n" * 3000: ["a" * 100_000] * _ROWS, "title": [1.0, 2.0] * (_ROWS // 2)},
        _BINARY,
    ),
    "the calendar's ends": ({"d": pa.array([-719162, 2932896] * (_ROWS // 2), pa.int32()).cast(
        pa.date32())}, _BINARY),
}  # fmt: skip


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_are_told_alike_and_finitely(name: str) -> None:
    values, objective = EXTREMES[name]
    told = [run(values, objective, engine) for engine in ENGINES]
    assert len({json.dumps(each.summary, allow_nan=False) for each in told}) == 1
    html = render_html(told[0].page)
    assert len(html.encode()) < 1_100_000
    assert "<script>alert" not in html


def test_many_columns_are_a_page_of_two_megabytes() -> None:
    draw = np.random.default_rng(0)
    values = {
        f"a column of many with a long name {n}": pa.array(
            draw.normal(size=_ROWS), mask=draw.random(_ROWS) < 0.1
        )
        for n in range(3000)
    }
    told = run(values, split={"key": ["id"], "method": "random", "test": 0.4})
    assert len(render_html(told.page).encode()) < 2_000_000
    assert len(json.dumps(told.summary)) < 2_500_000
    columns = told.summary["columns"]
    assert len(columns) == 3002
    # The sixty that may be drawn, those that drift most, and the target.
    assert 60 <= sum("histogram" in known for known in columns.values()) <= 67


def test_gaps_and_copies_are_found() -> None:
    x = np.random.default_rng(1).normal(size=_ROWS)
    gone = np.arange(_ROWS) % 4 == 0
    told = run(
        {
            "x": pa.array(x, mask=gone),
            "same order": pa.array(np.exp(x), mask=gone),
            "near": x * 2 + np.arange(_ROWS) * 1e-4,
            "other": pa.array(x[::-1].copy(), mask=np.arange(_ROWS) < 10),
        }
    ).summary
    assert told["copies"] == [["same order", "x"]] or told["copies"] == [["x", "same order"]]
    assert told["missing"]["complete_rows"] == int((~gone & (np.arange(_ROWS) >= 10)).sum())
    names = told["missing"]["columns"]
    together = told["missing"]["together"]
    assert together[names.index("x")][names.index("same order")] == 1.0
    matrix = told["associations"]
    at = [matrix["columns"].index(name) for name in ("x", "near")]
    known = ~gone
    expected = np.corrcoef(x[known], (x * 2 + np.arange(_ROWS) * 1e-4)[known])[0, 1]
    assert matrix["pearson"][at[0]][at[1]] == pytest.approx(expected, abs=1e-3)


def test_parts_that_differ_raise_an_alarm() -> None:
    part = ["train" if n < 80 else "test" for n in range(_ROWS)]
    told = run(
        {"x": [float(n % 10 + 20 * (n >= 80)) for n in range(_ROWS)], "part": part},
        split={"key": ["id"], "method": "column", "by": "part"},
    ).summary
    assert told["parts"]["rows"] == {"train": 80, "test": 40, "production": 0, "unused": 0}
    drift = told["columns"]["x"]["drift"]["test"]
    assert drift["psi"] > 1
    assert drift["kolmogorov_smirnov"] == 1.0
    assert ("shifted", "x") in {(a["kind"], a["column"]) for a in told["alarms"]}
    broken = run({}, split={"key": ["id"], "method": "no such"}).summary
    assert broken["parts"]["rows"] == {}
    assert "unknown" in broken["parts"]["reason"]


def test_a_sample_is_drawn_by_key_and_said() -> None:
    x = np.random.default_rng(2).normal(size=_ROWS)
    told = run({"x": x}, sample=100).summary
    assert 60 < told["sample"]["rows"] < _ROWS
    assert told["sample"]["of"] == _ROWS
    assert run({"x": x}).summary["sample"] is None


def test_a_key_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DataError, match="no column 'nope'"):
        explore(
            from_arrow(pa.table({"y": [0, 1]}), "polars"),
            from_arrow(pa.table({"y": [0]}), "polars"),
            TableSchema({"y": Column("integer", "target")}),
            _BINARY,
            ExploreConfig(key=["nope"]),
        )
