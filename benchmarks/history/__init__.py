"""How fast the history is read, beside DVC's own commands."""
