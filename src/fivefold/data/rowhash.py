"""A number per row that depends on its key and the seed only: on no engine, order or other row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fivefold.table.arrays import integers, viewed

__all__ = ["fingerprint", "row_hashes", "total", "uniform"]

Hashes = npt.NDArray[np.uint64]


def row_hashes(table: pa.Table, columns: Sequence[str], seed: int = 0) -> Hashes:
    """Hash each row's values in some columns to 64 bits.

    Parameters
    ----------
    table : pyarrow.Table
        The columns hashed have the types that tables are kept in.
    columns : sequence of str
        Which.
    seed : int
        Another seed gives unrelated hashes.

    Returns
    -------
    ndarray of uint64, shape (n_rows,)
        Mixed with the finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
    """
    digest = hashlib.blake2b(str(seed).encode(), digest_size=8).digest()
    hashes = np.full(table.num_rows, np.frombuffer(digest, "<u8")[0], dtype=np.uint64)
    for name in columns:
        hashes = _mixed(hashes ^ _mixed(_words(table[name])))
    return hashes


def uniform(hashes: Hashes) -> npt.NDArray[np.float64]:
    """Turn hashes into numbers in [0, 1), 53 bits each."""
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53


def total(hashes: Hashes, so_far: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """Add up hashes, and hashes of hashes, modulo 2**64: what a set of rows is, in any order.

    Rows can be added a batch at a time; a row that stands twice counts twice.
    """
    with np.errstate(over="ignore"):
        sums = (int(hashes.sum(dtype=np.uint64)), int(_mixed(hashes).sum(dtype=np.uint64)))
    first, second = ((old + new) % 2**64 for old, new in zip(so_far, sums, strict=True))
    return first, second


def fingerprint(hashes: Hashes) -> str:
    """Give 16 hexadecimal digits that tell a set of rows from another, whatever their order."""
    return hashlib.sha256(np.sort(hashes).astype("<u8").tobytes()).hexdigest()[:16]


def _mixed(words: Hashes) -> Hashes:
    with np.errstate(over="ignore"):
        words = words + np.uint64(0x9E3779B97F4A7C15)
        words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return words ^ (words >> np.uint64(31))


def _words(column: pa.ChunkedArray) -> Hashes:
    """Give a column's values as 64-bit words; a missing one has a word of its own."""
    if not column.null_count:
        return _known_words(column)
    words = np.full(len(column), _MISSING, dtype=np.uint64)
    words[integers(pc.is_valid(column)) == 1] = _known_words(column.drop_null())
    return words


_MISSING = np.uint64(0x8D5B_11F0_37C2_A94E)


def _known_words(column: pa.ChunkedArray) -> Hashes:
    """Give the words of values that are all there; a text's word is its BLAKE2b hash."""
    type_ = column.type
    if pa.types.is_floating(type_):
        # Adding zero makes the negative zero positive: they are equal, so they hash alike.
        floats = viewed(column.cast(pa.float64()).combine_chunks(), np.float64) + 0.0
        words: Hashes = floats.view(np.uint64)
        return words
    if pa.types.is_timestamp(type_):
        column = column.cast(pa.timestamp("us", type_.tz))
    elif pa.types.is_date32(type_):
        column = column.cast(pa.int32())
    elif not (pa.types.is_integer(type_) or pa.types.is_boolean(type_)):
        encoded = column.cast(pa.large_string()).combine_chunks().dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        digests = b"".join(hashlib.blake2b(t.encode(), digest_size=8).digest() for t in texts)
        by_code = np.frombuffer(digests, "<u8").astype(np.uint64)
        chosen: Hashes = by_code[viewed(encoded.indices.cast(pa.int64()), np.int64)]
        return chosen
    return integers(column).view(np.uint64)
