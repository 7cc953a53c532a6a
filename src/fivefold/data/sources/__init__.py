"""Readers of sources: plain functions that ``collect.sources.<name>.read`` names by ``_target_``.

A reader takes keyword arguments and gives a table of any kind that Narwhals knows. The ones here
give a :class:`Reading`, which also says what bytes the table came from. All read with Arrow, so
that a column has the same type whatever engine runs the later stages.
"""

from fivefold.data.sources.bundled import sklearn_dataset
from fivefold.data.sources.content import Reading
from fivefold.data.sources.formats import read_file
from fivefold.data.sources.local import local_file
from fivefold.data.sources.options import FormatOptions
from fivefold.data.sources.packaged import package_resource

__all__ = [
    "FormatOptions",
    "Reading",
    "local_file",
    "package_resource",
    "read_file",
    "sklearn_dataset",
]
