"""Propose ``conf/schema.yaml``, and what the plan leaves open, from the data itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.errors import ConfigError
from fivefold.files import replace_text
from fivefold.pipeline.declare import Kind
from fivefold.pipeline.places import CONF
from fivefold.pipeline.project import load_yaml_file
from fivefold.pipeline.stages import input_output, stage_named
from fivefold.pipeline.tree import resolved_tree
from fivefold.pipeline.typed import typed

if TYPE_CHECKING:
    from fivefold.metrics import Task

__all__ = ["cleaned_table", "infer_schema_file"]

SCHEMA = "schema.yaml"
PLAN = "plan.yaml"

# What a plan reports for a task before its owner has thought about it, the primary metric first.
_METRICS: dict[Task, tuple[str, ...]] = {
    "binary": ("roc_auc", "average_precision", "brier_score", "balanced_accuracy"),
    "multiclass": ("f1_macro", "balanced_accuracy", "log_loss"),
    "regression": ("root_mean_squared_error", "mean_absolute_error", "r2"),
}


def infer_schema_file(root: Path, force: bool = False) -> Iterator[str]:
    """Read the sources as declared, and write what their columns are.

    Parameters
    ----------
    root : Path
        The project's folder.
    force : bool
        Replace a schema that is there.

    Yields
    ------
    str
        A line per file written.

    Raises
    ------
    ConfigError
        There is a schema already and ``force`` is not set.
    DataError
        A source, a join or a cleaning step fails.
    """
    path = root / CONF / SCHEMA
    there = (load_yaml_file(path, f"{CONF}/{SCHEMA}") or {}) if path.is_file() else {}
    if there.get("columns") and not force:
        raise ConfigError(
            "there is a schema already, and it is yours",
            where=f"{CONF}/{SCHEMA}",
            hint="to replace it: fivefold schema infer --force",
        )
    from fivefold.data.infer import infer_schema, infer_task, schema_yaml

    tree = resolved_tree(root)
    target = tree["plan"]["target"]
    table = cleaned_table(root, tree)
    task = infer_task(table, target)
    replace_text(path, schema_yaml(infer_schema(table, target, tree["key"])))
    yield f"{CONF}/{SCHEMA}: the columns, their types and roles; yours from here on"
    if _fill_plan(root / CONF / PLAN, task):
        yield f"{CONF}/{PLAN}: task {task}, metric {_METRICS[task][0]}; state the goal there"


def cleaned_table(root: Path, tree: dict[str, Any]) -> Any:
    """Run the stages up to clean in memory, as they are wired, without DVC."""
    source = str(root / "src")
    sys.path.insert(0, source)
    try:
        with chdir(root):
            return _value("clean.table", tree, {})
    finally:
        sys.path.remove(source)


def _value(reference: str, tree: Mapping[str, Any], results: dict[str, Any]) -> Any:
    """Give what a stage would read of another's output, running that stage if it has not run."""
    producer, _, name = reference.partition(".")
    if producer not in results:
        stage = stage_named(producer)
        assert stage is not None  # noqa: S101 - a name of ours
        inputs = {key: _value(other, tree, results) for key, other in stage.inputs.items()}
        section = {
            key: value for key, value in (tree.get(producer) or {}).items() if key != "inputs"
        }
        if "engine" in section:
            section["engine"] = "polars"
        config = typed(stage.config_class, section, producer)
        results[producer] = stage.function(**inputs, config=config)
    return _as_read(getattr(results[producer], name), input_output(reference).kind)


def _as_read(value: Any, kind: Kind) -> Any:
    from fivefold.table.settle import spill

    if kind is Kind.TABLES:
        return {name: spill(rows.schema, rows.batches(), "polars") for name, rows in value.items()}
    return value.frame if kind is Kind.TABLE else value


def _fill_plan(path: Path, task: Task) -> bool:
    """Put the task and its usual metrics where the plan says ``infer``; say whether it did."""
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8")
    primary, *rest = _METRICS[task]
    filled = re.sub(r"(?m)^task: infer\b", f"task: {task}", text)
    filled = re.sub(r"(?m)^primary_metric: infer\b", f"primary_metric: {primary}", filled)
    filled = re.sub(r"(?m)^metrics: \[\]", f"metrics: [{', '.join([primary, *rest])}]", filled)
    filled = re.sub(r"(?m)^# `fivefold schema infer` reads the table.*\n", "", filled)
    if filled == text or "task: infer" not in text:
        return False
    replace_text(path, filled)
    return True
