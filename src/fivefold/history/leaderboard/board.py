"""What a board ranks by, settled for the runs at hand."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from fivefold.errors import HistoryError, nearest
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.goals import Goals, Plan, parse_metric_option
from fivefold.history.leaderboard.declaration import BOARDS, TIES, Declaration
from fivefold.history.measures import names_of
from fivefold.history.reader import Reader
from fivefold.history.runs import Run
from fivefold.history.settings import SETTINGS, plan_of, read_settings
from fivefold.metrics import Goal

__all__ = ["Board", "choose_board", "settings_path"]

_TIE_WORDS = ("cost", "older", "newer")


@dataclass(frozen=True)
class Board:
    """What ranks, settled for the runs at hand.

    Attributes
    ----------
    primary : str
        The metric that ranks.
    goal : {"maximize", "minimize"}
    source : str
        How the goal is known: board, option, settings, plan, catalogue or guessed.
    metrics : tuple of str
        Other metrics to show.
    declaration : Declaration
    data : tuple of str or None
        The files that runs are judged on; None leaves them to the stages' inputs.
    planned : str or None
        The primary metric of the plan that stands now.
    ties : tuple of (str, Goal or None)
        What decides among equals: ``cost``, ``older`` and ``newer`` have no goal, metrics have one.
    notes : tuple of str
        What the reader should know about the choice.
    """

    primary: str
    goal: Goal
    source: str
    metrics: tuple[str, ...] = ()
    declaration: Declaration = field(default_factory=Declaration)
    data: tuple[str, ...] | None = None
    planned: str | None = None
    ties: tuple[tuple[str, Goal | None], ...] = tuple((name, None) for name in TIES)
    notes: tuple[str, ...] = ()


def choose_board(
    reader: Reader, runs: list[Run], declaration: Declaration, option: str | None
) -> Board:
    """Decide what ranks: the option, else the board, else the plan, else a well-known name.

    The plan is that of the params, or what ``fivefold.yaml`` says instead.

    Raises
    ------
    HistoryError
        Where no metric can rank, or the direction of the one that should is unknown.
    """
    repository = reader.repository
    here = repository.snapshot(repository.workspace())
    # What stands now judges, or else the newest run's, on whatever branch.
    places = [here, *(run.snapshot for run in runs[:1])]
    plan = _first_plan(reader, places)
    told = next((place for place in places if place.blob(SETTINGS) is not None), here)
    settings = read_settings(reader, told)
    goals = Goals(plan, declared=settings.goals)
    name, goal = parse_metric_option(option) if option else (declaration.metric, declaration.goal)
    source = "option" if option else "board"
    notes: list[str] = []
    if name is None and plan:
        name = plan.primary
    if name is None:
        name = _well_known(reader, runs, goals)
        notes.append(
            f"no plan names a primary metric: ranked by {name}; choose another with --metric, or "
            f"write in {settings_path(reader)}: metric: NAME"
        )
    if goal is None:
        direction = goals.direction(name)
        goal, source = direction.goal, direction.source
    if goal is None:
        raise HistoryError(
            f"nothing tells whether more or less of {name!r} is better",
            hint=_how_to_say(reader, name),
        )
    if source == "guessed":
        notes.append(
            f"{goal} is guessed from the name {name}: say it with --metric {name}:{goal}, or write "
            f"in {settings_path(reader)}: goals: {{{name}: {goal}}}"
        )
    others = declaration.metrics or ((plan.primary, *plan.metrics) if plan else ())
    inner = name.rpartition(":")[2]
    others = (*others, *(f"{path}:{inner}" for path in declaration.evaluations))
    shown = tuple(dict.fromkeys(metric for metric in others if metric != name))
    data = declaration.data
    if data is None:
        data = tuple(declaration.coverage) or settings.data
    return Board(
        name,
        goal,
        source,
        shown,
        declaration,
        data,
        plan.primary if plan else None,
        tuple(_tie(rule, declaration, goals) for rule in declaration.ties),
        tuple(notes),
    )


def _tie(rule: str, declaration: Declaration, goals: Goals) -> tuple[str, Goal | None]:
    if rule in _TIE_WORDS:
        return rule, None
    name, goal = parse_metric_option(rule)
    goal = goal or goals.direction(name).goal
    if goal is None:
        raise HistoryError(
            "a tie rule is no metric whose direction is known",
            where=f"{BOARDS}/{declaration.name}.yaml: ties",
            got=rule,
            allowed=[*_TIE_WORDS, "METRIC", "METRIC:maximize", "METRIC:minimize"],
            hint=nearest(rule, _TIE_WORDS),
        )
    return name, goal


def settings_path(reader: Reader) -> str:
    """Give where ``fivefold.yaml`` belongs, from the top of the working tree."""
    return posixpath.normpath(posixpath.join(reader.repository.prefix, SETTINGS))


def _first_plan(reader: Reader, places: list[Snapshot]) -> Plan | None:
    return next((plan for place in places if (plan := plan_of(reader, place))), None)


def _how_to_say(reader: Reader, name: str) -> str:
    return (
        f"write in {settings_path(reader)}: goals: {{{name}: maximize}}    (or minimize)\n"
        f"or once: fivefold leaderboard --metric {name}:maximize"
    )


def _well_known(reader: Reader, runs: list[Run], goals: Goals) -> str:
    """Give the first metric whose direction is declared, or told by its name."""
    listed = (names_of(reader.metrics(run.snapshot)) for run in runs)
    names = next(filter(None, listed), [])
    declared = [name for name in names if goals.direction(name).source == "settings"]
    # How well a model fits what it has seen ranks nothing.
    unseen = [name for name in names if "train" not in re.split(r"[^a-z]+", name.lower())]
    for name in (*declared, *unseen, *names):
        if goals.direction(name).goal:
            return name
    raise HistoryError(
        "nothing can be ranked: no plan names a primary metric, and no metric's name tells which "
        "way is better",
        got=", ".join(names) or "no numeric metric in any run",
        hint=_how_to_say(reader, names[0] if names else "NAME"),
    )
