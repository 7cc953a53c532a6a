"""What a diff finds: one class per section, and the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fivefold.history.dvc.lock import Hash
from fivefold.history.git.repository import Revision
from fivefold.history.integrity import Integrity
from fivefold.metrics import Goal

__all__ = [
    "CostChange",
    "DataChange",
    "Diff",
    "Gate",
    "Judgement",
    "MetricChange",
    "ParamChange",
    "StageChange",
]

Judgement = Literal["better", "worse", "same", "noise", "changed", "added", "removed", "unreadable"]


@dataclass(frozen=True, slots=True)
class MetricChange:
    """One metric on both sides.

    Attributes
    ----------
    name, file : str
    base, head : object
        None where that side has no such metric; see `judgement`.
    change : float or None
        ``head - base``, where both are finite numbers.
    goal : {"maximize", "minimize"} or None
    source : str
        How the goal is known.
    judgement : str
        ``noise`` where the confidence intervals allow for no difference; ``changed`` where nothing
        tells which way is better.
    base_interval, head_interval : (float, float) or None
    """

    name: str
    file: str
    base: Any
    head: Any
    change: float | None
    goal: Goal | None
    source: str
    judgement: Judgement
    base_interval: tuple[float, float] | None = None
    head_interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A threshold or guardrail of the plan, held against the head's metrics."""

    kind: Literal["threshold", "guardrail"]
    name: str
    metric: str
    relation: Literal[">=", "<="]
    limit: float
    value: Any
    passed: bool
    required: bool = True


@dataclass(frozen=True, slots=True)
class ParamChange:
    """A param whose value differs; ``added`` and ``removed`` where one side has none."""

    file: str
    name: str
    base: Any
    head: Any
    kind: Literal["changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class DataChange:
    """Tracked data, or an input of a stage, whose hash differs; None where one side has none."""

    path: str
    base: Hash | None
    head: Hash | None


@dataclass(frozen=True, slots=True)
class StageChange:
    """A stage that was added, removed, or ran again, with what changed for it."""

    name: str
    kind: Literal["added", "removed", "re-run"]
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CostChange:
    """What a stage cost: seconds, and memory in MB."""

    stage: str
    base_seconds: float | None
    head_seconds: float | None
    base_memory: float | None
    head_memory: float | None


@dataclass(frozen=True)
class Diff:
    """All that differs between two revisions.

    Attributes
    ----------
    base, head : Revision
    verdict : str
        One line.
    outcome : {"identical", "better", "worse", "noise", "same", "mixed", "failed", "unknown"}
        ``failed`` where a gate isn't passed, whatever the metrics did.
    gates, metrics, params, code, inputs, data, stages, cost
        The sections; `code` names the stages whose code changed, `inputs` are files outside DVC's
        data that stages depend on.
    integrity : dict of str to Integrity
        Of ``base`` and ``head``.
    notes : tuple of str
    """

    base: Revision
    head: Revision
    verdict: str
    outcome: str
    primary: str | None = None
    gates: tuple[Gate, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    params: tuple[ParamChange, ...] = ()
    code: tuple[str, ...] = ()
    inputs: tuple[DataChange, ...] = ()
    data: tuple[DataChange, ...] = ()
    stages: tuple[StageChange, ...] = ()
    cost: tuple[CostChange, ...] = ()
    integrity: Mapping[str, Integrity] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return self.outcome == "identical"
