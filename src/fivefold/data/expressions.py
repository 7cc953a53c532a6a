"""Expressions on the columns of a table, the same on every engine: ``arr_time > dep_time``.

The notation is Python's. A name is a column; one that Python would not read stands in backticks.
A missing value makes a result missing, as in SQL, and so does a division by zero.
"""

from __future__ import annotations

import ast
import datetime
import re
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from typing import Any

import narwhals as nw

from fivefold.errors import ConfigError, nearest

__all__ = ["ALLOWED", "Expression"]

ALLOWED = (
    "columns, numbers, texts and lists, joined by + - * / == != < <= > >= in, and or not, "
    "with missing() abs() length() lower() year() month() day() hour() weekday() hours()"
)

_FUNCTIONS: dict[str, Callable[[nw.Expr], nw.Expr]] = {
    "missing": lambda x: x.is_null(),
    "abs": lambda x: x.abs(),
    "length": lambda x: x.str.len_chars(),
    "lower": lambda x: x.str.to_lowercase(),
    "year": lambda x: x.dt.year().cast(nw.Int64),
    "month": lambda x: x.dt.month().cast(nw.Int64),
    "day": lambda x: x.dt.day().cast(nw.Int64),
    "hour": lambda x: x.dt.hour().cast(nw.Int64),
    "weekday": lambda x: x.dt.weekday().cast(nw.Int64),
    "hours": lambda x: x.dt.total_seconds() / 3600,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: nw.when(b != 0).then(a / b),
}
_WORDS = {"true": True, "false": False, "null": None}
# Texts come first, so that a backtick inside one is a letter.
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`([^`]+)`""")


class Expression:
    """An expression, read once; it can be built for any table that has its columns.

    Parameters
    ----------
    text : str
        In Python's notation.
    where : str
        Where the text stands, for messages.

    Attributes
    ----------
    columns : tuple of str
        The names in it, in the order of the text.

    Raises
    ------
    ConfigError
        The text is no expression.
    """

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text.strip(), where
        self._quoted: dict[str, str] = {}
        try:
            tree = ast.parse(_QUOTED.sub(self._unquote, self.text), mode="eval").body
            self.columns = tuple(dict.fromkeys(self._checked(tree)))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            detail = str(error) if type(error) is ValueError else "it can't be read"
            raise ConfigError(
                f"this is no expression: {detail}", where=where, got=text, allowed=ALLOWED
            ) from None
        self._tree = tree

    def __call__(self, schema: Mapping[str, Any]) -> nw.Expr:
        """Build the expression for a table.

        Parameters
        ----------
        schema : mapping of str to Narwhals dtype
            The table's; a text that is compared with a date is read as one.

        Raises
        ------
        ConfigError
            A column is not there, with the nearest name.
        """
        for name in self.columns:
            if name not in schema:
                raise ConfigError(
                    f"the table has no column {name!r}",
                    where=self.where,
                    got=self.text,
                    hint=nearest(name, schema),
                )
        built = self._built(self._tree, schema)
        return built if isinstance(built, nw.Expr) else nw.lit(built)

    def _unquote(self, match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        placeholder = f"_quoted_{len(self._quoted)}"
        self._quoted[placeholder] = match[1]
        return placeholder

    def _checked(self, node: ast.expr) -> Iterator[str]:
        """Name the columns below a node, refusing what the language has not."""
        match node:
            case ast.Name(id=name):
                if name not in _WORDS:
                    yield self._quoted.get(name, name)
                return
            case ast.Constant(value=bool() | int() | float() | str() | None):
                return
            case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=inner):
                parts = [inner]
            case ast.BoolOp(values=parts):
                pass
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _ARITHMETIC:
                parts = [left, right]
            case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in _FUNCTIONS:
                parts = [inner]
            case ast.Call(func=ast.Name(id=name)):
                raise ValueError(_no_function(name))
            case ast.Compare(left=left, ops=ops, comparators=rights):
                parts = [left]
                for op, right in zip(ops, rights, strict=True):
                    if isinstance(op, ast.In | ast.NotIn):
                        _constants(right)
                    elif type(op) in _COMPARE:
                        parts.append(right)
                    else:
                        raise ValueError(f"not of the language: {ast.unparse(node)}")
            case _:
                raise ValueError(f"not of the language: {ast.unparse(node)}")
        for part in parts:
            yield from self._checked(part)

    def _built(self, node: ast.expr, schema: Mapping[str, Any]) -> Any:
        """Build a node: an expression, or a constant as it is."""
        match node:
            case ast.Name(id=name):
                return _WORDS[name] if name in _WORDS else nw.col(self._quoted.get(name, name))
            case ast.Constant(value=constant):
                return constant
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return ~_expression(self._built(inner, schema))
            case ast.UnaryOp(operand=inner):
                value = self._built(inner, schema)
                return 0 - value if isinstance(value, nw.Expr) else -value
            case ast.BoolOp(op=joint, values=parts):
                built = [_expression(self._built(part, schema)) for part in parts]
                return reduce(_and if isinstance(joint, ast.And) else _or, built)
            case ast.BinOp(left=left, op=sign, right=right):
                sides = [_expression(self._built(side, schema)) for side in (left, right)]
                return _ARITHMETIC[type(sign)](*sides)
            case ast.Call(func=ast.Name(id=name), args=[inner]):
                return _FUNCTIONS[name](_expression(self._built(inner, schema)))
            case ast.Compare(left=left, ops=ops, comparators=rights):
                pairs = zip(ops, [left, *rights], rights, strict=False)
                return reduce(_and, (self._compared(*pair, schema) for pair in pairs))
        raise AssertionError(node)  # pragma: no cover - the constructor let nothing else in

    def _compared(
        self, op: ast.cmpop, one: ast.expr, other: ast.expr, schema: Mapping[str, Any]
    ) -> nw.Expr:
        left = _expression(self._built(one, schema))
        if isinstance(op, ast.In | ast.NotIn):
            values = [self._fitting(value, one, schema) for value in _constants(other)]
            known = left.is_in([value for value in values if value is not None])
            found = known if isinstance(op, ast.In) else ~known
            # Of a missing value some engines say that it is in no list.
            return nw.when(~left.is_null()).then(found)
        right = self._built(other, schema)
        if right is None or (isinstance(one, ast.Constant) and one.value is None):
            raise ConfigError(
                "a comparison with null says nothing", where=self.where, got=self.text,
                hint=f"missing({ast.unparse(one)})",
            )  # fmt: skip
        if isinstance(right, str):
            right = self._fitting(right, one, schema)
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            left = nw.lit(self._fitting(one.value, other, schema))
        compared: nw.Expr = _COMPARE[type(op)](left, right)
        return compared

    def _fitting(self, value: Any, beside: ast.expr, schema: Mapping[str, Any]) -> Any:
        """Read a text as a date where it is compared with a column of dates."""
        if not isinstance(value, str) or not isinstance(beside, ast.Name):
            return value
        dtype = schema.get(self._quoted.get(beside.id, beside.id))
        try:
            if dtype == nw.Date:
                return datetime.date.fromisoformat(value)
            if isinstance(dtype, nw.Datetime):
                moment = datetime.datetime.fromisoformat(value)
                moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
                return moment if dtype.time_zone else moment.replace(tzinfo=None)
        except ValueError:
            raise ConfigError(
                "a date is compared with a text that is none",
                where=self.where,
                got=value,
                allowed="ISO 8601, such as 2013-01-31",
            ) from None
        return value


def _and(left: nw.Expr, right: nw.Expr) -> nw.Expr:
    return left & right


def _or(left: nw.Expr, right: nw.Expr) -> nw.Expr:
    return left | right


def _no_function(name: str) -> str:
    near = nearest(name, _FUNCTIONS)
    return f"{name}() is no function of one value" + (f"; {near}" if near else "")


def _expression(value: Any) -> nw.Expr:
    return value if isinstance(value, nw.Expr) else nw.lit(value)


def _constants(node: ast.expr) -> list[Any]:
    """Give the values of a list of constants."""
    if not isinstance(node, ast.List | ast.Tuple):
        raise ValueError("after `in` stands a list, such as ['a', 'b']")
    try:
        values: list[Any] = ast.literal_eval(node)
    except ValueError:
        raise ValueError("after `in` stands a list of numbers or texts") from None
    return list(values)
