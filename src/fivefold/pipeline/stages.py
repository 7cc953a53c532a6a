"""The pipeline at one glance: every stage, what it reads, what it leaves."""

from __future__ import annotations

from fivefold.pipeline.declare import Kind, Output, Stage

__all__ = ["COMPOSE", "PARAMS", "PROFILE", "STAGES", "TIMELINE", "input_output", "stage_named"]

COMPOSE = "compose"
PARAMS = "params.yaml"
PROFILE = "metrics/profile.json"
TIMELINE = "metrics/timeline.jsonl"

STAGES: tuple[Stage, ...] = (
    Stage(
        "plan",
        phase="plan",
        outputs={
            "charter": Output("reports/plan.json", Kind.JSON),
            "page": Output("reports/plan.html", Kind.PAGE),
            "text": Output("reports/plan.md", Kind.TEXT),
            # Apart from the charter, so that a reworded problem fits no model again.
            "objective": Output("reports/objective.json", Kind.OBJECTIVE),
        },
    ),
    Stage(
        "collect",
        phase="data",
        outputs={
            "tables": Output("data/collected", Kind.TABLES, cache=True),
            "report": Output("reports/collect.json", Kind.JSON),
        },
    ),
    Stage(
        "integrate",
        phase="data",
        inputs={"tables": "collect.tables"},
        outputs={
            "table": Output("data/integrated.parquet", Kind.TABLE, cache=True),
            "report": Output("reports/integrate.json", Kind.JSON),
        },
    ),
    Stage(
        "label",
        phase="data",
        inputs={"table": "integrate.table", "tables": "collect.tables"},
        outputs={
            "table": Output("data/labelled.parquet", Kind.TABLE, cache=True),
            "report": Output("reports/label.json", Kind.JSON),
            "page": Output("reports/label.html", Kind.PAGE),
            "tasks": Output("reports/label-tasks.json", Kind.JSON),
            "queue": Output("reports/label-queue.json", Kind.JSON),
        },
    ),
    Stage(
        "clean",
        phase="data",
        inputs={"table": "label.table"},
        outputs={
            "table": Output("data/cleaned.parquet", Kind.TABLE, cache=True),
            "audit": Output("reports/clean.json", Kind.JSON),
        },
    ),
    Stage(
        "validate",
        phase="data",
        inputs={
            "table": "clean.table",
            "audit": "clean.audit",
            "lineage": "integrate.report",
            "objective": "plan.objective",
        },
        outputs={
            "schema": Output("reports/schema.json", Kind.SCHEMA),
            "quarantine": Output("data/quarantine.parquet", Kind.TABLE, cache=True),
            "report": Output("reports/validate.json", Kind.JSON),
        },
    ),
    Stage(
        "explore",
        phase="data",
        inputs={
            "table": "clean.table",
            "quarantine": "validate.quarantine",
            "schema": "validate.schema",
            "objective": "plan.objective",
        },
        outputs={
            "summary": Output("reports/explore.json", Kind.JSON),
            "page": Output("reports/explore.html", Kind.PAGE),
        },
    ),
    Stage(
        "split",
        phase="data",
        inputs={
            "table": "clean.table",
            "quarantine": "validate.quarantine",
            "schema": "validate.schema",
            "objective": "plan.objective",
        },
        outputs={
            "train": Output("data/train.parquet", Kind.TABLE, cache=True),
            "test": Output("data/test.parquet", Kind.TABLE, cache=True),
            "production": Output("data/production.parquet", Kind.TABLE, cache=True),
            "report": Output("reports/split.json", Kind.JSON),
        },
    ),
    Stage(
        "select",
        phase="model",
        inputs={
            "train": "split.train",
            "schema": "validate.schema",
            "objective": "plan.objective",
        },
        outputs={
            "scores": Output("metrics/select.json", Kind.JSON, metric=True),
            "selection": Output("reports/select.json", Kind.JSON),
            "page": Output("reports/select.html", Kind.PAGE),
        },
    ),
    Stage(
        "tune",
        phase="model",
        inputs={
            "train": "split.train",
            "schema": "validate.schema",
            "objective": "plan.objective",
            "selection": "select.selection",
        },
        outputs={
            "scores": Output("metrics/tune.json", Kind.JSON, metric=True),
            "tuning": Output("reports/tune.json", Kind.JSON),
            "trials": Output("reports/trials.csv", Kind.TEXT),
            "page": Output("reports/tune.html", Kind.PAGE),
        },
    ),
    Stage(
        "train",
        phase="model",
        inputs={
            "train": "split.train",
            "schema": "validate.schema",
            "objective": "plan.objective",
            "tuning": "tune.tuning",
        },
        outputs={
            "estimator": Output("models/model.skops", Kind.ESTIMATOR, cache=True),
            "report": Output("reports/train.json", Kind.JSON),
        },
    ),
    Stage(
        "evaluate",
        phase="model",
        inputs={
            "estimator": "train.estimator",
            "fitted": "train.report",
            "train": "split.train",
            "test": "split.test",
            "schema": "validate.schema",
            "objective": "plan.objective",
        },
        outputs={
            "metrics": Output("metrics/evaluate.json", Kind.JSON, metric=True),
            "predictions": Output("data/predictions.parquet", Kind.TABLE, cache=True),
            "report": Output("reports/evaluate.json", Kind.JSON),
            "page": Output("reports/evaluate.html", Kind.PAGE),
        },
    ),
    Stage(
        "diagnose",
        phase="model",
        inputs={
            "predictions": "evaluate.predictions",
            "train": "split.train",
            "test": "split.test",
            "schema": "validate.schema",
            "objective": "plan.objective",
        },
        outputs={
            "report": Output("reports/diagnose.json", Kind.JSON),
            "page": Output("reports/diagnose.html", Kind.PAGE),
        },
    ),
    Stage(
        "assess",
        phase="model",
        inputs={
            "predictions": "evaluate.predictions",
            "test": "split.test",
            "schema": "validate.schema",
            "objective": "plan.objective",
        },
        outputs={
            "metrics": Output("metrics/assess.json", Kind.JSON, metric=True),
            "report": Output("reports/assess.json", Kind.JSON),
            "page": Output("reports/assess.html", Kind.PAGE),
        },
    ),
    Stage(
        "explain",
        phase="model",
        inputs={
            "estimator": "train.estimator",
            "fitted": "train.report",
            "train": "split.train",
            "test": "split.test",
            "schema": "validate.schema",
            "objective": "plan.objective",
        },
        outputs={
            "report": Output("reports/explain.json", Kind.JSON),
            "page": Output("reports/explain.html", Kind.PAGE),
        },
    ),
    Stage(
        "document",
        phase="model",
        inputs={
            "charter": "plan.charter",
            "sources": "collect.report",
            "audit": "clean.audit",
            "validation": "validate.report",
            "split": "split.report",
            "schema": "validate.schema",
            "objective": "plan.objective",
            "fitted": "train.report",
            "metrics": "evaluate.metrics",
            "evaluation": "evaluate.report",
            "diagnosis": "diagnose.report",
            "assessment": "assess.report",
            "explanation": "explain.report",
        },
        outputs={
            "model_card": Output("reports/model-card.md", Kind.TEXT),
            "data_card": Output("reports/data-card.md", Kind.TEXT),
        },
    ),
    Stage(
        "export",
        phase="deploy",
        inputs={
            "estimator": "train.estimator",
            "test": "split.test",
            "schema": "validate.schema",
            "objective": "plan.objective",
        },
        outputs={
            "model": Output("models/model.onnx", Kind.ONNX, cache=True),
            "metrics": Output("metrics/export.json", Kind.JSON, metric=True),
            "report": Output("reports/export.json", Kind.JSON),
            "page": Output("reports/export.html", Kind.PAGE),
        },
    ),
    Stage(
        "monitor",
        phase="monitor",
        inputs={
            "model": "export.model",
            "train": "split.train",
            "test": "split.test",
            "production": "split.production",
            "schema": "validate.schema",
            "objective": "plan.objective",
        },
        outputs={
            "metrics": Output("metrics/monitor.json", Kind.JSON, metric=True),
            "report": Output("reports/monitor.json", Kind.JSON),
            "page": Output("reports/monitor.html", Kind.PAGE),
        },
    ),
)


def stage_named(name: str) -> Stage | None:
    """Give the stage of a name, or None."""
    return next((stage for stage in STAGES if stage.name == name), None)


def input_output(reference: str) -> Output:
    """Give the output that an input such as ``"clean.table"`` is wired to."""
    producer, _, name = reference.partition(".")
    stage = stage_named(producer)
    if stage is None or name not in stage.outputs:  # a declaration error, not a user's
        raise LookupError(reference)
    return stage.outputs[name]
