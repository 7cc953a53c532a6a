"""Call a cleaning step with the kind of table it asks for, and take back what it gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.callables import Call
from fivefold.data.keys import count_rows
from fivefold.errors import DataError
from fivefold.table import from_arrow, to_arrow
from fivefold.table.engine import batches, from_native, names_of
from fivefold.table.parquet import canonical
from fivefold.table.settle import MEMORY_CELLS, spill

__all__ = ["annotation", "as_asked", "run_step"]

_ASKED = ("narwhals", "pandas", "polars", "pyarrow", "duckdb")


def run_step(call: Call, table: nw.LazyFrame[Any], engine: str) -> nw.LazyFrame[Any]:
    """Call a step.

    The annotation of its first parameter says what it takes: ``narwhals.LazyFrame`` (or
    ``narwhals.DataFrame``), or the frame of pandas, polars, pyarrow or duckdb, whatever the engine.
    Without an annotation it takes the engine's own frame. A step with a parameter ``key`` is given
    the table's key, unless it declares another.

    Raises
    ------
    DataError
        The step raised, or gave no table.
    """
    given = call(as_asked(table, call.function, engine))
    result = from_native(given, where=f"{call.where} ({call.name})")
    ours = getattr(call.function, "effect", None) is not None
    if ours:
        return result
    # A user's function may change the engine, or leave types that the writer would have to mend.
    if count_rows(result) * len(names_of(result)) > MEMORY_CELLS:
        schema, rows = batches(result)
        target = canonical(schema)
        return spill(target, (batch.cast(target) for batch in rows), engine)
    arrow = to_arrow(result)
    return from_arrow(arrow.cast(canonical(arrow.schema)), engine)


def as_asked(table: nw.LazyFrame[Any], function: Callable[..., Any], engine: str) -> Any:
    """Give a table as the annotation of a function's first parameter asks for it."""
    library, name = annotation(function)
    if library == "narwhals":
        return table.collect() if name == "DataFrame" else table
    if library is None or library == engine:
        native = nw.to_native(table)
        eager = library == "polars" and name == "DataFrame"
        return native.collect() if eager else native
    arrow = to_arrow(table)
    if library == "pyarrow":
        return arrow
    converted = nw.to_native(from_arrow(arrow, library))
    return converted.collect() if library == "polars" and name == "DataFrame" else converted


def annotation(function: Callable[..., Any]) -> tuple[str | None, str]:
    """Give the library and the class that the first parameter is annotated with."""
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters:
        raise DataError(
            "a step takes the table as its first argument",
            where=getattr(function, "__qualname__", str(function)),
            got="a function without parameters",
        )
    hint = parameters[0].annotation
    if hint is inspect.Parameter.empty:
        return None, ""
    if isinstance(hint, str):
        try:
            # The names that a module imports for type checking only are not there to look up.
            hint = eval(hint, getattr(function, "__globals__", {}))  # noqa: S307
        except Exception:  # noqa: BLE001 - any failure means that the hint can't be used
            return None, ""
    origin = getattr(hint, "__origin__", hint)
    module = str(getattr(origin, "__module__", "")).lstrip("_").partition(".")[0]
    name = str(getattr(origin, "__name__", ""))
    if origin is pa.Table:
        return "pyarrow", name
    return (module if module in _ASKED else None), name
