"""What a stage is: a pure function, the outputs it is wired to, the outputs it leaves."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["Kind", "Output", "Stage"]


class Kind(Enum):
    """How a value is kept in a file; :mod:`fivefold.pipeline.artifacts` reads and writes each."""

    TABLE = "a Parquet file, rows sorted by key"
    TABLES = "a folder of Parquet files, a table each"
    JSON = "JSON"
    SCHEMA = "the columns and their roles, as JSON"
    OBJECTIVE = "what the plan asks of the model, as JSON"
    PAGE = "a self-contained HTML page"
    TEXT = "Markdown"
    ESTIMATOR = "a fitted scikit-learn pipeline, as skops"
    ONNX = "an ONNX model in one file"


@dataclass(frozen=True)
class Output:
    """One file or folder that a stage writes.

    Attributes
    ----------
    path : str
        Relative to ``dvc.yaml``, with forward slashes.
    kind : Kind
        How the value is kept.
    cache : bool
        Kept in DVC's cache (data, models) or in Git (reports, metrics).
    metric : bool
        Listed under ``metrics:`` in ``dvc.yaml``, so that ``dvc metrics diff`` reads it.
    """

    path: str
    kind: Kind
    cache: bool = False
    metric: bool = False


@dataclass(frozen=True)
class Stage:
    """One stage: the same name in ``dvc.yaml``, ``params.yaml``, its module and its config.

    Attributes
    ----------
    name : str
        The stage's name.
    phase : str
        The package its module lives in.
    inputs : mapping of str to str
        Argument of the function to ``"<stage>.<output>"`` of an earlier stage.
    outputs : mapping of str to Output
        Field of the function's result to the file it is kept in.
    """

    name: str
    phase: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The dotted name of the module that holds the stage's function and config."""
        return f"fivefold.{self.phase}.{self.name}"

    @property
    def function(self) -> Callable[..., Any]:
        """The stage's pure function; imports its module."""
        function: Callable[..., Any] = getattr(importlib.import_module(self.module), self.name)
        return function

    @property
    def config_class(self) -> type:
        """The dataclass of the stage's parameters; imports its module."""
        found: type = getattr(importlib.import_module(self.module), f"{self.name.title()}Config")
        return found
