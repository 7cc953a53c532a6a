"""Vega-Lite specifications as plain, finite and reproducible JSON values."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

__all__ = ["plain", "plain_spec", "to_json"]

# What Altair's default theme adds; the page's own theme takes its place.
_ALTAIR_CONFIG = {"view": {"continuousWidth": 300, "continuousHeight": 300}}
_DATA = frozenset({"data", "datasets"})


def plain(value: object) -> Any:
    """Turn a value into JSON's own types: no NaN, no NumPy scalar, no date, no unordered set.

    Fractions keep seven significant digits: no screen shows more, the page is smaller, and the
    last bits, in which processors differ, stay out of its hash.

    Raises
    ------
    TypeError
        If a value has no place in JSON.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        short = value if value.is_integer() else float(f"{value:.7g}")
        return int(short) if short.is_integer() and abs(short) < 1e15 else short
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    for method in ("as_py", "item", "to_pylist", "to_list", "tolist"):
        if hasattr(value, method):
            try:
                return plain(getattr(value, method)())
            except ValueError:
                # numpy.ndarray.item refuses an array; its tolist is next.
                continue
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def plain_spec(chart: Any) -> dict[str, Any]:
    """Give the Vega-Lite specification of an Altair chart or a mapping.

    Altair names data, views and parameters by hashes of what they hold: equal charts are equal.

    Raises
    ------
    TypeError
        If it is neither, or its data is not inside it.
    """
    given = chart.to_dict() if hasattr(chart, "to_dict") else chart
    if not isinstance(given, Mapping):
        raise TypeError(f"neither an Altair chart nor a Vega-Lite mapping: {type(chart).__name__}")
    spec: dict[str, Any] = plain(given)
    spec.pop("$schema", None)
    if spec.get("config") == _ALTAIR_CONFIG:
        del spec["config"]
    _refuse_urls(spec)
    return spec


def _refuse_urls(node: Any) -> None:
    """Raise where data would be fetched: a page has no network."""
    if isinstance(node, dict):
        data = node.get("data")
        if isinstance(data, dict) and "url" in data:
            raise TypeError(f"the chart's data is not inside it: {data['url']}")
        for key, item in node.items():
            if key not in _DATA:
                _refuse_urls(item)
    elif isinstance(node, list):
        for item in node:
            _refuse_urls(item)


def to_json(value: object) -> str:
    """Write JSON that may stand inside a ``<script>`` element: it holds no ``<``, ``>`` or ``&``.

    Keys are sorted, so that equal values give equal text.
    """
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
