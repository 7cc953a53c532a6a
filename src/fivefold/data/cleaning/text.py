"""Texts: white space, Unicode forms, case, spellings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.data.columns import require_dtype, require_listed, rewritten
from fivefold.data.effects import effect
from fivefold.errors import ConfigError, nearest
from fivefold.table import from_arrow, to_arrow
from fivefold.table.engine import engine_of, names_of

__all__ = ["normalise_text", "respell", "strip"]

# Said one by one: engines differ in what they call white space.
_SPACES = " \t\n\r\x0b\x0c\u00a0\u2003\u3000\ufeff"
_FORMS = ("NFC", "NFKC", "NFD", "NFKD")
_CASES = ("lower", "upper")
_OLD, _NEW, _HIT = "__old", "__new", "__hit"


@effect(cells="columns")
def strip(table: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Take white space off both ends of texts; what is then empty is missing."""
    require_listed(table, columns)
    for name in columns:
        require_dtype(table, name, ("string",), "columns")
    stripped = {name: nw.col(name).str.strip_chars(_SPACES) for name in columns}
    return rewritten(
        table,
        (
            nw.when(text != "").then(text).otherwise(None).alias(name)
            for name, text in stripped.items()
        ),
    )


@effect(cells="columns", cheap=False)
def normalise_text(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    form: str | None = "NFC",
    case: str | None = None,
    spaces: bool = False,
) -> nw.LazyFrame[Any]:
    """Give texts that read alike the same characters.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    columns : sequence of str
        Which.
    form : {"NFC", "NFKC", "NFD", "NFKD"}, optional
        Unicode's normal form (UAX #15); NFKC also turns full-width letters, ligatures and the like
        into plain ones.
    case : {"lower", "upper"}, optional
        The case to write all letters in.
    spaces : bool
        Make every run of white space one space, and strip both ends; what is then empty is missing.
    """
    require_listed(table, columns)
    for value, where, allowed in ((form, "form", _FORMS), (case, "case", _CASES)):
        if value is not None and value not in allowed:
            raise ConfigError(
                f"the {where} is unknown", where=where, got=value, allowed=allowed,
                hint=nearest(str(value), allowed),
            )  # fmt: skip

    def change(texts: pa.Array) -> pa.Array:
        import pyarrow.compute as pc

        if case is not None:
            texts = (pc.utf8_lower if case == "lower" else pc.utf8_upper)(texts)
        if form is not None:  # last, because a change of case can leave the normal form
            texts = pc.utf8_normalize(texts, form)
        if spaces:
            texts = pc.replace_substring_regex(texts, f"[{_SPACES}]+", " ")
            texts = pc.utf8_trim(texts, " ")
            texts = pc.if_else(pc.equal(texts, ""), pa.nulls(len(texts), texts.type), texts)
        return texts

    for name in columns:
        require_dtype(table, name, ("string",), "columns")
        table = changed(table, name, change)
    return table


@effect(cells="columns")
def respell(
    table: nw.LazyFrame[Any], columns: Sequence[str], mapping: Mapping[str, str | None]
) -> nw.LazyFrame[Any]:
    """Write texts as others: ``{nyc: New York, "N.Y.": New York}``; null makes one missing.

    Raises
    ------
    ConfigError
        The mapping leads on from its own result, so that a second run would change it again.
    """
    require_listed(table, columns)
    for old, new in mapping.items():
        if new is not None and mapping.get(new, new) != new:
            raise ConfigError(
                "a spelling is mapped to one that is itself mapped", where=f"mapping.{old}",
                got=f"{old} -> {new} -> {mapping[new]}", hint="name the last one in both",
            )  # fmt: skip
    for name in columns:
        require_dtype(table, name, ("string",), "columns")

    def spelt(name: str) -> nw.Expr:
        result = nw.col(name)
        for old, new in mapping.items():
            result = nw.when(nw.col(name) == old).then(nw.lit(new, nw.String)).otherwise(result)
        return result.alias(name)

    return rewritten(table, (spelt(name) for name in columns))


def changed(
    table: nw.LazyFrame[Any],
    name: str,
    change: Callable[[pa.Array], pa.Array],
    keep_type: bool = True,
) -> nw.LazyFrame[Any]:
    """Change a column of texts value by value, each different one once.

    Engines differ in their tables of Unicode and in how they read dates; one library that sees the
    different values does not.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    name : str
        A column of texts.
    change : callable
        Takes the different values, none of them missing, and gives as many.
    keep_type : bool
        Are these texts, too? Then only those that differ are put in place.
    """
    import pyarrow.compute as pc

    engine = engine_of(table)
    values = to_arrow(table.select(nw.col(name).alias(_OLD)).drop_nulls().unique())
    old = values[_OLD].combine_chunks().cast(pa.string())
    new = change(old)
    pairs = pa.table({_OLD: old, _NEW: new, _HIT: pc.is_valid(old)})
    if keep_type:
        same = pc.fill_null(pc.equal(old, new), fill_value=False)
        pairs = pairs.filter(pc.invert(same))
        if not pairs.num_rows:
            return table
    names = names_of(table)
    joined = table.join(from_arrow(pairs, engine), left_on=name, right_on=_OLD, how="left")
    kept = nw.col(name) if keep_type else nw.lit(None)
    value = nw.when(~nw.col(_HIT).is_null()).then(nw.col(_NEW)).otherwise(kept)
    return joined.with_columns(value.alias(name)).select(*names)
