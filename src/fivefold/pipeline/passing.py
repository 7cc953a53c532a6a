"""A table that a stage passes on as it was: its file is copied, and not written again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fivefold.pipeline.declare import Kind, Stage
from fivefold.pipeline.stages import input_output

__all__ = ["KeptTable", "kept_tables", "path_of"]


@dataclass(frozen=True)
class KeptTable:
    """An input that one of our stages wrote.

    Attributes
    ----------
    frame : object
        What the stage was given.
    key : tuple of str
        The columns that the file is sorted by.
    path : str
        The file, relative to the project.
    """

    frame: Any
    key: tuple[str, ...]
    path: str


def kept_tables(
    stage: Stage,
    params: Mapping[str, Any],
    paths: Mapping[str, str],
    arguments: Mapping[str, Any],
) -> list[KeptTable]:
    """Name the inputs whose files hold the rows as the writer would write them.

    A file from elsewhere, as ``inputs:`` may name it, may have other types or another order.
    """
    kept = []
    for name, reference in stage.inputs.items():
        output, producer = input_output(reference), reference.partition(".")[0]
        key = (params.get(producer) or {}).get("key")
        if output.kind is Kind.TABLE and paths[name] == output.path and key:
            kept.append(KeptTable(arguments[name], tuple(key), output.path))
    return kept


def path_of(value: Any, kept: Sequence[KeptTable]) -> str | None:
    """Give the file of an input that an output is, by the very frame and key, or None."""
    frame, key = getattr(value, "frame", None), getattr(value, "key", None)
    if frame is None:
        return None
    return next((table.path for table in kept if table.frame is frame and table.key == key), None)
