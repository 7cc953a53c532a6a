"""What every chart builder does alike: read its input, thin it, and finish the picture."""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from fivefold.report.page import Chart, Width
from fivefold.report.spec import plain

__all__ = [
    "Format",
    "Scale",
    "altair",
    "axis_format",
    "chart",
    "column",
    "distinct",
    "even",
    "finished",
    "floats",
    "rows",
    "said",
    "scale_of",
    "sentences",
    "thinned",
    "tip",
    "told",
]

Format = Literal["number", "integer", "percent"]
Scale = Literal["quantitative", "temporal", "ordinal"]

# More points than this are closer together than a screen's pixels.
MOST_POINTS = 300


def altair() -> Any:
    """Import Altair, late: 0.3 s that only a page with charts should take."""
    import altair

    return altair


def column(values: Iterable[object]) -> list[Any]:
    """Turn a list, an array or a column of any frame into a list of Python scalars."""
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(values, method):
            return list(getattr(values, method)())
    return [value.as_py() if hasattr(value, "as_py") else value for value in values]


def floats(values: Iterable[object]) -> list[float]:
    """As `column`, each a float; what is missing is NaN."""
    return [math.nan if value is None else float(value) for value in column(values)]


def scale_of(values: Sequence[object]) -> Scale:
    """Tell whether values are numbers, dates or names."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, datetime.date) for value in known):
        return "temporal"
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return "quantitative"
    return "ordinal"


def position(value: Any) -> Any:
    """Give a value as a chart's axis needs it: a date as milliseconds since 1970, in UTC.

    A text would be read in the reader's time zone, and could move by a day.
    """
    if isinstance(value, datetime.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
        return round(aware.timestamp() * 1000)
    if isinstance(value, datetime.date):
        return round((value - datetime.date(1970, 1, 1)).total_seconds() * 1000)
    return plain(value)


def rows(**columns: Iterable[object]) -> list[dict[str, Any]]:
    """Put columns of equal length together as records.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    names = list(columns)
    lists = [column(values) for values in columns.values()]
    if len({len(values) for values in lists}) > 1:
        sizes = ", ".join(f"{name}: {len(v)}" for name, v in zip(names, lists, strict=True))
        raise ValueError(f"columns of different lengths ({sizes})")
    return [
        {name: position(value) for name, value in zip(names, record, strict=True)}
        for record in zip(*lists, strict=True)
    ]


def thinned(x: Sequence[float], y: Sequence[float], most: int = MOST_POINTS) -> list[int]:
    """Choose the indices of at most so many points, evenly spaced along the drawn curve.

    Parameters
    ----------
    x, y : sequence of float, shape (n_points,)
        The curve, in drawing order.
    most : int
        How many to keep, at least 2; the first and the last are always among them.
    """
    if len(x) <= most:
        return list(range(len(x)))
    wide, high = (max(axis) - min(axis) or 1.0 for axis in (x, y))
    steps = (
        math.hypot((x[i + 1] - x[i]) / wide, (y[i + 1] - y[i]) / high) for i in range(len(x) - 1)
    )
    along = [0.0, *itertools.accumulate(steps)]
    # The curve is cut into as many equal lengths as there are gaps; each begins with one point.
    gaps = most - 1
    kept, last = [0], 0
    for index in range(1, len(along) - 1):
        gap = min(int(gaps * along[index] / along[-1]), gaps - 1) if along[-1] else 0
        if gap > last:
            kept.append(index)
            last = gap
    return [*kept, len(x) - 1]


def even(count: int, most: int) -> list[int]:
    """Choose at most so many of ``count`` indices, evenly spaced: a sample without chance."""
    if count <= most:
        return list(range(count))
    return [index * count // most for index in range(most)]


def axis_format(kind: Format, largest: float) -> str:
    """Write d3's format for an axis."""
    if kind == "percent":
        return ".0%" if largest > 0.05 else ".1%"
    if kind == "integer" or abs(largest) >= 10_000:
        return "~s" if abs(largest) >= 10_000 else ",d"
    return ",.4~g"


def value_format(kind: Format) -> str:
    """Write d3's format for a single value."""
    return {"percent": ".1%", "integer": ",d", "number": ",.4~g"}[kind]


def tip(alt: Any, name: str, title: str, kind: Format | None = None) -> Any:
    """Describe one line of a tooltip; ``kind`` None leaves the value as it is."""
    # It becomes a string of a Vega expression, where some line breaks would end it.
    shown = " ".join(title.split())
    # vega-tooltip makes a heading of "title" and a picture of "image".
    shown = f"{shown}:" if shown in ("title", "image") else shown
    if kind is None:
        return alt.Tooltip(name, type="nominal", title=shown)
    return alt.Tooltip(name, type="quantitative", title=shown, format=value_format(kind))


def told(name: str, title: str, kind: Format | None = None) -> dict[str, Any]:
    """As `tip`, in Vega-Lite's own words."""
    # It becomes a string of a Vega expression, where some line breaks would end it.
    shown = " ".join(title.split())
    # vega-tooltip makes a heading of "title" and a picture of "image".
    shown = f"{shown}:" if shown in ("title", "image") else shown
    if kind is None:
        return {"field": name, "type": "nominal", "title": shown}
    return {"field": name, "type": "quantitative", "title": shown, "format": value_format(kind)}


def said(text: str) -> str | None:
    """Give an axis' title on one line, or none: it becomes a string of a Vega expression."""
    return " ".join(text.split()) or None


def distinct(names: Sequence[str]) -> list[str]:
    """Tell names apart that were cut to the same: a scale has each once."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        plain = " ".join(name.split())
        seen[plain] = seen.get(plain, 0) + 1
        found.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return found


def chart(alt: Any, name: str = "rows") -> Any:
    """Begin a chart of the data set that `finished` will be given under this name."""
    return alt.Chart(alt.NamedData(name=name))


def sentences(*parts: str) -> str:
    """Put texts together, each but the last ended by a full stop."""
    said = [part.strip() for part in parts if part.strip()]
    ended = [part if part.endswith((".", "!", "?", ":")) else f"{part}." for part in said[:-1]]
    return " ".join([*ended, *said[-1:]])


def finished(
    picture: Any,
    *,
    title: str,
    caption: str,
    alt_text: str,
    width: Width,
    height: int,
    numbers: dict[str, str] | None = None,
    **datasets: list[dict[str, Any]],
) -> Chart:
    """Give a picture its size and its data, and make the page's `Chart` of it.

    It is an Altair chart, or Vega-Lite's mapping where a page has so many of them that Altair's
    import and checks would be felt.

    The data joins the specification here, since Altair would check every value of it against the
    schema of Vega-Lite: 0.1 s and more for a curve. The set called ``rows`` is the one that
    ``numbers`` names.
    """
    size = {"width": "container", "height": height}
    spec = (
        {**picture, **size}
        if isinstance(picture, Mapping)
        else picture.properties(**size).to_dict()
    )
    return Chart(
        {**spec, "datasets": datasets},
        title=title,
        caption=caption,
        alt=alt_text,
        width=width,
        numbers=numbers or {},
    )
