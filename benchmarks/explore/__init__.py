"""Exploring a table, side by side with ydata-profiling."""
