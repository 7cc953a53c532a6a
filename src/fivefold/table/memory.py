"""How much of a table is held in memory before it goes to disk."""

__all__ = ["DUCKDB_MEMORY", "HELD_BYTES", "MEMORY_CELLS"]

# Of rows that are sorted: with a sorted copy and what the engine needs itself it stays far below
# 4 GB.
HELD_BYTES = 384 * 1024**2
# A table of fewer cells that several readers read is kept in memory: about a gigabyte of numbers.
MEMORY_CELLS = 100_000_000
DUCKDB_MEMORY = "1800MB"
