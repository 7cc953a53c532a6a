"""One cleaning step after another: what it learns, what it gives, and what the audit says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw

from fivefold.callables import Call, call_of
from fivefold.data.audit import Auditor, with_copies, without_copies
from fivefold.data.effects import Effect, effect_of
from fivefold.data.fitting import is_fitted, learnt, require_no_target, wants_training
from fivefold.data.steps import run_step
from fivefold.data.training import TRAINING, Training
from fivefold.errors import DataError, FivefoldError
from fivefold.table import require_columns
from fivefold.table.engine import names_of
from fivefold.table.settle import settle

__all__ = ["Stepper", "calls_of"]


def calls_of(steps: Sequence[Mapping[str, Any]], key: Sequence[str], target: str) -> list[Call]:
    """Find the functions of the steps, and check their arguments and what they would learn from.

    Raises
    ------
    ConfigError
        A ``_target_`` leads nowhere, an argument is unknown, or a step would learn from the target.
    """
    offered = {"key": list(key), "target": target, "statistics": None, "training": None}
    calls = [
        call_of(step, f"clean.steps.{number}", inputs=1, offered=offered)
        for number, step in enumerate(steps)
    ]
    for call in calls:
        if is_fitted(call.function):
            require_no_target(call, target)
    return calls


class Stepper:
    """Runs steps on a table.

    Parameters
    ----------
    split : mapping
        The section ``split`` of the config.
    key : sequence of str
        The columns that together name a row.
    target : str
        What is predicted.
    engine : str
        What runs the steps.
    auditor : Auditor
        Keeps the account.
    """

    def __init__(
        self,
        split: Mapping[str, Any],
        key: Sequence[str],
        target: str,
        engine: str,
        auditor: Auditor,
    ) -> None:
        self._training = Training(split, key)
        self._key, self._target, self._engine, self._auditor = list(key), target, engine, auditor

    def cells(self, frame: nw.LazyFrame[Any]) -> int:
        """Count the cells of a table of as many rows as there are now."""
        return self._auditor.rows * len(names_of(frame))

    def run(self, call: Call, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Run one step.

        Raises
        ------
        DataError
            It failed, lost the key, left no row, or changed what decides on the parts after a step
            has learnt from one.
        """
        place = f"{call.where} ({call.name})"
        limits = effect_of(call.function, call.arguments)
        before, statistics = frame, None
        if wants_training(call, self._training.split):
            before = self._training.marked(frame, place)
        if is_fitted(call.function):
            statistics = learnt(call, before, self._target, self._engine)
            call = replace(call, arguments={**call.arguments, "statistics": statistics})
        has_parts = TRAINING in names_of(before)
        if has_parts and "training" in call.arguments:
            call = replace(call, arguments={**call.arguments, "training": TRAINING})
        elif has_parts and not limits.known:
            before = before.drop(TRAINING)  # a user's step sees the user's columns
        after = self._computed(call, limits, before, place)
        plain = without_copies(after)
        require_columns(plain, self._key, place, "after the step the table")
        changed = self._auditor.record(call, limits, before, after, statistics)
        if self._auditor.rows == 0:
            raise DataError("no row is left after the step", where=place)
        lost = self._training.require_kept(plain, changed)
        if lost is not None:
            raise DataError(
                "the step changes a column that decides which rows are for training, after a step "
                "has learnt from these",
                where=place,
                got=f"the column {lost!r}",
                hint="put it before the steps that learn",
            )
        return plain

    def _computed(
        self, call: Call, limits: Effect, before: nw.LazyFrame[Any], place: str
    ) -> nw.LazyFrame[Any]:
        have = names_of(before)
        compared = [name for name in limits.cells or () if name in have] if limits.known else []
        given = with_copies(before, list(dict.fromkeys(compared)))
        try:
            after = run_step(call, given, self._engine)
            if nw.to_native(after) is nw.to_native(given):
                return after
            return settle(after, self.cells(after), limits.cheap)
        except FivefoldError:
            raise
        except Exception as raised:  # a lazy engine meets the mistake when it computes
            raise DataError(
                f"computing the step raised {type(raised).__name__}: {raised}", where=place
            ) from raised
