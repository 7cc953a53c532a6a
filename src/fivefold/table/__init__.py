"""One table API on any engine: scanning, the column roles, and the one Parquet writer."""

from fivefold.table.engine import ENGINES, checkpoint, from_arrow, require_columns, scan, to_arrow
from fivefold.table.parquet import Table, write_rows, write_table
from fivefold.table.rows import Rows
from fivefold.table.schema import ROLES, Column, TableSchema

__all__ = [
    "ENGINES",
    "ROLES",
    "Column",
    "Rows",
    "Table",
    "TableSchema",
    "checkpoint",
    "from_arrow",
    "require_columns",
    "scan",
    "to_arrow",
    "write_rows",
    "write_table",
]
