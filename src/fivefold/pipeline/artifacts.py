"""How each kind of value is read from and written to its file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivefold.errors import DataError
from fivefold.pipeline.declare import Kind

__all__ = ["HANDLERS", "Handler", "ReadContext", "write_json"]


@dataclass(frozen=True)
class ReadContext:
    """What a reader may need beside the path.

    Attributes
    ----------
    engine : str
        What tables are opened on.
    trusted : tuple of str
        Types that the project's own config trusts in a kept estimator.
    """

    engine: str
    trusted: tuple[str, ...]


@dataclass(frozen=True)
class Handler:
    """One kind's reader and writer.

    Attributes
    ----------
    read, write : callable
        ``read(path, context)`` and ``write(value, path, context)``.
    modules : tuple of str
        Our modules that do it, so that a change in them re-runs the stages concerned.
    """

    read: Callable[[Path, ReadContext], Any]
    write: Callable[[Any, Path, ReadContext], object]
    modules: tuple[str, ...] = ()


def write_json(value: Any, path: Path) -> None:
    """Write JSON with the keys in their order; a NaN is a programming error.

    Non-ASCII text stays readable; one key a line, so that Git's diff is one, too.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _read_json(path: Path, _: ReadContext) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError("not valid JSON", where=str(path), got=str(error)) from None


def _read_table(path: Path, context: ReadContext) -> Any:
    from fivefold.table import scan

    return scan(path, context.engine)


def _write_table(value: Any, path: Path, _: ReadContext) -> None:
    from fivefold.table import write_table

    write_table(value, path)


def _read_tables(path: Path, context: ReadContext) -> Any:
    from fivefold.table.folder import scan_folder

    return scan_folder(path, context.engine)


def _write_tables(value: Any, path: Path, _: ReadContext) -> None:
    from fivefold.table.folder import write_folder

    write_folder(value, path)


def _read_schema(path: Path, context: ReadContext) -> Any:
    from fivefold.table.schema import TableSchema

    return TableSchema.from_json(_read_json(path, context))


def _read_objective(path: Path, context: ReadContext) -> Any:
    from fivefold.objective import Objective

    return Objective.from_json(_read_json(path, context))


def _write_as_json(value: Any, path: Path, _: ReadContext) -> None:
    write_json(value.to_json(), path)


def _write_page(value: Any, path: Path, _: ReadContext) -> None:
    from fivefold.report import render_html

    path.write_text(render_html(value), encoding="utf-8", newline="\n")


def _read_text(path: Path, _: ReadContext) -> str:
    return path.read_text(encoding="utf-8")


def _write_text(value: str, path: Path, _: ReadContext) -> None:
    path.write_text(value.rstrip("\n") + "\n", encoding="utf-8", newline="\n")


def _read_estimator(path: Path, context: ReadContext) -> Any:
    from fivefold.estimator import read_estimator

    return read_estimator(path, context.trusted)


def _write_estimator(value: Any, path: Path, context: ReadContext) -> None:
    from fivefold.estimator import write_estimator

    write_estimator(value, path, context.trusted)


def _read_bytes(path: Path, _: ReadContext) -> bytes:
    return path.read_bytes()


HANDLERS: dict[Kind, Handler] = {
    Kind.TABLE: Handler(_read_table, _write_table, ("fivefold.table",)),
    Kind.TABLES: Handler(_read_tables, _write_tables, ("fivefold.table.folder",)),
    Kind.JSON: Handler(_read_json, lambda value, path, _: write_json(value, path)),
    Kind.SCHEMA: Handler(_read_schema, _write_as_json, ("fivefold.table.schema",)),
    Kind.OBJECTIVE: Handler(_read_objective, _write_as_json, ("fivefold.objective",)),
    Kind.PAGE: Handler(_read_text, _write_page, ("fivefold.report",)),
    Kind.TEXT: Handler(_read_text, _write_text),
    Kind.ESTIMATOR: Handler(_read_estimator, _write_estimator, ("fivefold.estimator",)),
    Kind.ONNX: Handler(_read_bytes, lambda value, path, _: path.write_bytes(value)),
}


def modules_of(kinds: Iterable[Kind]) -> tuple[str, ...]:
    """Name our modules that read or write any of the kinds."""
    return tuple(dict.fromkeys(module for kind in kinds for module in HANDLERS[kind].modules))
