"""The static site of a repository: leaderboards, a page per run, comparison, history.

`gather` reads the history, `write` makes the folder; nothing else needs to be known outside.
"""
