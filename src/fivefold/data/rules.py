"""What a schema says of cells, a rule each: how a person reads it, and how pandera checks it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from fivefold.callables import call_of
from fivefold.data.expressions import compiled, require_readable
from fivefold.data.observe import Observed, allowed_values
from fivefold.data.values import dtype_name
from fivefold.errors import ConfigError, FivefoldError, SchemaError, nearest
from fivefold.table import ON_VIOLATION, Column, bound

__all__ = ["Rule", "TableCheck", "check_rules", "column_rules", "pattern_problem"]


@dataclass(frozen=True)
class TableCheck:
    """A rule on several columns of a row, or on which of them together are different in every row.

    Attributes
    ----------
    name : str
        What the rule is, in a person's words.
    check : str or dict
        An expression that is true of a row (see :mod:`fivefold.data.expressions`), or ``_target_``,
        the dotted name of a function, and its arguments; the function gives a Narwhals expression,
        row by row. A row of which it can't be told, for want of a value, passes.
    when : str
        The rows it is asked of, by another expression; all of them if empty.
    unique : list of str
        Instead of ``check``: columns that together are different in every row without a missing
        one of them.
    on_violation : {"fail", "warn", "quarantine"} or None
        What follows for a row that is not so; the schema's own default if None.
    """

    name: str
    check: Any = None
    when: str = ""
    unique: list[str] = field(default_factory=list)
    on_violation: str | None = None

    def __post_init__(self) -> None:
        where = f"validate.checks ({self.name})"
        if (self.check is None) == (not self.unique) or (self.when and self.unique):
            raise ConfigError(
                "a check says what is true of a row, or what is unique",
                where=where,
                got=f"check: {self.check}, when: {self.when!r}, unique: {self.unique}",
                allowed="check, perhaps with when; or unique",
            )
        if self.on_violation not in (None, *ON_VIOLATION):
            raise ConfigError(
                "what follows a violation is unknown",
                where=f"{where}.on_violation",
                got=self.on_violation,
                allowed=ON_VIOLATION,
                hint=nearest(str(self.on_violation), ON_VIOLATION),
            )
        for name, text in (("check", self.check), ("when", self.when)):
            if isinstance(text, str) and (text or name == "check"):
                require_readable(text, f"{where}.{name}")
        if self.check is not None and not isinstance(self.check, str | dict):
            raise ConfigError(
                "a check is an expression or a function",
                where=f"{where}.check",
                got=self.check,
                allowed='a text such as "arr_time > dep_time", or _target_ and its arguments',
            )


@dataclass(frozen=True)
class Rule:
    """One thing that is asked of every cell of a column, or of every row.

    Attributes
    ----------
    label : str
        The column, or the check's name.
    words : str
        As the schema says it.
    on_violation : str
        fail, warn or quarantine.
    shown : tuple of str
        The columns whose cells show what is wrong.
    check, argument : str, object
        pandera's name of the check, and what it is called with. Of a rule on rows, pandera checks
        that ``holds`` is true.
    holds : narwhals.Expr or None
        What is asked of a row.
    reads : tuple of str or None
        The columns that ``holds`` needs; all of them if None.
    together : bool
        The columns shown must be different in every row.
    """

    label: str
    words: str
    on_violation: str
    shown: tuple[str, ...]
    check: str = "eq"
    argument: Any = True
    holds: nw.Expr | None = None
    reads: tuple[str, ...] | None = ()
    together: bool = False

    @property
    def reason(self) -> str:
        """Why a row is set aside."""
        return f"{self.label}: {self.words}"

    @property
    def is_proven(self) -> bool:
        """Whether the rule is surely violated where :meth:`cleared` is false."""
        return self.check in ("not_nullable", "ge", "le", "isin")

    def cleared(self, observed: Mapping[str, Observed]) -> bool:
        """Tell whether the ends of a column's range prove that no cell of it is against the rule.

        pandera, which takes long to import and looks at every cell, then need not look.
        """
        if self.holds is not None or self.together:
            return False
        seen = observed[self.shown[0]]
        if seen.missing == seen.rows and self.check != "not_nullable":
            return True
        if self.check == "not_nullable":
            return seen.missing == 0
        if self.check == "ge":
            return bool(_comparable(seen.min) >= _comparable(self.argument))
        if self.check == "le":
            return bool(_comparable(seen.max) <= _comparable(self.argument))
        return self.check == "isin" and not seen.excluded


def _comparable(value: Any) -> Any:
    return math.nan if value is None else value


def column_rules(name: str, column: Column, dtype: Any, default: str) -> list[Rule]:
    """Give the rules of a column.

    Parameters
    ----------
    name : str
        The column's.
    column : Column
        What is declared.
    dtype : Narwhals dtype
        The table's own, of the declared kind.
    default : str
        What follows a violation where the column doesn't say.
    """
    kind = column.dtype
    found: list[tuple[str, str, Any]] = []
    if not column.nullable:
        found.append(("nullable: false", "not_nullable", None))
    for word, check, value, towards in (
        ("min", "ge", column.min, math.ceil),
        ("max", "le", column.max, math.floor),
    ):
        if value is not None:
            found.append((f"{word}: {_shown(value)}", check, _limit(kind, value, dtype, towards)))
    values = allowed_values(column)
    if values is not None and column.allowed is not None:
        shown = ", ".join(map(str, column.allowed[:8])) + (", ..." if column.allowed[8:] else "")
        if kind == "datetime":
            values = [_zoned(value, dtype) for value in values]
        found.append((f"allowed: [{shown}]", "isin", values))
    low, high = column.min_length, column.max_length
    if low is not None:
        found.append((f"min_length: {low}", "str_length", {"min_value": low}))
    if high is not None:
        found.append((f"max_length: {high}", "str_length", {"max_value": high}))
    follows = column.on_violation or default
    rules = [Rule(name, words, follows, (name,), check, value) for words, check, value in found]
    if column.pattern is not None:
        # Not pandera's own check, which takes for right what Python's syntax and Rust's share.
        whole = nw.col(name).str.contains(rf"^(?:{column.pattern})\z")
        words = f"pattern: {column.pattern}"
        rules.append(Rule(name, words, follows, (name,), holds=whole, reads=(name,)))
    if column.unique:
        rules.append(Rule(name, "unique: true", follows, (name,), together=True))
    return rules


def _shown(value: Any) -> str:
    exact = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return str(int(value) if exact else value)


def _limit(kind: str, value: Any, dtype: Any, towards: Callable[[float], int]) -> Any:
    # A column of whole numbers is compared with one, so that no digit past 2^53 is lost.
    limit = bound(kind, value)
    if kind == "integer" and isinstance(limit, float) and math.isfinite(limit):
        return towards(limit)
    return _zoned(limit, dtype) if kind == "datetime" else limit


def _zoned(moment: Any, dtype: Any) -> Any:
    return moment if dtype.time_zone else moment.replace(tzinfo=None)


def pattern_problem(pattern: str) -> str | None:
    """Say what is wrong with a regular expression."""
    import polars as pl

    try:
        pl.select(pl.lit("").str.contains(f"(?:{pattern})"))
    except pl.exceptions.PolarsError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        named = (line.removeprefix("error: ") for line in lines if line.startswith("error: "))
        return next(named, lines[0])
    return None


def check_rules(
    checks: Sequence[TableCheck], schema: nw.Schema, default: str
) -> tuple[list[Rule], list[str]]:
    """Build the checks on rows for a table.

    Returns
    -------
    rules : list of Rule
        Of the checks that can be asked of this table.
    problems : list of str
        A line for each of the others.
    """
    rules: list[Rule] = []
    problems: list[str] = []
    for number, check in enumerate(checks):
        where = f"validate.checks.{number} ({check.name})"
        try:
            rules.append(_row_rule(check, schema, where, check.on_violation or default))
        except FivefoldError as error:
            said = [error.what, *([str(error.got)] if error.got is not None else [])]
            hint = f"; {error.hint}" if error.hint else ""
            problems.append(f"check {check.name!r}: {': '.join(said)}{hint}")
    return rules, problems


def _row_rule(check: TableCheck, schema: nw.Schema, where: str, follows: str) -> Rule:
    label = f"check {check.name!r}"
    if check.unique:
        for name in check.unique:
            if name not in schema:
                raise SchemaError(f"the table has no column {name!r}", hint=nearest(name, schema))
        words = f"unique: [{', '.join(check.unique)}]"
        return Rule(label, words, follows, tuple(check.unique), together=True)
    reads: tuple[str, ...] | None = None
    if isinstance(check.check, str):
        asked = compiled(check.check, schema, where)
        holds, words, reads = asked.expr, check.check, asked.columns
    else:
        call = call_of(check.check, where)
        holds, words = call(error=SchemaError), call.name
        if not isinstance(holds, nw.Expr):
            raise SchemaError("the function gave no Narwhals expression", got=type(holds).__name__)
    shown = reads or ()
    if check.when:
        condition = compiled(check.when, schema, where)
        holds, words = ~condition.expr | holds, f"{words}, when {check.when}"
        shown = tuple(dict.fromkeys((*shown, *condition.columns)))
        reads = None if reads is None else shown
    _require_truth(holds, schema)
    return Rule(label, words, follows, shown, holds=holds, reads=reads)


def _require_truth(holds: nw.Expr, schema: nw.Schema) -> None:
    """Ask an expression of a table without rows: the types must fit, and a truth come out."""
    empty = nw.DataFrame.from_dict({}, schema, backend="polars")
    try:
        dtype = empty.select(holds.alias("holds")).schema["holds"]
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise SchemaError(f"it can't be asked of this table: {lines[0]}") from error
    if dtype != nw.Boolean:
        raise SchemaError("it must be true or false of a row", got=f"it is {dtype_name(dtype)}")
