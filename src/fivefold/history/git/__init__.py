"""Git's objects: the repository, and the files of a revision."""
