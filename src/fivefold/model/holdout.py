"""The validation rows: training rows that no fit sees, for what is decided after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.errors import DataError
from fivefold.model.folds import codes_of, method_of
from fivefold.objective import Objective
from fivefold.table import TableSchema

__all__ = ["HoldOut", "Seen"]


@dataclass(frozen=True)
class Seen:
    """Scores of rows that the model which gave them was not fitted on.

    Attributes
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        Of :func:`fivefold.decided.own_scores`.
    y : ndarray of shape (n_rows,)
        Their classes.
    weights : ndarray of shape (n_rows,) or None
        How much each row counts.
    probabilities : bool
        Are the scores probabilities, and not decision values?
    """

    scores: NDArray[np.float64]
    y: NDArray[Any]
    weights: NDArray[np.float64] | None = None
    probabilities: bool = True

    def take(self, rows: NDArray[np.intp]) -> Seen:
        """Give some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Seen(self.scores[rows], self.y[rows], weights, self.probabilities)

    @classmethod
    def joined(cls, parts: list[Seen]) -> Seen:
        """Put several together."""
        weights = [part.weights for part in parts if part.weights is not None]
        return cls(
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.y for part in parts]),
            np.concatenate(weights) if weights else None,
            all(part.probabilities for part in parts),
        )


class HoldOut:
    """Cuts training rows in two, as the project's parts are cut.

    Parameters
    ----------
    train : narwhals.LazyFrame
        The training part.
    schema : TableSchema
        With a time column the latest rows are held out, with a group column whole groups.
    objective : Objective
        Classes are kept in proportion otherwise.
    seed : int
        For what is drawn.

    Attributes
    ----------
    method : {"time", "group", "stratified", "kfold"}
        How rows are held out.
    """

    def __init__(
        self, train: nw.LazyFrame[Any], schema: TableSchema, objective: Objective, seed: int
    ) -> None:
        self.method = method_of("auto", schema, objective)
        self._classes = objective.is_classification
        self._seed = seed
        role = {"time": schema.with_role("time")[:1], "group": schema.with_role("group")}
        names = role.get(self.method)
        self._codes = None if names is None else codes_of(train, names)

    def cut(
        self, rows: NDArray[np.intp], y: NDArray[Any], share: float, where: str
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Cut some rows in two.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,)
            Positions in the training part, rising.
        y : ndarray of shape (n_train,)
            The target of the whole training part.
        share : float
            In (0, 1). How much is held out, about.
        where : str
            Where the share is declared, for messages.

        Returns
        -------
        tuple of (ndarray, ndarray)
            Positions of the rows to fit on and of those held out, both rising.

        Raises
        ------
        DataError
            One of the two would be empty, or lack a class.
        """
        try:
            held = rows[self._held(rows, y[rows], share)]
        except ValueError as error:
            raise _refused(str(error), len(rows), where) from None
        kept = np.setdiff1d(rows, held)
        if not len(held) or not len(kept):
            raise _refused("one of the two would be empty", len(rows), where)
        if self._classes:
            classes = np.unique(y[rows])
            for part, name in ((kept, "fitted"), (held, "held out")):
                lacking = np.setdiff1d(classes, y[part])
                if len(lacking):
                    raise _refused(f"the rows {name} lack the class {lacking[0]}", len(rows), where)
        return kept, held

    def _held(self, rows: NDArray[np.intp], y: NDArray[Any], share: float) -> NDArray[np.intp]:
        from sklearn.model_selection import GroupShuffleSplit, train_test_split

        if self._codes is None:
            positions = np.arange(len(rows))
            stratify = y if self.method == "stratified" else None
            cut = train_test_split(
                positions, test_size=share, random_state=self._seed, stratify=stratify
            )
            return np.sort(cut[1])
        codes = self._codes[rows]
        if self.method == "time":
            # A moment that the cut goes through is held out as a whole.
            first = np.sort(codes)[min(int(len(codes) * (1 - share)), len(codes) - 1)]
            return np.flatnonzero(codes >= first)
        splitter = GroupShuffleSplit(n_splits=1, test_size=share, random_state=self._seed)
        return np.sort(next(splitter.split(codes, y, codes))[1])


def _refused(why: str, n_rows: int, where: str) -> DataError:
    return DataError(
        f"no validation rows can be cut from the training part: {why}",
        where=where,
        got=f"{n_rows:,} rows",
        hint="change the share, or leave calibration, decision and early_stopping out",
    )
