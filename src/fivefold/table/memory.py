"""How much of a table is held in memory before it goes to disk."""

__all__ = ["CHECKPOINT_BYTES", "DUCKDB_MEMORY", "HELD_BYTES", "POLARS_MEMORY_MB"]

# As polars estimates it, which is a fifth of what the rows take where strings share buffers: with a
# sorted copy and what the engine needs itself it stays well under 4 GB.
HELD_BYTES = 384 * 1024**2
# Of a result that several readers read: a file costs more than the memory.
CHECKPOINT_BYTES = 768 * 1024**2
DUCKDB_MEMORY = "1800MB"
POLARS_MEMORY_MB = "1500"
