"""The trials of the study that tuned a run's model: rows under the run."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fivefold.history.conventions import TRIALS_FILE, TUNING_FILE
from fivefold.history.figures import value_text
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.reader import Reader
from fivefold.history.tables import Column, Table

__all__ = ["Trials", "read_trials", "trials_table"]

_FOLD = re.compile(r".+_fold_[0-9]+")


@dataclass(frozen=True)
class Trials:
    """A study's trials.

    Attributes
    ----------
    rows : tuple of dict of str to str
        As they are in the file, in the order they were asked.
    metric : str or None
        What the study aimed at; a column of the rows.
    maximize : bool
        Is more of it better?
    taken : str or None
        The number of the trial whose arguments the run has.
    """

    rows: tuple[Mapping[str, str], ...] = ()
    metric: str | None = None
    maximize: bool = True
    taken: str | None = None

    @property
    def ranked(self) -> list[Mapping[str, str]]:
        """The best first; those without a value last."""
        sign = -1 if self.maximize else 1

        def place(row: Mapping[str, str]) -> float:
            value = _number(row.get(self.metric or "", ""))
            whole = row.get("state") == "complete" and value is not None
            return sign * value if whole and value is not None else math.inf

        return sorted(self.rows, key=place)


def read_trials(reader: Reader, snapshot: Snapshot) -> Trials:
    """Read the trials of a revision; none where nothing was tuned or the file can't be read."""
    blob = snapshot.blob(TRIALS_FILE)
    if blob is None:
        return Trials()
    try:
        text = snapshot.data(blob).decode("utf-8")
        found = list(csv.DictReader(io.StringIO(text), strict=True, restval="", restkey=""))
    except (UnicodeDecodeError, csv.Error):
        return Trials()
    rows = tuple({k: v for k, v in row.items() if k} for row in found if row.get("trial"))
    told = _told(reader, snapshot)
    aims = told.get("objectives")
    first = aims[0] if isinstance(aims, list) and aims and isinstance(aims[0], Mapping) else {}
    name, taken = first.get("name"), told.get("trial")
    return Trials(
        rows,
        name if isinstance(name, str) else None,
        first.get("goal") != "minimize",
        str(taken) if isinstance(taken, int) else None,
    )


def trials_table(trials: Trials, most: int, title: str = "Trials") -> Table:
    """Show the best trials: what was tried and what came of it, without the scores by fold."""
    shown = trials.ranked[:most]
    names = [name for name in (trials.rows[0] if trials.rows else {}) if not _FOLD.fullmatch(name)]
    columns = tuple(
        Column(name, number=any(_number(row.get(name, "")) is not None for row in shown))
        for name in names
        if any(row.get(name) for row in shown)
    )
    rows = [[_text(column.title, row.get(column.title, "")) for column in columns] for row in shown]
    styles = ["bold" if row.get("trial") == trials.taken else "" for row in shown]
    left = len(trials.rows) - len(shown)
    return Table(columns, rows, styles, title=f"{title}, the best {most}" if left else title)


def _text(name: str, value: str) -> str:
    number = None if name == "trial" else _number(value)
    return value if number is None else value_text(number)


def _told(reader: Reader, snapshot: Snapshot) -> Mapping[str, Any]:
    blob = snapshot.blob(TUNING_FILE)
    raw = None if blob is None else reader.file(snapshot, TUNING_FILE, blob).raw
    return raw if isinstance(raw, Mapping) else {}


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
