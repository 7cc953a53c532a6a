"""Rows of the test part that the model has seen in training: the same, or nearly, in every feature.

A key that stands in both parts is an error of its own; here rows of different keys are compared.
Each row becomes one hash of its features, texts normalised and numbers rounded, so it takes one
pass over each part and eight bytes a row. Two values on either side of a rounding edge are missed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fivefold.data.keys import count_rows
from fivefold.data.rowhash import row_hashes, total
from fivefold.data.splitting import PART
from fivefold.data.values import plain, rows_of
from fivefold.errors import SplitError
from fivefold.objective import Objective
from fivefold.table import TableSchema
from fivefold.table.arrays import truth_array
from fivefold.table.engine import batches
from fivefold.table.parquet import canonical

if TYPE_CHECKING:
    from fivefold.data.split import SplitConfig

__all__ = ["compared"]

# Rows that agree are judged where chance alone would give so much fewer than are allowed.
_FAR_FROM_CHANCE = 10
# Training rows that chance is estimated from.
_SAMPLED = 20_000
_FEWEST = 2
_EXAMPLES = 3

Hashes = npt.NDArray[np.uint64]

_NONE = np.zeros(0, np.uint64)


def compared(
    frame: nw.LazyFrame[Any], schema: TableSchema, objective: Objective, config: SplitConfig
) -> dict[str, Any]:
    """Look for training rows in the test part, and sum the test part up.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        All rows, with the column ``PART``.
    schema : TableSchema
        Names the features.
    objective : Objective
        Names the target.
    config : SplitConfig
        How near is near, and what follows.

    Returns
    -------
    dict
        ``test_content``: 32 hexadecimal digits that change with any key, feature or target of the
        test part. ``duplicates``: how many rows repeat a training row, their share of the test
        part, and the keys of a few; or why that was not judged.

    Raises
    ------
    SplitError
        More rows than ``max_duplicates`` allows repeat a training row.
    """
    have = set(frame.collect_schema().names())
    features = [name for name in schema.features if name in have]
    reason = _unjudged(frame, features, config)
    test = frame.filter(nw.col(PART) == 1)
    held = dict.fromkeys([*config.key, *features, objective.target])
    content, repeated, rows = (0, 0), 0, 0
    kept: list[pa.Table] = []
    seen = None if reason else _training(frame, features, config.digits)
    for batch in _tables(test, list(held)):
        content = total(row_hashes(batch, sorted(held)), content)
        rows += batch.num_rows
        if seen is None:
            continue
        again = _among(_near(batch, features, config.digits), seen)
        repeated += int(again.sum())
        if again.any():
            kept = [
                _first([*kept, batch.select(config.key).filter(truth_array(again))], config.key)
            ]
    report: dict[str, Any] = {"test_content": "".join(f"{word:016x}" for word in content)}
    if reason:
        return report | {"duplicates": {"judged": False, "reason": reason}}
    share = repeated / rows if rows else 0.0
    examples = _examples(kept)
    if config.duplicates == "error" and share > config.max_duplicates:
        raise _repeated(repeated, rows, examples, config)
    return report | {
        "duplicates": {
            "judged": True,
            "rows": repeated,
            "share": round(share, 6),
            "digits": config.digits,
            "too_many": share > config.max_duplicates,
            "examples": examples,
        }
    }


def _unjudged(frame: nw.LazyFrame[Any], features: Sequence[str], config: SplitConfig) -> str | None:
    """Say why rows that agree in every feature need not be the same; None where they must be."""
    if config.duplicates == "ignore":
        return "split.duplicates is ignore"
    chance = _by_chance(frame, features, config)
    if chance > config.max_duplicates / _FAR_FROM_CHANCE:
        return "the features take so few values that rows agree by chance"
    return None


def _by_chance(frame: nw.LazyFrame[Any], features: Sequence[str], config: SplitConfig) -> float:
    """Give the share of test rows that would repeat a training row if features were independent.

    Two rows agree in a feature with the sum of its values' squared shares, which the pairs of a
    sample tell without bias. The sample is of the training rows with the smallest hashes; of rows
    that agree in every feature it has one, so that what is looked for does not pass for chance.
    """
    train = frame.filter(nw.col(PART) == 0)
    rows = count_rows(train)
    bound = np.uint64(min(1.0, _SAMPLED / max(rows, 1)) * (2**64 - 1025))
    words: dict[str, list[Hashes]] = {name: [] for name in features}
    whole: list[Hashes] = []
    for batch in _tables(train, list(dict.fromkeys([*config.key, *features]))):
        chosen = batch.filter(truth_array(row_hashes(batch, config.key) <= bound))
        near = _comparable(chosen, features, config.digits)
        whole.append(row_hashes(near, features))
        for name in features:
            words[name].append(row_hashes(near, [name]))
    _, different = np.unique(np.concatenate([*whole, _NONE]), return_index=True)
    if len(different) < _FEWEST:
        return 1.0
    agree = 1.0
    for pieces in words.values():
        values = np.concatenate(pieces)[different]
        counts = np.unique(values, return_counts=True)[1].astype(np.float64)
        agree *= float((counts * (counts - 1)).sum()) / (len(values) * (len(values) - 1))
    return rows * agree


def _training(frame: nw.LazyFrame[Any], features: Sequence[str], digits: int) -> Hashes:
    train = frame.filter(nw.col(PART) == 0)
    found = [_near(batch, features, digits) for batch in _tables(train, features)]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.uint64)


def _tables(frame: nw.LazyFrame[Any], names: Sequence[str]) -> Any:
    for batch in batches(frame.select(*names))[1]:
        if batch.num_rows:
            yield pa.Table.from_batches([batch])


def _among(hashes: Hashes, ordered: Hashes) -> npt.NDArray[np.bool_]:
    if not len(ordered):
        return np.zeros(len(hashes), np.bool_)
    places = np.minimum(np.searchsorted(ordered, hashes), len(ordered) - 1)
    found: npt.NDArray[np.bool_] = ordered[places] == hashes
    return found


def _near(batch: pa.Table, features: Sequence[str], digits: int) -> Hashes:
    """Hash each row's features as they are compared."""
    return row_hashes(_comparable(batch, features, digits), features)


