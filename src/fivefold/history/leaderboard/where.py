"""Conditions on runs, such as ``train.model == "forest" and roc_auc > 0.7``."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from fivefold.errors import HistoryError

__all__ = ["Condition", "parse_since"]

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}


class _Absent:
    """What a run doesn't have: false by itself, and equal to nothing but ``null``."""

    def __bool__(self) -> bool:
        return False


_ABSENT = _Absent()
_NAMES = {"true": True, "false": False, "null": None}
# Texts come first, so that a backtick inside one is a letter.
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`([^`]+)`""")
_ALLOWED = "names, numbers, texts and lists, compared by == != < <= > >= in, joined by and or not"


class Condition:
    """A condition, read once and held against many runs.

    Parameters
    ----------
    text : str
        In Python's notation; dotted names are params, metrics, or a run's own fields. A name that
        Python wouldn't read stands in backticks: ```train.learning-rate` > 0.1``.
    source : str, default="--where"
        Where the text stands, for the error.

    Raises
    ------
    HistoryError
        Where the text isn't a condition.
    """

    def __init__(self, text: str, source: str = "--where") -> None:
        self.text = text
        self._quoted: dict[str, str] = {}
        try:
            self._tree = ast.parse(_QUOTED.sub(self._unquote, text.strip()), mode="eval").body
            self.names = tuple(dict.fromkeys(self._check(self._tree)))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise HistoryError(
                "the condition can't be read",
                where=source,
                got=text,
                allowed=_ALLOWED,
                hint="""an example: --where 'train.model == "forest" and roc_auc > 0.7'""",
            ) from error

    def holds(self, value: Callable[[str], Any]) -> bool:
        """Tell whether the condition is true of a run.

        Parameters
        ----------
        value : callable
            Gives the value behind a dotted name; raises KeyError where the run has none. A
            comparison with what a run doesn't have is false, but for ``NAME == null``.
        """
        return bool(self._value(self._tree, value))

    def _unquote(self, match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        placeholder = f"_quoted_{len(self._quoted)}"
        self._quoted[placeholder] = match[1].strip()
        return placeholder

    def _name(self, node: ast.expr) -> str | None:
        """Give the dotted name that a node is, or None where it is none."""
        if isinstance(node, ast.Name) and node.id not in _NAMES:
            return self._quoted.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            inner = self._name(node.value)
            return None if inner is None else f"{inner}.{node.attr}"
        return None

    def _check(self, node: ast.expr) -> list[str]:
        """List the names in a condition, refusing what is none."""
        name = self._name(node)
        if name is not None:
            return [name]
        match node:
            case ast.Constant() | ast.Name():
                return []
            case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
                return self._check(operand)
            case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
                return [found for part in parts for found in self._check(part)]
            case ast.Compare(left=left, ops=ops, comparators=rights):
                if all(type(op) in _COMPARE for op in ops):
                    return [found for part in (left, *rights) for found in self._check(part)]
        raise ValueError(ast.unparse(node))

    def _value(self, node: ast.expr, value: Callable[[str], Any]) -> Any:
        name = self._name(node)
        if name is not None:
            try:
                return value(name)
            except KeyError:
                return _ABSENT
        match node:
            case ast.Constant(value=constant):
                return constant
            case ast.Name(id=word):
                return _NAMES[word]
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._value(operand, value)
            case ast.UnaryOp(operand=operand):
                number = self._value(operand, value)
                return -number if isinstance(number, (int, float)) else _ABSENT
            case ast.BoolOp(op=ast.And(), values=parts):
                return all(self._value(part, value) for part in parts)
            case ast.BoolOp(values=parts):
                return any(self._value(part, value) for part in parts)
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return [self._value(part, value) for part in parts]
            case ast.Compare(left=left, ops=ops, comparators=rights):
                values = [self._value(part, value) for part in (left, *rights)]
                return all(
                    _compare(op, a, b) for op, a, b in zip(ops, values, values[1:], strict=False)
                )
        raise AssertionError(node)  # pragma: no cover  the constructor let nothing else in


def _compare(op: ast.cmpop, left: Any, right: Any) -> bool:
    if left is _ABSENT or right is _ABSENT:
        return isinstance(op, ast.Eq) and (left is None or right is None)
    try:
        return bool(_COMPARE[type(op)](left, right))
    except TypeError:
        # A text and a number: neither less nor more.
        return False


def parse_since(text: str) -> datetime:
    """Read a point in time: an ISO date, or how many days, weeks or hours ago (``30d``, ``2w``).

    Raises
    ------
    HistoryError
        Where it is neither.
    """
    ago = re.fullmatch(r"(\d{1,6})\s*([hdw])", text.strip())
    try:
        if ago:
            unit = {"h": "hours", "d": "days", "w": "weeks"}[ago[2]]
            return datetime.now(UTC) - timedelta(**{unit: int(ago[1])})
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as error:
        raise HistoryError(
            "this is no point in time",
            where="--since",
            got=text,
            allowed="an ISO date or time (2026-01-31), or a time ago: 12h, 30d, 2w",
        ) from error
    # A date without a zone is the user's own.
    return moment if moment.tzinfo else moment.astimezone()
