"""A first schema and task, read off the data, for the user to look through and own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import yaml

from fivefold.data.findings import find
from fivefold.data.keys import count_rows
from fivefold.data.observe import observe
from fivefold.data.values import dtype_name, single
from fivefold.errors import DataError
from fivefold.metrics import Task
from fivefold.table import Column, TableSchema, checkpoint, require_columns, to_arrow

__all__ = ["infer_schema", "infer_task", "schema_yaml"]

# A text with more values than this is not one-hot encoded by default; it may group rows.
_MOST_CATEGORIES = 200
# With more values than this, listing those allowed is no help to a reader.
_MOST_LISTED = 50
# So many texts of one length are codes.
_FEWEST_CODES = 20
# A whole-number target with more values than this is a quantity.
_MOST_CLASSES = 10
# Fewer rows tell little: every column of a small table looks like an identifier.
_FEWEST_ROWS = 20


def infer_schema(table: nw.LazyFrame[Any], target: str, key: Sequence[str] = ()) -> TableSchema:
    """Propose a schema for a table.

    Types, missing values, ranges and categories are as observed. Roles are guessed with care: the
    one column of a key, and a text or number that is different in every row, is an identifier; the
    first date or time is the time; a constant is ignored; what gives the target away is an
    outcome; a text of many values is a group, or ignored if its values hardly repeat.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The cleaned rows.
    target : str
        The column that is predicted.
    key : sequence of str
        The columns that together name a row.

    Raises
    ------
    DataError
        The target or a key column is absent.
    """
    require_columns(table, [target, *key], "plan.target")
    frame = checkpoint(table)
    dtypes = {name: dtype_name(dtype) for name, dtype in frame.collect_schema().items()}
    seen = _observed(frame, dtypes)
    rows = count_rows(frame)
    leaks = {
        finding["column"]
        for finding in find(frame, target, rows, seen[target]["distinct"])
        if finding["kind"] == "leak"
    }
    columns: dict[str, Column] = {}
    has_time = False
    for name, dtype in dtypes.items():
        role = _role(dtype, seen[name], rows, has_time, lone_key=list(key) == [name])
        role = "target" if name == target else "outcome" if name in leaks else role
        has_time = has_time or role == "time"
        columns[name] = _column(frame, name, dtype, role, seen[name], rows)
    return TableSchema(columns)


def infer_task(table: nw.LazyFrame[Any], target: str) -> Task:
    """Tell what kind of problem a target makes.

    Two values make a binary task; texts, and few whole numbers, a multiclass one; other numbers a
    regression.

    Raises
    ------
    DataError
        The target is absent, has one value, or is a text that hardly repeats, or a date.
    """
    require_columns(table, [target], "plan.target")
    dtype = dtype_name(table.collect_schema()[target])
    known = table.filter(~nw.col(target).is_null())
    figures = single(
        known.select(nw.len().alias("rows"), nw.col(target).n_unique().alias("distinct"))
    )
    distinct, rows = int(figures["distinct"]), int(figures["rows"])
    if rows == 0 or distinct < 2:
        raise DataError(
            "the target never varies, so there is nothing to predict",
            where=target,
            got=f"{distinct} different values in {rows:,} rows",
        )
    if distinct == 2 and dtype not in ("date", "datetime"):
        return "binary"
    if dtype == "string" and distinct <= max(_MOST_CLASSES, min(_MOST_CATEGORIES, rows // 5)):
        return "multiclass"
    if dtype == "integer" and distinct <= _MOST_CLASSES:
        return "multiclass"
    if dtype in ("integer", "number"):
        return "regression"
    raise DataError(
        "no task fits the target",
        where=target,
        got=f"{distinct:,} different values of type {dtype} in {rows:,} rows",
        allowed="a number, or a text with few different values",
    )


def _observed(frame: nw.LazyFrame[Any], dtypes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Count missing and different values, and find the ends of numbers and of texts' lengths."""
    seen = observe(frame, dict.fromkeys(dtypes, Column()), list_values=False)
    wanted: list[nw.Expr] = []
    for name, dtype in dtypes.items():
        column = nw.col(name)
        wanted.append(column.n_unique().alias(f"distinct {name}"))
        if dtype == "string":
            length = column.str.len_chars()
            wanted += [length.min().alias(f"short {name}"), length.max().alias(f"long {name}")]
    figures = single(frame.select(*wanted))
    return {
        name: {
            "missing": column.missing,
            "distinct": int(figures[f"distinct {name}"]) - (column.missing > 0),
            "min": column.min,
            "max": column.max,
            "lengths": (figures.get(f"short {name}"), figures.get(f"long {name}")),
        }
        for name, column in seen.items()
    }


