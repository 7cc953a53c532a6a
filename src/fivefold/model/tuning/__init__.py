"""The search of a candidate's arguments: its space, the study, what is told of it."""
