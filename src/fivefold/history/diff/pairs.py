"""Rows of two tables brought together: by key, or by place where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fivefold.history.diff.rows import Rows, UnreadableError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from fivefold.scoring import Predictions

__all__ = ["MIN_ROWS", "Match", "PairedRows", "UnpairedError", "match_keys", "pair_rows"]

MIN_ROWS = 30
"""Fewer rows say nothing by resampling."""

_MIN_SHARE = 0.5


class UnpairedError(ValueError):
    """Rows that can't be brought together; the message says why."""


@dataclass(frozen=True)
class Match:
    """Which row of one table is which of the other.

    Attributes
    ----------
    base, head : ndarray of shape (n_common,)
        The places of the common rows, in the order of the head.
    only_base, only_head : int
        How many rows the other side hasn't.
    """

    base: NDArray[Any]
    head: NDArray[Any]
    only_base: int = 0
    only_head: int = 0

    def __len__(self) -> int:
        return len(self.head)


@dataclass(frozen=True)
class PairedRows:
    """Predictions of both revisions.

    Attributes
    ----------
    match : Match
    base, head : Rows
    before_all, after_all : Predictions
        Of all rows of each.
    by : {"key", "place"}
    """

    match: Match
    base: Rows
    head: Rows
    before_all: Predictions
    after_all: Predictions
    by: str

    @property
    def before(self) -> Predictions:
        """The base's predictions of the common rows."""
        return self.before_all.take(self.match.base)

    @property
    def after(self) -> Predictions:
        """The head's predictions of the common rows."""
        return self.after_all.take(self.match.head)

    @property
    def is_whole(self) -> bool:
        """Whether both sides have the same rows."""
        return not (self.match.only_base or self.match.only_head)


def match_keys(base: Sequence[pa.ChunkedArray], head: Sequence[pa.ChunkedArray]) -> Match:
    """Match rows whose keys are equal.

    Parameters
    ----------
    base, head : sequence of pyarrow.ChunkedArray
        The key columns of both tables, in the same order; at least one.

    Raises
    ------
    UnpairedError
        Where the key doesn't tell a side's rows apart, or the sides' types have nothing in common.
    """
    import numpy as np

    columns = [_alike(first, second) for first, second in zip(base, head, strict=True)]
    size = len(columns[0][0])
    if all(first.equals(second) for first, second in columns):
        # Equal keys in equal order: each row meets its own, even where keys repeat.
        return Match(np.arange(size), np.arange(size))
    codes = _codes(columns)
    sides = codes[:size], codes[size:]
    for name, side in zip(("base", "head"), sides, strict=True):
        if len(np.unique(side)) < len(side):
            raise UnpairedError(f"the key doesn't tell the rows of {name} apart")
    _, first, second = np.intersect1d(*sides, assume_unique=True, return_indices=True)
    order = np.argsort(second, kind="stable")
    first, second = first[order], second[order]
    return Match(first, second, len(sides[0]) - len(first), len(sides[1]) - len(second))


def _alike(
    first: pa.ChunkedArray, second: pa.ChunkedArray
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Bring two columns to one type: the first's, the second's, or else text."""
    import pyarrow as pa

    from fivefold.history.diff.arrays import plain

    first, second = plain(first), plain(second)
    if first.type == second.type:
        return first, second
    for kind in (second.type, first.type, pa.string()):
        try:
            return first.cast(kind), second.cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
    raise UnpairedError(f"a column was {first.type} and is {second.type}")


def _codes(columns: Sequence[tuple[pa.ChunkedArray, pa.ChunkedArray]]) -> NDArray[Any]:
    """Give each key of both tables a number, equal keys the same one."""
    import numpy as np
    import pyarrow as pa

    from fivefold.history.diff.arrays import encoded

    codes: NDArray[Any] | None = None
    for first, second in columns:
        number, values = encoded(pa.chunked_array([*first.chunks, *second.chunks], type=first.type))
        if codes is None:
            codes = number
            continue
        # Densely again after every column, so that no product outgrows its integer.
        codes = np.unique(codes * len(values) + number, return_inverse=True)[1]
    assert codes is not None  # noqa: S101  there is at least one column
    return codes


def pair_rows(base: Rows, head: Rows) -> PairedRows:
    """Bring two revisions' predictions together.

    Raises
    ------
    UnpairedError
        Where they aren't of the same rows, or too few of them, or a row's target changed.
    UnreadableError
        Where the columns don't fit the classes.
    """
    import numpy as np

    if base.task != head.task:
        raise UnpairedError(f"the task was {base.task} and is {head.task}")
    if base.spec.key != head.spec.key or not head.spec.key:
        match, by = _by_place(base, head), "place"
    else:
        match, by = match_keys(base.key_columns(), head.key_columns()), "key"
    values = [] if head.task == "regression" else _classes(base, head)
    before, after = base.predictions(values), head.predictions(values)
    differ = int(np.sum(before.y_true[match.base] != after.y_true[match.head]))
    if differ:
        raise UnpairedError(f"{head.spec.target} differs in {differ:,} of {len(match):,} same rows")
    least = max(MIN_ROWS, _MIN_SHARE * max(len(base), len(head)))
    if len(match) < least:
        raise UnpairedError(
            f"both have only {len(match):,} rows in common, of {len(base):,} and {len(head):,}"
        )
    return PairedRows(match, base, head, before, after, by)


def _by_place(base: Rows, head: Rows) -> Match:
    import numpy as np

    if base.spec.key != head.spec.key:
        raise UnpairedError("the key of the rows changed")
    if len(base) != len(head):
        raise UnpairedError(
            f"no key tells the rows apart, and there were {len(base):,} and are {len(head):,}"
        )
    return Match(np.arange(len(base)), np.arange(len(head)))


def _classes(base: Rows, head: Rows) -> list[Any]:
    """Name all classes that a row is of, or was predicted as, ascending."""
    from fivefold.history.diff.arrays import plain

    seen: set[Any] = set()
    for rows in (base, head):
        for column in (rows.target, rows.predicted):
            if column is not None:
                if column.null_count:
                    raise UnreadableError(f"{rows.spec.path} has rows without a class")
                seen.update(plain(column).unique().to_pylist())
    if head.task == "binary" and seen <= {0, 1}:
        # One class may not occur; the other is positive or not all the same.
        booleans = all(isinstance(value, bool) for value in seen)
        return [False, True] if booleans else [0, 1]
    try:
        values = sorted(seen)
    except TypeError as error:
        raise UnpairedError("the classes are of several types") from error
    if head.task == "binary" and len(values) != 2:
        raise UnpairedError(f"there are {len(values)} classes, and not two")
    return values
