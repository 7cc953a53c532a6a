"""The machine-learning life cycle as a Git repository."""

__version__ = "0.1.0"
