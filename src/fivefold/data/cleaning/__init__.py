"""Cleaning steps: functions that ``clean.steps`` names by ``_target_``.

A step takes a table and gives a table. One that learns a statistic from other rows learns it from
the training rows only (see :mod:`fivefold.data.fitting`); the others decide on each row alone, or
choose whole columns or repeated rows.
"""

from fivefold.data.cleaning.categories import merge_rare
from fivefold.data.cleaning.derived import at_least, date_parts
from fivefold.data.cleaning.dropping import (
    drop_columns,
    drop_constant,
    drop_found,
    drop_sparse_columns,
)
from fivefold.data.cleaning.duplicates import drop_duplicates
from fivefold.data.cleaning.imputing import fill_forward, impute
from fivefold.data.cleaning.missing import (
    drop_missing,
    fill_missing,
    flag_missing,
    replace_infinite,
)
from fivefold.data.cleaning.outliers import clip_outliers, drop_outliers, flag_outliers
from fivefold.data.cleaning.parsing import parse_dates, parse_numbers
from fivefold.data.cleaning.text import normalise_text, respell, strip
from fivefold.data.cleaning.types import cast, convert_units

__all__ = [
    "at_least",
    "cast",
    "clip_outliers",
    "convert_units",
    "date_parts",
    "drop_columns",
    "drop_constant",
    "drop_duplicates",
    "drop_found",
    "drop_missing",
    "drop_outliers",
    "drop_sparse_columns",
    "fill_forward",
    "fill_missing",
    "flag_missing",
    "flag_outliers",
    "impute",
    "merge_rare",
    "normalise_text",
    "parse_dates",
    "parse_numbers",
    "replace_infinite",
    "respell",
    "strip",
]
