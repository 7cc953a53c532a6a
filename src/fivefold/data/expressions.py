"""A small language on the columns of a row: ``arr_delay >= 15 and origin in ['JFK', 'LGA']``.

It is read as Python's grammar and turned into a Narwhals expression; nothing of it is run, and it
means the same on every engine. There are column names (in backticks where they are no words),
numbers, texts, ``True``, ``False``, ``None``; ``+ - * /``; ``== != < <= > >=``, chained too;
``in`` and ``not in`` a list; ``is None`` and ``is not None``; ``and``, ``or``, ``not``; values by
condition: ``'late' if arr_delay >= 15 else 'on time'``; and functions: ``abs``, ``length`` and
``lower`` of a text, ``year``, ``month``, ``day``, ``weekday`` (Monday is 1) and, in UTC, ``hour``
of a time, ``hours`` of the difference of two.

A missing value makes a comparison missing, and so the result, unless ``is None`` asks for it.
"""

from __future__ import annotations

import ast
import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from fivefold.data.cases import by_case
from fivefold.data.values import dtype_name
from fivefold.errors import ConfigError, DataError, nearest

__all__ = ["Compiled", "compiled", "require_readable"]

_NUMBERS = ("integer", "number")
_TIMES = ("date", "datetime")
_COMPARISONS: Mapping[type[ast.cmpop], Any] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}
# By name: the types it takes, the type it gives (its argument's if empty), what it does.
_FUNCTIONS: Mapping[str, tuple[tuple[str, ...], str, Callable[[nw.Expr], nw.Expr]]] = {
    "abs": (_NUMBERS, "", lambda x: x.abs()),
    "length": (("string",), "integer", lambda x: x.str.len_chars().cast(nw.Int64)),
    "lower": (("string",), "string", lambda x: x.str.to_lowercase()),
    "year": (_TIMES, "integer", lambda x: x.dt.year().cast(nw.Int64)),
    "month": (_TIMES, "integer", lambda x: x.dt.month().cast(nw.Int64)),
    "day": (_TIMES, "integer", lambda x: x.dt.day().cast(nw.Int64)),
    "weekday": (_TIMES, "integer", lambda x: x.dt.weekday().cast(nw.Int64)),
    "hour": (("datetime",), "integer", lambda x: x.dt.hour().cast(nw.Int64)),
    "hours": (("duration",), "number", lambda x: x.dt.total_seconds().cast(nw.Float64) / 3600),
}
# As YAML writes them.
_YAML = {"true": True, "false": False, "null": None}
# Texts come first, so that a backtick inside one is a letter.
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`([^`]+)`""")


@dataclass(frozen=True)
class Compiled:
    """An expression that an engine can run.

    Attributes
    ----------
    expr : narwhals.Expr
        Its value in each row.
    kind : str
        The schema's name of its type: a condition is "boolean".
    columns : tuple of str
        The columns it reads, sorted.
    """

    expr: nw.Expr
    kind: str
    columns: tuple[str, ...]

    @property
    def label(self) -> nw.Expr:
        """The value as a label: a condition is 1 or 0."""
        return self.expr.cast(nw.Int64) if self.kind == "boolean" else self.expr


@dataclass(frozen=True)
class _Term:
    expr: nw.Expr
    kind: str
    # The value of a constant, by which a text can become a date.
    constant: Any = None


def compiled(text: str, schema: Mapping[str, Any], where: str) -> Compiled:
    """Read an expression.

    Parameters
    ----------
    text : str
        In the language of this module.
    schema : mapping of str to narwhals dtype
        The table's columns.
    where : str
        Its place in ``conf/``.

    Raises
    ------
    ConfigError
        The text is not of the language.
    DataError
        A column is absent, or two types can't be compared.
    """
    tree, quoted = _parsed(text, where)
    reader = _Reader(text, schema, where, quoted)
    term = reader.read(tree)
    if term.kind == "missing" or not reader.columns:
        raise ConfigError("the expression reads no column", where=where, got=text)
    return Compiled(term.expr, term.kind, tuple(sorted(reader.columns)))


def require_readable(text: str, where: str) -> None:
    """Raise a :class:`ConfigError` where a text is not of Python's grammar."""
    _parsed(text, where)


def _parsed(text: str, where: str) -> tuple[ast.expr, dict[str, str]]:
    quoted: dict[str, str] = {}

    def placeholder(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        quoted[name := f"__quoted_{len(quoted)}"] = match[1]
        return name

    # A newline in YAML's folded text is a space to a reader.
    source = _QUOTED.sub(placeholder, " ".join(text.split("\n"))).strip()
    try:
        return ast.parse(source, mode="eval").body, quoted
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ConfigError(
            f"the expression can't be read: {reason}",
            where=where,
            got=text,
            allowed="such as arr_delay >= 15 and origin in ['JFK', 'LGA']",
            hint="columns whose names are no words go in backticks: `arrival delay` >= 15",
        ) from None


class _Reader:
    def __init__(
        self, text: str, schema: Mapping[str, Any], where: str, quoted: Mapping[str, str]
    ) -> None:
        self.text, self.schema, self.where, self.quoted = text, schema, where, quoted
        self.columns: set[str] = set()

    def read(self, node: ast.expr) -> _Term:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self._refused(f"{ast.unparse(node)!r} is not of the language")
        term: _Term = method(node)
        return term

    def _name(self, node: ast.Name) -> _Term:
        name = self.quoted.get(node.id, node.id)
        if name not in self.schema and name in _YAML:
            return self._constant(ast.Constant(_YAML[name]))
        if name not in self.schema:
            have = list(self.schema)
            raise DataError(
                f"the table has no column {name!r}",
                where=self.where,
                got=self.text,
                allowed=have,
                hint=nearest(name, have) or "a text goes in quotes",
            )
        self.columns.add(name)
        kind = dtype_name(self.schema[name])
        if kind not in (*_NUMBERS, *_TIMES, "string", "boolean"):
            raise self._refused(f"the column {name!r} is of type {kind}")
        return _Term(nw.col(name), kind)

    def _constant(self, node: ast.Constant) -> _Term:
        value = node.value
        kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
        if value is None:
            return _Term(nw.lit(None), "missing")
        if not isinstance(value, bool | int | float | str):
            raise self._refused(f"{value!r} is not a value that a column can have")
        return _Term(nw.lit(value), kinds[type(value)], value)

    def _unaryop(self, node: ast.UnaryOp) -> _Term:
        term = self.read(node.operand)
        if isinstance(node.op, ast.Not):
            return _Term(~self._condition(term, node.operand), "boolean")
        if isinstance(node.op, ast.USub) and term.kind in _NUMBERS:
            constant = None if term.constant is None else -term.constant
            expr = nw.lit(0) - term.expr if constant is None else nw.lit(constant)
            return _Term(expr, term.kind, constant)
        raise self._refused(f"{ast.unparse(node)!r} is not of the language")

    def _call(self, node: ast.Call) -> _Term:
        name = ast.unparse(node.func)
        if name not in _FUNCTIONS or len(node.args) != 1 or node.keywords:
            near = nearest(name, _FUNCTIONS)
            raise self._refused(
                f"{name}() is not of the language, as a function of one value"
                + (f"; {near}" if near else "")
            )
        takes, gives, function = _FUNCTIONS[name]
        term = self.read(node.args[0])
        if term.kind not in takes:
            raise self._refused(f"{name}() is of {' or '.join(takes)}, and not of {term.kind}")
        return _Term(function(term.expr), gives or term.kind)

    def _binop(self, node: ast.BinOp) -> _Term:
        left, right = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.Sub) and left.kind == right.kind and left.kind in _TIMES:
            # The difference of two dates is a whole number to some engines.
            one, other = (
                side.expr.cast(nw.Datetime("us")) if side.kind == "date" else side.expr
                for side in (left, right)
            )
            return _Term(one - other, "duration")
        for term, side in ((left, node.left), (right, node.right)):
            if term.kind not in _NUMBERS:
                raise self._refused(f"{ast.unparse(side)!r} is {term.kind}, and no number")
        kind = "integer" if left.kind == right.kind == "integer" else "number"
        if isinstance(node.op, ast.Add):
            return _Term(left.expr + right.expr, kind)
        if isinstance(node.op, ast.Sub):
            return _Term(left.expr - right.expr, kind)
        if isinstance(node.op, ast.Mult):
            return _Term(left.expr * right.expr, kind)
        if isinstance(node.op, ast.Div):
            # Engines differ in what a division by zero gives; here it is missing.
            below = nw.when(right.expr != 0).then(right.expr.cast(nw.Float64)).otherwise(None)
            return _Term(left.expr.cast(nw.Float64) / below, "number")
        raise self._refused(f"{ast.unparse(node)!r} is not of the language")

    def _boolop(self, node: ast.BoolOp) -> _Term:
        terms = [self._condition(self.read(item), item) for item in node.values]
        result = terms[0]
        for term in terms[1:]:
            result = result & term if isinstance(node.op, ast.And) else result | term
        return _Term(result, "boolean")

    def _compare(self, node: ast.Compare) -> _Term:
        result: nw.Expr | None = None
        left_node = node.left
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            step = self._compared(left_node, op, right_node)
            result = step if result is None else result & step
            left_node = right_node
        assert result is not None  # noqa: S101 - a comparison has an operator
        return _Term(result, "boolean")

    def _compared(self, left_node: ast.expr, op: ast.cmpop, right_node: ast.expr) -> nw.Expr:
        left = self.read(left_node)
        if isinstance(op, ast.In | ast.NotIn):
            return self._member(left, right_node, isinstance(op, ast.NotIn))
        right = self.read(right_node)
        if isinstance(op, ast.Is | ast.IsNot):
            if right.kind != "missing":
                raise self._refused("`is` asks for None only; use ==")
            return ~left.expr.is_null() if isinstance(op, ast.IsNot) else left.expr.is_null()
        if "missing" in (left.kind, right.kind):
            raise self._refused("nothing equals None; use `is None`")
        left, right = self._alike(left, right, ast.unparse(left_node), ast.unparse(right_node))
        compared: nw.Expr = _COMPARISONS[type(op)](left.expr, right.expr)
        return compared

    def _member(self, left: _Term, node: ast.expr, negated: bool) -> nw.Expr:
        if not isinstance(node, ast.List | ast.Tuple | ast.Set) or not node.elts:
            raise self._refused("`in` wants a list of values")
        result: nw.Expr | None = None
        for item in node.elts:
            right = self.read(item)
            if right.constant is None:
                raise self._refused(f"{ast.unparse(item)!r} is not a value")
            one, other = self._alike(left, right, "the column", ast.unparse(item))
            # Said one by one: engines differ in what a missing value is a member of.
            equal = one.expr == other.expr
            result = equal if result is None else result | equal
        assert result is not None  # noqa: S101 - the list has an element
        return ~result if negated else result

    def _ifexp(self, node: ast.IfExp) -> _Term:
        cases: list[tuple[nw.Expr, Any]] = []
        kinds: set[str] = set()
        known: nw.Expr | None = None
        rest: ast.expr = node
        while isinstance(rest, ast.IfExp):
            test = self._condition(self.read(rest.test), rest.test)
            # What a missing condition would have chosen is missing, not what comes after it.
            cases += [(test.is_null(), None), (test, self._value(rest.body, kinds))]
            known = ~test.is_null()
            rest = rest.orelse
        assert known is not None  # noqa: S101 - there is one condition at least
        cases.append((known, self._value(rest, kinds)))
        if kinds == set(_NUMBERS):
            cases = [(c, None if value is None else float(value)) for c, value in cases]
            kinds = {"number"}
        if len(kinds) != 1:
            found = ", ".join(sorted(kinds)) or "none"
            raise self._refused(f"if and else need values of one type, and there are {found}")
        return _Term(by_case(cases), kinds.pop())

    def _value(self, node: ast.expr, kinds: set[str]) -> Any:
        term = self.read(node)
        if term.kind == "missing":
            return None
        if term.constant is None:
            raise self._refused(f"{ast.unparse(node)!r} after if or else is not a value")
        kinds.add(term.kind)
        return term.constant

    def _condition(self, term: _Term, node: ast.expr) -> nw.Expr:
        if term.kind != "boolean":
            raise self._refused(f"{ast.unparse(node)!r} is {term.kind}, and no condition")
        return term.expr

    def _alike(self, left: _Term, right: _Term, one: str, other: str) -> tuple[_Term, _Term]:
        """Give both sides as one type; a text that is compared with a time is read as one."""
        if left.kind in _TIMES and right.constant is not None:
            return left, self._moment(left, right, one)
        if right.kind in _TIMES and left.constant is not None:
            return self._moment(right, left, other), right
        numbers = left.kind in _NUMBERS and right.kind in _NUMBERS
        if left.kind != right.kind and not numbers:
            raise DataError(
                f"{one} is {left.kind}, and {other} is {right.kind}",
                where=self.where,
                got=self.text,
                hint="texts go in quotes, numbers do not",
            )
        return left, right

    def _moment(self, column: _Term, constant: _Term, name: str) -> _Term:
        dtype = self.schema.get(self.quoted.get(name, name))
        try:
            moment = datetime.datetime.fromisoformat(str(constant.constant))
        except ValueError:
            raise self._refused(
                f"{constant.constant!r} is not a date such as '2013-09-01'"
            ) from None
        if column.kind == "date":
            return _Term(nw.lit(moment.date()), "date")
        zone = getattr(dtype, "time_zone", None)
        if zone is None:
            moment = moment.replace(tzinfo=None)
        elif moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return _Term(nw.lit(moment), "datetime")

    def _refused(self, what: str) -> ConfigError:
        return ConfigError(
            what,
            where=self.where,
            got=self.text,
            allowed="columns, values, + - * /, comparisons, in, is None, and, or, not, if else, "
            + ", ".join(f"{name}()" for name in _FUNCTIONS),
        )
