from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

import pyarrow as pa
import pytest
import yaml

from fivefold.data.infer import infer_schema, infer_task, schema_yaml
from fivefold.data.validate import ValidateConfig, Validated, validate
from fivefold.errors import ConfigError, DataError, SchemaError
from fivefold.metrics import Task
from fivefold.objective import Objective
from fivefold.pipeline.typed import typed
from fivefold.table import Column, TableSchema, from_arrow

ROWS = 60
AUDIT: dict[str, Any] = {
    "findings": [
        {"kind": "leak", "column": "after", "detail": "its ranges separate the classes"},
        {"kind": "constant", "column": "same", "detail": "", "proposal": "drop it"},
    ]
}


def table(**changes: Any) -> pa.Table:
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    columns: dict[str, Any] = {
        "id": list(range(ROWS)),
        "age": [20 + n % 50 for n in range(ROWS)],
        "height": pa.array([None if n % 9 == 0 else 1.5 + n % 10 / 20 for n in range(ROWS)]),
        "town": [["Ulm", "Bern"][n % 2] for n in range(ROWS)],
        "note": [f"text {n}" for n in range(ROWS)],
        "at": pa.array([start + dt.timedelta(n) for n in range(ROWS)], pa.timestamp("us", "UTC")),
        "after": [n % 3 for n in range(ROWS)],
        "same": ["x"] * ROWS,
        "flag": [n % 4 == 0 for n in range(ROWS)],
        "y": [int(n % 3 == 0) for n in range(ROWS)],
    }
    return pa.table({**columns, **changes})


COLUMNS = {
    "id": Column("integer", "identifier", unique=True),
    "age": Column("integer", min=0, max=120),
    "height": Column("number", nullable=True, min=0.5, max=2.5),
    "town": Column("string", allowed=["Bern", "Ulm"]),
    "note": Column("string", "ignored"),
    "at": Column("datetime", "time"),
    "after": Column("integer", "outcome"),
    "same": Column("string", "ignored"),
    "flag": Column("boolean"),
    "y": Column("integer", "target", allowed=[0, 1]),
}


def checked(
    engine: str = "polars",
    given: pa.Table | None = None,
    task: Task = "binary",
    on_extra: str = "error",
    columns: dict[str, Column] | None = None,
    **changes: Column,
) -> Validated:
    metric = "r2" if task == "regression" else "roc_auc"
    config = ValidateConfig({**(columns or COLUMNS), **changes}, ["id"], engine, on_extra)
    frame = from_arrow(table() if given is None else given, engine)
    return validate(frame, AUDIT, {}, Objective("p", task, "y", metric, (metric,)), config)


def test_a_table_that_is_as_declared_gives_its_schema(engine: str) -> None:
    result = checked(engine)
    assert result.schema == TableSchema(COLUMNS)
    assert result.schema.features == ["age", "height", "town", "flag"]
    assert result.report["rows"] == ROWS
    assert result.report["roles"]["outcome"] == ["after"]
    assert [item["column"] for item in result.report["look_at"]] == ["same"]
    json.dumps(result.report, allow_nan=False)


_REST = ROWS - 1
CELLS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "min": (
        {"age": [-5, -7] + [30] * (ROWS - 2)},
        ["age: min: 0 is violated in 2 rows", "-5 at id=0; -7 at id=1"],
    ),
    "max": ({"age": [30] * _REST + [121]}, ["age: max: 120", "121 at id=59"]),
    "allowed": ({"town": ["Ulm"] * _REST + ["Uml"]}, ["allowed: [Bern, Ulm]", "'Uml' at id=59"]),
    "missing": ({"town": [None] + ["Ulm"] * _REST}, ["town: nullable: false", "no value at id=0"]),
    "unique": ({"id": [0, *range(_REST)]}, ["id: unique: true is violated in 2 rows"]),
    "dtype": (
        {"age": [str(n) for n in range(ROWS)]},
        ["dtype: integer is declared, and the table has string"],
    ),
    "target class": (
        {"y": [n % 3 for n in range(ROWS)]},
        ["exactly two classes, and there are 3: 0, 1, 2"],
    ),
}


@pytest.mark.parametrize("case", CELLS)
def test_a_violation_names_column_check_count_and_rows(engine: str, case: str) -> None:
    changes, words = CELLS[case]
    with pytest.raises(SchemaError) as caught:
        checked(engine, table(**changes))
    for word in words:
        assert word in str(caught.value)


ROLES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "leak": ({"after": Column("integer")}, ["after: a feature that gives the target away"]),
    "datetime": ({"at": Column("datetime")}, ["at: a datetime can't be a feature", "date_parts"]),
    "no target": ({"y": Column("integer")}, ["y: the plan's target must be", "role: feature"]),
    "two targets": ({"after": Column("integer", "target")}, ["not after"]),
    "nullable": ({"y": Column("integer", "target", nullable=True)}, ["can't be nullable"]),
}


@pytest.mark.parametrize("case", ROLES)
def test_roles_that_contradict_the_plan_or_the_audit(case: str) -> None:
    changes, words = ROLES[case]
    with pytest.raises(SchemaError) as caught:
        checked(**changes)
    for word in words:
        assert word in str(caught.value)


