"""Versions of the model as annotated tags, in the grammar that GTO and DVC read."""
