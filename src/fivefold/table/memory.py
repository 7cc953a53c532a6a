"""How much of a table is held in memory before it goes to disk."""

__all__ = ["DUCKDB_MEMORY", "HELD_BYTES"]

# With a sorted copy, Arrow's buffers and the engine's own it stays well under 4 GB.
HELD_BYTES = 512 * 1024**2
DUCKDB_MEMORY = "1800MB"
