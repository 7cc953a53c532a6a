"""What one look at all rows shows: how many there are, and what a person should know of them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Survey"]

# Different texts of a column that are held against one another; more are no categories.
_TEXTS = 10_000


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
        self._notes: list[tuple[str, str]] = []

    def warn(self, column: str, text: str) -> None:
        """Note what a reader found in a column."""
        self._notes.append((column, text))

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
            elif pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
                self._see_texts(field.name, column)

    def _see_texts(self, name: str, column: pa.Array) -> None:
        # Only a text that is not ASCII has more than one normal form.
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
        for name, texts in sorted(self._texts.items()):
            forms = Counter(unicodedata.normalize("NFC", text) for text in texts)
            twice = sorted(text for text, count in forms.items() if count > 1)
            if twice and len(texts) <= _TEXTS:
                found.append(
                    f"column {name!r}: {len(twice):,} texts are written in more than one Unicode "
                    f"normal form, {twice[0]!r} for one; normalise them in clean.steps"
                )
        return tuple(found)
