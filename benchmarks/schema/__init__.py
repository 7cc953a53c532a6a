"""Thirty-five checks of a table, side by side."""
