"""What one look at all rows shows: how many there are, and what a person should know of them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Survey", "cuts_off"]

# Different texts of a column that are held against one another; more are no categories.
_TEXTS = 10_000


def cuts_off(column: pa.Array) -> bool:
    """Tell whether times in nanoseconds are not whole microseconds."""
    whole = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(column.type)
    return bool(pc.any(pc.not_equal(whole, column)).as_py())


def _texts(column: pa.Array) -> pa.Array | None:
    """Give a column's texts, each at least once, or None where it holds something else."""
    type_ = column.type
    if pa.types.is_dictionary(type_):
        return _texts(column.dictionary)
    if pa.types.is_string_view(type_):
        return column.cast(pa.string())
    return column if pa.types.is_string(type_) or pa.types.is_large_string(type_) else None


class Survey:
    """Counts rows and looks at values, a batch at a time.

    Attributes
    ----------
    count : int
        Rows seen.
    """

    def __init__(self) -> None:
        self.count = 0
        self._infinite: Counter[str] = Counter()
        self._texts: dict[str, set[str]] = {}
        self._cut: dict[str, None] = {}
        self._notes: list[tuple[str, str]] = []

    @staticmethod
    def looks_at(type_: pa.DataType) -> bool:
        """Tell whether there is anything to see in a column of a type."""
        return bool(
            pa.types.is_floating(type_)
            or (pa.types.is_timestamp(type_) and type_.unit == "ns")
            or pa.types.is_string(type_)
            or pa.types.is_large_string(type_)
            or pa.types.is_string_view(type_)
            or pa.types.is_dictionary(type_)
        )

    def warn(self, column: str, text: str) -> None:
        """Note what a reader found in a column."""
        self._notes.append((column, text))

    def cut(self, column: str) -> None:
        """Note that a column's times are kept to the microsecond, though they were given finer."""
        self._cut[column] = None

    def infinite(self, column: str, count: int) -> None:
        """Count infinite values that a reader found."""
        self._infinite[column] += count

    def over(self, batches: Iterator[pa.RecordBatch]) -> Survey:
        """Look at every batch."""
        for batch in batches:
            self.see(batch)
        return self

    def see(self, batch: pa.RecordBatch) -> None:
        """Look at a batch."""
        self.count += batch.num_rows
        for field, column in zip(batch.schema, batch.columns, strict=True):
            if pa.types.is_floating(field.type):
                infinite = pc.sum(pc.is_inf(column)).as_py()
                if infinite:
                    self._infinite[field.name] += infinite
            elif pa.types.is_timestamp(field.type) and field.type.unit == "ns":
                if cuts_off(column):
                    self.cut(field.name)
            else:
                self._see_texts(field.name, _texts(column))

    def _see_texts(self, name: str, column: pa.Array | None) -> None:
        # Only a text that is not ASCII has more than one normal form.
        if column is None:
            return
        plain = pc.string_is_ascii(column)
        if pc.all(plain, min_count=0).as_py():
            return
        held = self._texts.setdefault(name, set())
        if len(held) <= _TEXTS:
            held.update(pc.unique(column.filter(pc.invert(plain))).to_pylist())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know, in the order of the columns' names."""
        found = [f"column {name!r}: {text}" for name, text in self._notes]
        found += [
            f"column {name!r}: {count:,} infinite values"
            for name, count in sorted(self._infinite.items())
        ]
        found += [f"column {name!r}: cut to microseconds" for name in sorted(self._cut)]
        for name, texts in sorted(self._texts.items()):
            forms = Counter(unicodedata.normalize("NFC", text) for text in texts)
            twice = sorted(text for text, count in forms.items() if count > 1)
            if twice and len(texts) <= _TEXTS:
                found.append(
                    f"column {name!r}: texts that differ only in their Unicode normal form, "
                    f"{len(twice):,} in all, such as {twice[0]!r}; normalise them in clean.steps"
                )
        return tuple(found)