def _role(dtype: str, seen: Mapping[str, Any], rows: int, has_time: bool, lone_key: bool) -> str:
    distinct, known = seen["distinct"], rows - seen["missing"]
    if lone_key:
        return "identifier"
    if distinct <= 1:
        return "ignored"
    if dtype in ("date", "datetime"):
        return "ignored" if has_time else "time"
    if rows >= _FEWEST_ROWS and distinct == known:
        # Whole numbers without a gap count the rows; with gaps they may measure something.
        counts = dtype == "integer" and seen["max"] - seen["min"] < 2 * rows
        if dtype == "string" or counts:
            return "identifier"
    if dtype == "string" and distinct > _MOST_CATEGORIES:
        return "group" if distinct <= known / 10 else "ignored"
    return "feature"


def _column(
    frame: nw.LazyFrame[Any],
    name: str,
    dtype: str,
    role: str,
    seen: Mapping[str, Any],
    rows: int,
) -> Column:
    if dtype == "string":
        listed = seen["distinct"] <= min(_MOST_LISTED, max(rows // 5, 2))
    else:
        listed = role == "target" and dtype == "integer" and seen["distinct"] <= _MOST_CLASSES
    listed = listed and role in ("feature", "target")
    values = None
    if listed:
        distinct = frame.filter(~nw.col(name).is_null()).select(name).unique().sort(name)
        values = to_arrow(distinct).column(0).to_pylist()
        if any("${" in str(value) for value in values):  # would be read as an interpolation
            values = None
    ranged = values is None and role in ("feature", "target") and dtype in ("integer", "number")
    low, high = (seen[end] if ranged and _is_finite(seen[end]) else None for end in ("min", "max"))
    # A code has as many characters in every row; other texts only happen to have had.
    short, long = seen["lengths"]
    code = values is None and short == long and seen["distinct"] >= _FEWEST_CODES
    return Column(
        dtype=dtype,
        role=role,
        nullable=seen["missing"] > 0,
        unique=role == "identifier" and seen["missing"] == 0 and seen["distinct"] == rows,
        min=low,
        max=high,
        allowed=values,
        min_length=short if code else None,
        max_length=long if code else None,
        max_missing=_share(seen["missing"], rows),
    )


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _share(missing: int, rows: int) -> float | None:
    """Propose how many values may be missing: half as many again, and at least one in a hundred."""
    share = math.ceil(max(1.5 * missing / rows, 0.01) * 100) / 100 if missing else 1.0
    return share if share < 1 else None


_HEAD = """\
# @package validate
# What each column of the cleaned table is for, and what it may hold. `fivefold schema infer` read
# it off the data; from now on it is yours: mend roles, widen ranges, add unit:, description: and
# checks: across columns. Roles: feature, target, identifier, time, group, sensitive, outcome (known
# only afterwards, so never a feature), ignored.
"""


def schema_yaml(schema: TableSchema) -> str:
    """Write a schema as the project's ``conf/schema.yaml``, a column a line."""
    lines = ["columns:"]
    for name, column in schema.columns.items():
        shown: dict[str, Any] = {"dtype": column.dtype, "role": column.role}
        for key, given in vars(column).items():
            if key in shown or given == getattr(_PLAIN, key):
                continue
            whole = isinstance(given, float) and given.is_integer() and column.dtype == "integer"
            shown[key] = int(given) if whole else given
        lines.append(f"  {_flow(name)}: {_flow(shown)}")
    return _HEAD + "\n".join(lines) + "\n"


_PLAIN = Column()


def _flow(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True
    )
    return text.removesuffix("...\n").strip()
