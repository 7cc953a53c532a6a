"""The tables of a run's page, one function a section; what has nothing to show gives nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fivefold.history.diff.changes import Gate
from fivefold.history.figures import ends_text, value_text
from fivefold.history.intervals import is_noise
from fivefold.history.measures import is_number
from fivefold.history.site.gather import Entry
from fivefold.history.spent import figures_tables
from fivefold.report import Block, Cell, Column, Table

__all__ = ["charter", "cost", "data", "gates", "metrics", "stages"]

_CHARTER = (
    *("problem", "objective", "task", "target", "primary_metric", "metrics", "thresholds"),
    *("guardrails", "fairness", "budget", "roles", "stakeholders", "assumptions", "risks"),
)


def charter(entry: Entry) -> list[Block]:
    """Put the plan's flat params together by their first word."""
    plan: dict[str, list[str]] = {}
    for name, value in entry.params.items():
        section, _, rest = name.partition(".")
        key, _, inner = rest.partition(".")
        if section == "plan" and key in _CHARTER and value not in (None, "", [], {}):
            said = _said(value)
            plan.setdefault(key, []).append(f"{inner.replace('.', ' ')} {said}" if inner else said)
    rows = [(key.replace("_", " "), "; ".join(plan[key])) for key in _CHARTER if key in plan]
    return [Table(["of the plan", "as this run had it"], rows)] if rows else []


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(
            f"{k.replace('.', ' ')} {_said(v)}" for k, v in value.items() if v is not None
        )
    if isinstance(value, list):
        return "; ".join(map(_said, value))
    return value_text(value)


def metrics(entry: Entry, before: Entry | None) -> list[Block]:
    """Give the metrics with their intervals, baselines and changes against the run before."""
    rows = []
    for name, m in entry.measures.items():
        old = before.details.metrics.get(name) if before else None
        goal = entry.goals.direction(name).goal
        change: Any = None
        if old is not None and is_number(old.value) and is_number(m.value) and old.value != m.value:
            noise = is_noise(old.value, old.interval, m.value, m.interval)
            better = None if goal is None else (m.value > old.value) == (goal == "maximize")
            word = "noise" if noise else {True: "better", False: "worse", None: "changed"}[better]
            status = {"better": "good", "worse": "bad"}.get(word)
            change = Cell(f"{m.value - old.value:+.3g} {word}", status)  # type: ignore[arg-type]
        rows.append(
            (
                name,
                value_text(m.value),
                ends_text(m.interval),
                value_text(entry.details.baselines[name])
                if name in entry.details.baselines
                else "",
                {"maximize": "more is better", "minimize": "less is better"}.get(goal or "", ""),
                change if change is not None else "",
            )
        )
    if not rows:
        return []
    heads: list[str | Column] = [
        "metric",
        Column("value", "number"),
        Column("95% interval", "interval"),
        Column("baseline", "number"),
        "goal",
        "against the run before",
    ]
    keep = [i for i in range(len(heads)) if i < 2 or any(row[i] != "" for row in rows)]
    table = Table([heads[i] for i in keep], [[row[i] for i in keep] for row in rows], "The metrics")
    return [table]


def gates(entry: Entry) -> list[Block]:
    """Hold the metrics against the plan's thresholds, guardrails and budgets."""
    if not entry.gates:
        return []
    rows = [
        (
            re.sub("^(threshold|guardrail|budget)[.]", "", gate.name),
            gate.metric,
            gate.asks,
            value_text(gate.value) if gate.value is not None else _absent(gate),
            Cell(
                "reached" if gate.passed else "not reached" if gate.value is not None else "–",  # noqa: RUF001
                "good" if gate.passed else "bad" if gate.required else None,
            ),
        )
        for gate in entry.gates
    ]
    heads: list[str | Column] = ["gate", "metric", "asks for", Column("value", "number"), "verdict"]
    return [Table(heads, rows, "The plan's thresholds, guardrails and budgets")]


def _absent(gate: Gate) -> str:
    return "missing" if gate.required else "not recorded"


def data(entry: Entry, before: Entry | None, split: Any) -> list[Block]:
    """Give the versions of the data, and the parts that the table was split into."""
    old = before.details.data if before else {}
    rows = [
        (
            path,
            item.value[:12],
            item.size,
            item.files,
            "● changed" if before and (path not in old or old[path].value != item.value) else "",
        )
        for path, item in entry.details.data.items()
    ]
    found: list[Block] = []
    if isinstance(split, Mapping):
        parts = [
            (str(name), part.get("rows"), part.get("share"), part.get("target_rate"))
            for name, part in split.items()
            if isinstance(part, Mapping)
        ]
        heads: list[str | Column] = [
            "part",
            Column("rows", "integer"),
            Column("share", "percent"),
            Column("target rate", "percent"),
        ]
        found.append(Table(heads, parts, "The parts that the table was split into"))
    if rows:
        titles: list[str | Column] = [
            "path",
            Column("hash", "code"),
            Column("size", "size"),
            Column("files", "integer"),
            "against the run before",
        ]
        keep = [0, 1, 2, *(i for i in (3, 4) if any(row[i] for row in rows))]
        found.insert(
            0,
            Table(
                [titles[i] for i in keep],
                [[row[i] for i in keep] for row in rows],
                "What DVC keeps, as dvc.lock vouches for it",
            ),
        )
    return found


def stages(lock: Any, old: Any) -> list[Block]:
    """Give what every stage read and wrote, by its hash."""
    rows = []
    for name, stage in lock.stages.items():
        was = old.stages.get(name) if old else None
        for kind, items in (("reads", stage.deps), ("writes", stage.outs)):
            for path, item in items.items():
                known = getattr(was, "deps" if kind == "reads" else "outs", {}).get(path)
                new = old is not None and (known is None or known.value != item.value)
                rows.append((name, kind, path, item.value[:12], "● changed" if new else ""))
    heads: list[str | Column] = [
        "stage",
        "does",
        "path",
        Column("hash", "code"),
        "against the run before",
    ]
    keep = slice(None) if any(row[4] for row in rows) else slice(4)
    return [Table(heads[keep], [row[keep] for row in rows], "Stages and hashes")] if rows else []


def cost(entry: Entry) -> list[Block]:
    """Give what the stages used, where it is recorded."""
    currency = str(entry.params.get("prices.currency") or "")
    return figures_tables(entry.details.cost, currency)
