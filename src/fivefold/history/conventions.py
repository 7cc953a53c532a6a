"""What a Fivefold project writes where, beyond what ``dvc.yaml`` declares.

None of it is required: a repository without these files and sections is read as plain DVC.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from typing import Any

from fivefold.history.dvc.values import FileValues

__all__ = [
    "CODE_SECTION",
    "COST_FILE",
    "EVALUATION_FILE",
    "EXPLORATION_FILE",
    "FINGERPRINT",
    "PREDICTIONS_FILE",
    "SCHEMA_FILE",
    "SPLIT_FILE",
    "TIMELINE_FILE",
    "TRIALS_FILE",
    "TUNING_FILE",
    "baselines",
    "code_fingerprints",
    "cost",
    "decides",
    "interval_of",
    "is_annotation",
    "model_name",
]

COST_FILE = "metrics/profile.json"
"""What each stage used of the machine: it varies from run to run, so it is no result."""

TIMELINE_FILE = "metrics/timeline.jsonl"
"""How each stage used it over time, a line of JSON a stage."""

EVALUATION_FILE = "reports/evaluate.json"
"""Curves, calibration and groups of the evaluation."""

EXPLORATION_FILE = "reports/explore.json"
"""Rows, missing shares and histograms of the cleaned table."""

SCHEMA_FILE = "reports/schema.json"
"""The columns and their roles."""

SPLIT_FILE = "reports/split.json"
"""The parts of the split, written by the stage that writes the test part."""

FINGERPRINT = "test_content"
"""Where the split's report says what is in the test part: keys, features and target."""

PREDICTIONS_FILE = "data/predictions.parquet"
"""The test part's key, target, scores and predictions, row by row."""

TRIALS_FILE = "reports/trials.csv"
"""A row per trial of the study that tuned the run's model: arguments, scores, state."""

TUNING_FILE = "reports/tune.json"
"""What that study aimed at (``objectives``), and which trial was taken (``trial``)."""

CODE_SECTION = "code"
_INTERVAL = "interval"
_BASELINE = "baseline"
_PREFERRED = "evaluate"


def is_annotation(name: str) -> bool:
    """Tell whether a dotted name belongs to what explains a metric and is none itself."""
    return name.startswith((f"{_INTERVAL}.", f"{_BASELINE}."))


def prefer(paths: list[str]) -> str | None:
    """Choose among metrics files that hold the same name: the evaluation's, or the only one."""
    named = [path for path in paths if posixpath.basename(path).startswith(f"{_PREFERRED}.")]
    return named[0] if len(named) == 1 else paths[0] if len(paths) == 1 else None


def decides(path: str, paths: Collection[str]) -> bool:
    """Tell whether `prefer` takes this file for what it holds, whatever the others hold."""
    ahead = [p for p in paths if posixpath.basename(p).startswith(f"{_PREFERRED}.")]
    return ahead == [path] or [*paths] == [path]


def interval_of(file: FileValues, name: str) -> tuple[float, float] | None:
    """Give the 95% confidence interval that a metrics file holds for a metric: low, high."""
    section = file.raw.get(_INTERVAL) if isinstance(file.raw, Mapping) else None
    ends = section.get(name) if isinstance(section, Mapping) else None
    if isinstance(ends, Mapping) and _number(ends.get("low")) and _number(ends.get("high")):
        return float(ends["low"]), float(ends["high"])
    return None


def baselines(file: FileValues) -> dict[str, float]:
    """Give what a model that learns nothing reaches, by metric."""
    section = file.raw.get(_BASELINE) if isinstance(file.raw, Mapping) else None
    if not isinstance(section, Mapping):
        return {}
    return {str(name): float(value) for name, value in section.items() if _number(value)}


def cost(file: FileValues | None) -> dict[str, dict[str, float]]:
    """Give the figures of each stage: seconds, megabytes, watt-hours, money."""
    raw = file.raw if file is not None and isinstance(file.raw, Mapping) else {}
    return {
        str(stage): {str(key): float(value) for key, value in row.items() if _number(value)}
        for stage, row in raw.items()
        if isinstance(row, Mapping)
    }


def code_fingerprints(params: Mapping[str, FileValues]) -> dict[str, str]:
    """Give the fingerprint of the code that each stage runs; empty where there is no plan."""
    for file in params.values():
        if isinstance(file.raw, Mapping) and isinstance(file.raw.get("plan"), Mapping):
            section = file.raw.get(CODE_SECTION)
            if isinstance(section, Mapping):
                return {str(stage): str(value) for stage, value in section.items()}
    return {}


def model_name(params: Mapping[str, FileValues]) -> str | None:
    """Give the name of the model that was trained, where the params say it."""
    for name in ("train.model", "train.model.name", "model.name", "model"):
        for file in params.values():
            value = file.values.get(name)
            if isinstance(value, str):
                return value
    return None


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
