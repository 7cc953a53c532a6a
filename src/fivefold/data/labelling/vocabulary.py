"""The labels allowed, and how a value that was found becomes one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fivefold.errors import DataError, nearest

__all__ = ["Vocabulary", "word"]


def _remedy(classes: tuple[Any, ...]) -> str:
    # YAML 1.1 takes no, yes, on and off for truths, which are not the texts of the table.
    if any(isinstance(value, bool) for value in classes):
        return "quote labels that are texts: YAML takes yes and no for true and false"
    return "mend them, or declare label.mapping"


def word(value: Any) -> str:
    """Spell a value, so that the 1 of a table, the "1" of a form and the 1.0 of a file are one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


class Vocabulary:
    """The labels in their order.

    Parameters
    ----------
    found : iterable
        The values that were found, missing ones left out.
    labels : sequence or None
        The labels allowed; those found, sorted, if None.
    mapping : mapping
        A value to the label it means; None drops the value.
    where : str
        Where the values are, for messages.

    Attributes
    ----------
    classes : tuple
        The labels: all texts, all booleans, all whole numbers, or all numbers.

    Raises
    ------
    DataError
        A value is not allowed, or texts and numbers are mixed.
    """

    def __init__(
        self,
        found: Iterable[Any],
        labels: Sequence[Any] | None,
        mapping: Mapping[Any, Any],
        where: str,
    ) -> None:
        self._mapping = {word(key): value for key, value in mapping.items()}
        self._where = where
        values = list(found)
        meant = [self._meant(value) for value in values]
        if labels is None:
            self.classes = tuple(_sorted({m for m in meant if m is not None}, where))
        else:
            self.classes = tuple(labels)
        self._places = {word(value): place for place, value in enumerate(self.classes)}
        wrong = sorted(
            {word(v) for v, m in zip(values, meant, strict=True) if m is not None}
            - {word(v) for v in values if self.place(v) is not None}
        )
        if wrong:
            allowed = [str(value) for value in self.classes]
            raise DataError(
                "1 value is not among the labels"
                if len(wrong) == 1
                else f"{len(wrong)} values are not among the labels",
                where=where,
                got=", ".join(wrong[:10]),
                allowed=allowed,
                hint=nearest(wrong[0], allowed) or _remedy(self.classes),
            )

    def _meant(self, value: Any) -> Any:
        if not self._mapping:
            return value
        if word(value) not in self._mapping:
            known = list(self._mapping)
            raise DataError(
                f"the value {value!r} has no entry in the mapping",
                where=f"label.mapping, {self._where}",
                got=word(value),
                allowed=known,
                hint=nearest(word(value), known) or "null drops a value",
            )
        return self._mapping[word(value)]

    def place(self, value: Any) -> int | None:
        """Give the place of the label that a value means, or None where it means none."""
        meant = None if value is None else self._meant(value)
        return None if meant is None else self._places.get(word(meant))

    @property
    def kind(self) -> str:
        """The schema's name of the labels' type."""
        return _kind(self.classes)


def _kind(values: Iterable[Any]) -> str:
    types = {type(value) for value in values}
    if types <= {bool} and types:
        return "boolean"
    if types <= {int} and types:
        return "integer"
    if types <= {int, float} and types:
        return "number"
    return "string" if types <= {str} else "mixed"


def _sorted(values: Iterable[Any], where: str) -> list[Any]:
    values = list(values)
    if _kind(values) == "mixed":
        raise DataError(
            "labels are of different types",
            where=where,
            got=", ".join(sorted(f"{value!r}" for value in values)[:10]),
            hint="declare label.mapping, or label.labels",
        )
    return sorted(values)
