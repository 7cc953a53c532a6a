"""What a diff finds: one class per section, and the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fivefold.history.diff.findings import ExplorationChange, SliceReport, TableChange
from fivefold.history.dvc.lock import Hash
from fivefold.history.git.repository import Revision
from fivefold.history.integrity import Integrity
from fivefold.history.measures import is_number
from fivefold.metrics import Goal

__all__ = [
    "ENDS",
    "CostChange",
    "DataChange",
    "Diff",
    "Gate",
    "Judgement",
    "Method",
    "MetricChange",
    "ParamChange",
    "Place",
    "Relation",
    "StageChange",
]

Relation = Literal[">=", "<=", "="]

ENDS: Mapping[str, Relation] = {"min": ">=", "max": "<="}
"""How a value has to stand to each end of a guardrail."""

Judgement = Literal["better", "worse", "same", "noise", "changed", "added", "removed", "unreadable"]

Method = Literal["paired bootstrap", "McNemar's test", "intervals"]


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
        ``noise`` where `method` allows for no difference; ``changed`` where nothing tells which
        way is better.
    base_interval, head_interval : (float, float) or None
    method : {"paired bootstrap", "McNemar's test", "intervals"} or None
        What tells noise from change; None where nothing can.
    interval : (float, float) or None
        The 95% interval of `effect`; by a paired bootstrap also where McNemar's test judges.
    p_value : float or None
        Of McNemar's test.
    rows : int or None
        How many rows judged: those that both revisions predict.
    common_change : float or None
        The change on those rows, where a side has others too.
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
    method: Method | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    rows: int | None = None
    common_change: float | None = None

    @property
    def effect(self) -> float | None:
        """What is judged: the change on the rows of both, else that of the metrics files."""
        return self.change if self.common_change is None else self.common_change


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition that the head is held against.

    Attributes
    ----------
    kind : {"threshold", "guardrail", "budget", "regression", "integrity", "weakened"}
        ``regression``: the metric is worse than the base's, beyond noise and tolerance.
        ``integrity``: the results aren't those of the head's own lock. ``weakened``: the head's
        plan asks for less than the base's.
    name : str
        Names it among the gates of a diff, such as ``guardrail.log_loss.max``.
    metric : str
        What is measured: a metric, a budget, or ``results``.
    relation : {">=", "<=", "="}
        How `value` has to stand to `limit`.
    limit, value : object
        Numbers as a rule; `value` is None where nothing records it.
    passed : bool
    required : bool
        Whether a diff fails that doesn't pass it.
    note : str
        What the figures don't say.
    allowed : str or None
        The reason of a recorded exception that covers it.
    """

    kind: Literal["threshold", "guardrail", "budget", "regression", "integrity", "weakened"]
    name: str
    metric: str
    relation: Relation
    limit: Any
    value: Any
    passed: bool
    required: bool = True
    note: str = ""
    allowed: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it fails the diff."""
        return self.required and not self.passed and self.allowed is None

    @property
    def asks(self) -> str:
        """What the value is asked to be: ``>= 0.65``."""
        limit = f"{self.limit:g}" if is_number(self.limit) else str(self.limit)
        return f"{self.relation} {limit}"

    @property
    def state(self) -> Literal["passed", "failed", "allowed", "not reached", "not recorded"]:
        """How it stands, in a word or two."""
        if self.passed:
            return "passed"
        if self.allowed is not None:
            return "allowed"
        if self.required:
            return "failed"
        return "not recorded" if self.value is None else "not reached"


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
    """What a stage cost: seconds, memory in MB, and money where it is recorded."""

    stage: str
    base_seconds: float | None
    head_seconds: float | None
    base_memory: float | None
    head_memory: float | None
    base_cost: float | None = None
    head_cost: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the head stands on a leaderboard.

    Attributes
    ----------
    board, metric : str
        The board's name, and the metric that ranks.
    rank, was : int or None
        Of the head and of the base; None where it isn't ranked.
    ranked : int
        How many runs are ranked: those of the branch and of the default branch, judged on the
        same data.
    shared : tuple of str
        The other runs of the head's rank, by commit.
    reasons : tuple of str
        Why the head isn't ranked.
    trend : tuple of (str, float)
        The metric of the ranked runs by commit, the oldest first.
    unchecked : int
        How many of the ranked runs were taken as they stand, with neither their integrity nor the
        data that they were judged on looked into.
    """

    board: str
    metric: str
    rank: int | None
    was: int | None
    ranked: int
    shared: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    trend: tuple[tuple[str, float], ...] = ()
    unchecked: int = 0


@dataclass(frozen=True)
class Diff:
    """All that differs between two revisions.

    Attributes
    ----------
    base, head : Revision
    verdict : str
        One line.
    outcome : {"identical", "better", "worse", "noise", "same", "mixed", "failed", "unknown"}
        ``failed`` where a gate isn't passed or allowed, whatever the metrics did.
    gates, metrics, params, code, inputs, data, stages, cost
        The sections; `code` names the stages whose code changed, `inputs` are files outside DVC's
        data that stages depend on.
    slices : SliceReport or None
        The change per slice, where rows or reports of both sides tell.
    tables : tuple of TableChange
        What changed inside the tables among `data` that are at hand.
    exploration : ExplorationChange or None
        What both revisions' explorations say of the data, where it differs.
    integrity : dict of str to Integrity
        Of ``base`` and ``head``.
    lineage : tuple of (str, str)
        The edges of the head's pipeline: a stage, and one that reads what it writes.
    place : Place or None
        None where it wasn't looked for, or nothing ranks.
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
    slices: SliceReport | None = None
    tables: tuple[TableChange, ...] = ()
    exploration: ExplorationChange | None = None
    integrity: Mapping[str, Integrity] = field(default_factory=dict)
    lineage: tuple[tuple[str, str], ...] = ()
    place: Place | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs, and nothing is to be said of the head either."""
        return self.outcome == "identical"

    @property
    def passed(self) -> bool:
        """Whether every gate is passed, or allowed by a recorded exception."""
        return not any(gate.failed for gate in self.gates)
