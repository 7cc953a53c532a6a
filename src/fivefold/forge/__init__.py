"""Carries a diff to the forge that hosts the repository: GitHub or GitLab.

A proposal's own run has no right to write, and its code may be anybody's. So there are two halves:
`report` runs beside the proposal and leaves a folder; `publish` runs on the repository's side with
the right to write, takes the folder for hostile, and turns it into one comment and one verdict.
"""
