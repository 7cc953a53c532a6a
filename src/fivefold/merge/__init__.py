"""Merging without pain: what Git is told to do with files that runs write.

`lock` merges `dvc.lock` stage by stage and `values` merges params and profiles key by key, both
pure; `driver` is what Git calls with three files; `after` mends what no driver saw; `setup` tells
Git of them all.
"""
