"""Propose ``conf/schema.yaml``, and what the plan leaves open, from the data itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.errors import ConfigError
from fivefold.files import replace_text
from fivefold.pipeline.places import CONF
from fivefold.pipeline.project import load_yaml_file
from fivefold.pipeline.stages import stage_named
from fivefold.pipeline.tree import resolved_tree
from fivefold.pipeline.typed import typed

if TYPE_CHECKING:
    from fivefold.metrics import Task

__all__ = ["infer_schema_file"]

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
    table = _cleaned(root, tree)
    task = infer_task(table, target)
    replace_text(path, schema_yaml(infer_schema(table, target, tree["key"])))
    yield f"{CONF}/{SCHEMA}: the columns, their types and roles; yours from here on"
    if _fill_plan(root / CONF / PLAN, task):
        yield f"{CONF}/{PLAN}: task {task}, metric {_METRICS[task][0]}; state the goal there"


def _cleaned(root: Path, tree: dict[str, Any]) -> Any:
    """Run collect, integrate and clean in memory, without DVC."""
    from fivefold.table.engine import from_arrow

    def call(name: str, **inputs: Any) -> Any:
        stage = stage_named(name)
        assert stage is not None  # noqa: S101 - a name of ours
        section = {key: value for key, value in (tree.get(name) or {}).items() if key != "inputs"}
        return stage.function(**inputs, config=typed(stage.config_class, section, name))

    source = str(root / "src")
    sys.path.insert(0, source)
    try:
        with chdir(root):
            tables = call("collect").tables
            frames = {name: from_arrow(rows.to_table(), "polars") for name, rows in tables.items()}
            tree["integrate"]["engine"] = tree["clean"]["engine"] = "polars"
            return call("clean", table=call("integrate", tables=frames).table.frame).table.frame
    finally:
        sys.path.remove(source)


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