def _comparable(batch: pa.Table, features: Sequence[str], digits: int) -> pa.Table:
    columns = [_compared(batch[name], digits) for name in features]
    return pa.table(columns, names=list(features))


def _compared(column: pa.ChunkedArray, digits: int) -> pa.ChunkedArray:
    type_ = column.type
    if pa.types.is_floating(type_):
        return _significant(column, digits)
    if canonical(pa.schema([("", type_)])).field(0).type == pa.string():
        coded = column.cast(pa.large_string()).combine_chunks().dictionary_encode()
        words = pa.array([_normal(text) for text in coded.dictionary.to_pylist()], pa.string())
        return pa.chunked_array([words.take(coded.indices)])
    return column


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _significant(column: pa.ChunkedArray, digits: int) -> pa.ChunkedArray:
    """Round numbers to significant digits; Arrow's own rounding knows decimal places only."""
    import pyarrow.compute as pc

    size = pc.floor(pc.log10(pc.abs(column)))
    usable = pc.and_(pc.is_finite(size), pc.is_finite(column))
    scale = pc.power(10.0, pc.subtract(float(digits - 1), pc.if_else(usable, size, 0.0)))
    # Scaled back: 1.5 and 15 have the same digits, and are not the same.
    return pc.if_else(usable, pc.divide(pc.round(pc.multiply(column, scale)), scale), column)


def _first(keys: Sequence[pa.Table], key: Sequence[str]) -> pa.Table:
    """Give the smallest keys: the same ones wherever an engine cuts its batches."""
    ordered = pa.concat_tables(keys).sort_by([(name, "ascending") for name in key])
    return ordered.slice(0, _EXAMPLES)


def _examples(kept: Sequence[pa.Table]) -> list[dict[str, Any]]:
    rows = [row for keys in kept for row in rows_of(keys)]
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def _repeated(
    repeated: int, rows: int, examples: Sequence[dict[str, Any]], config: SplitConfig
) -> SplitError:
    shown = "; ".join(", ".join(f"{k}={v}" for k, v in row.items()) for row in examples)
    return SplitError(
        f"{repeated:,} of {rows:,} rows of the test part repeat a row of the training part in "
        "every feature",
        where="split.duplicates",
        got=f"{repeated / rows:.2%}, such as {shown}",
        allowed=f"at most {config.max_duplicates:.2%} (split.max_duplicates), numbers compared to "
        f"{config.digits} significant digits",
        hint="drop them with fivefold.data.cleaning.drop_duplicates (by: the features), split "
        "with method: grouped, or, if rows may repeat, set split.duplicates: warn",
    )