def test_missing_and_extra_columns_are_matched_by_name() -> None:
    columns = {("hight" if name == "height" else name): c for name, c in COLUMNS.items()}
    with pytest.raises(SchemaError) as caught:
        checked(columns=columns)
    message = str(caught.value)
    assert "hight: the table has no such column; did you mean 'height'?" in message
    assert "height: the schema has no such column; did you mean 'hight'?" in message


def test_extra_columns_may_be_ignored() -> None:
    columns = {name: column for name, column in COLUMNS.items() if name != "note"}
    result = checked(columns=columns, on_extra="ignore")
    assert "note" not in result.schema.columns
    assert result.report["extra_columns"] == ["note"]


def test_all_violations_come_in_one_capped_message() -> None:
    columns = {f"c{n}": Column("integer") for n in range(30)} | COLUMNS
    with pytest.raises(SchemaError) as caught:
        checked(given=table(town=["?"] * ROWS), columns=columns)
    message = str(caught.value)
    assert "in 31 ways" in message
    assert "and 11 more" in message


def test_nothing_declared_says_how_to_begin() -> None:
    with pytest.raises(SchemaError, match="fivefold schema infer"):
        validate(
            from_arrow(table(), "polars"),
            AUDIT,
            {},
            Objective("p", "binary", "y", "f1", ("f1",)),
            ValidateConfig(),
        )


@pytest.mark.parametrize(
    ("task", "word"), [("multiclass", "set task: binary"), ("regression", "needs a number")]
)
def test_the_target_must_fit_the_task(task: Task, word: str) -> None:
    changes = {"y": Column("boolean", "target")} if task == "regression" else {}
    given = table(y=[n % 3 == 0 for n in range(ROWS)]) if task == "regression" else None
    with pytest.raises(SchemaError, match=word):
        checked(given=given, task=task, **changes)


def test_the_config_is_typed() -> None:
    for values, word in (
        ({"columns": {"a": {"dtype": "int"}}}, "integer"),
        ({"columns": {"a": {"rol": "feature"}}}, "did you mean 'role'?"),
        ({"on_extra_columns": "keep"}, "ignore"),
    ):
        with pytest.raises(ConfigError) as caught:
            typed(ValidateConfig, values, "validate")
        assert word in str(caught.value)


def test_the_inferred_schema_is_read_back_and_holds(engine: str) -> None:
    schema = infer_schema(from_arrow(table(), engine), "y", ["id"])
    roles = {name: column.role for name, column in schema.columns.items()}
    assert roles == {
        "id": "identifier", "age": "feature", "height": "feature", "town": "feature",
        "note": "identifier", "at": "time", "after": "outcome", "same": "ignored",
        "flag": "feature", "y": "target",
    }  # fmt: skip
    assert schema.columns["age"] == Column("integer", min=20, max=69)
    assert schema.columns["height"].nullable
    assert schema.columns["town"].allowed == ["Bern", "Ulm"]
    assert schema.columns["id"].unique
    text = schema_yaml(schema)
    assert text.startswith("# @package validate\n")
    read = typed(ValidateConfig, yaml.safe_load(text), "validate")
    assert read.columns == schema.columns
    without = {**COLUMNS, **{n: dataclasses.replace(c) for n, c in read.columns.items()}}
    without["after"] = Column("integer", "outcome")
    assert checked(engine, columns=without).report["rows"] == ROWS


def test_a_leak_is_inferred_as_an_outcome(engine: str) -> None:
    given = table(after=[10 * int(n % 3 == 0) + n % 2 for n in range(ROWS)])
    assert infer_schema(from_arrow(given, engine), "y").columns["after"].role == "outcome"


def test_awkward_names_and_values_survive_the_yaml() -> None:
    names = ["on", "a: b", "#x", "größe", "1"]
    given = pa.table(
        {name: [["no", "${x}"], ["yes", "null"]][at % 2] * 20 for at, name in enumerate(names)}
        | {"y": [0, 1] * 20}
    )
    schema = infer_schema(from_arrow(given, "polars"), "y")
    assert typed(ValidateConfig, yaml.safe_load(schema_yaml(schema)), "validate").columns == (
        schema.columns
    )


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1] * 20, "binary"),
        ([True, False] * 20, "binary"),
        (["a", "b", "c", "d"] * 10, "multiclass"),
        ([1, 2, 3, 4] * 10, "multiclass"),
        ([n / 3 for n in range(40)], "regression"),
        (list(range(40)), "regression"),
        ([1.5, 2.5] * 20, "binary"),
    ],
)
def test_the_task_is_read_off_the_target(engine: str, values: list[Any], task: Task) -> None:
    assert infer_task(from_arrow(pa.table({"y": values}), engine), "y") == task


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([1] * 9, "never varies"),
        ([f"t{n}" for n in range(40)], "no task fits"),
        ([dt.date(2020, 1, n + 1) for n in range(9)], "no task fits"),
    ],
)
def test_a_target_without_a_task_says_so(values: list[Any], word: str) -> None:
    with pytest.raises(DataError, match=word):
        infer_task(from_arrow(pa.table({"y": values}), "polars"), "y")
