"""How much of a table is held in memory before it goes to disk."""

__all__ = ["DUCKDB_MEMORY", "HELD_BYTES"]

# As polars estimates it, which is a fifth of what the rows take where strings share buffers: with a
# sorted copy and what the engine needs itself it stays well under 4 GB.
HELD_BYTES = 256 * 1024**2
DUCKDB_MEMORY = "1800MB"
