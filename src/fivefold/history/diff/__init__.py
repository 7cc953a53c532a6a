"""The diff of two revisions: what changed, whether it is better, whether it is noise."""
