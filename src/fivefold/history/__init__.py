"""All that reads Git: runs, the leaderboard, the diff.

Works on any DVC repository, from Git's objects alone: DVC is never run. Start with
`Repository` (opens, resolves revisions) and `Reader` (what a revision declares and holds);
`leaderboard` and `diff` are built on those two, and `render` shows what they find.
"""
