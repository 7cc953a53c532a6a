"""Every error that Fivefold raises for a user's mistake, and how it is worded.

::

    FivefoldError
    ├── ConfigError          a value in conf/, overrides.yaml or params.yaml
    │   └── PlanError        a plan that contradicts itself
    ├── PipelineError        dvc.yaml, its stages and the declarations disagree
    ├── IntegrityError       a file is not the one that dvc.lock vouches for
    ├── DataError            a source, table or column is not as declared
    │   ├── SourceError      a source can't be read
    │   ├── JoinError        a join's keys or cardinality are not as declared
    │   ├── SchemaError      the table violates the schema
    │   └── SplitError       the parts overlap, or one is empty
    ├── ModelError           an estimator can't be built, fitted or scored
    │   └── ExportError      the ONNX model can't be made, or differs from the pipeline
    ├── OutputError          an output can't be written
    ├── MergeError           a file can't be merged, or Git can't be told how
    ├── HistoryError         Git's history holds nothing to compare
    └── ForgeError           GitHub or GitLab can't be told what the pull request needs
        ├── ArtifactError    a report's artifact is not what it must be
        └── RefusedError     the forge refused a request

One message says what is wrong, where, what was got, what is allowed, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "ArtifactError",
    "ConfigError",
    "DataError",
    "ExportError",
    "FivefoldError",
    "ForgeError",
    "HistoryError",
    "IntegrityError",
    "JoinError",
    "MergeError",
    "ModelError",
    "OutputError",
    "PipelineError",
    "PlanError",
    "RefusedError",
    "SchemaError",
    "SourceError",
    "SplitError",
    "nearest",
]


class FivefoldError(Exception):
    """A mistake that the user can mend; the command line prints it without a traceback.

    Parameters
    ----------
    what : str
        One sentence: what is wrong.
    where : str, optional
        The file, key, column or stage.
    got : object, optional
        The value that was found; shown by ``repr`` unless it is a string.
    allowed : str or iterable of str, optional
        What would have been accepted.
    hint : str, optional
        What to do next, a command if there is one.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        got: object = None,
        allowed: str | Iterable[str] | None = None,
        hint: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.got = got
        self.allowed = (
            allowed if allowed is None or isinstance(allowed, str) else ", ".join(allowed)
        )
        self.hint = hint
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [self.what]
        got = self.got if isinstance(self.got, str) or self.got is None else repr(self.got)
        for label, text in (
            ("where", self.where),
            ("got", got),
            ("allowed", self.allowed),
            ("next", self.hint),
        ):
            if text is not None:
                head, *rest = str(text).splitlines() or [""]
                lines.append(f"  {label + ':':<9}{head}")
                lines.extend(f"{'':<11}{line}" for line in rest)
        return "\n".join(lines)


class ConfigError(FivefoldError):
    """A value in ``conf/``, ``overrides.yaml`` or ``params.yaml`` is wrong."""


class PlanError(ConfigError):
    """The plan contradicts itself: metric against task, thresholds out of order or range."""


class PipelineError(FivefoldError):
    """``dvc.yaml``, the stages in it and their declarations disagree."""


class IntegrityError(FivefoldError):
    """A file is not the one that ``dvc.lock`` vouches for."""


class DataError(FivefoldError):
    """A source, a table or a column is not as declared."""


class SourceError(DataError):
    """A source can't be read."""


class JoinError(DataError):
    """A join's keys or cardinality are not as declared."""


class SchemaError(DataError):
    """The table violates the schema."""


class SplitError(DataError):
    """The parts of a split overlap, or one of them is empty."""


class ModelError(FivefoldError):
    """An estimator can't be built, fitted or scored."""


class ExportError(ModelError):
    """The ONNX model can't be made, or it differs from the fitted pipeline."""


class OutputError(FivefoldError):
    """An output can't be written."""


class MergeError(FivefoldError):
    """A file can't be merged, or Git can't be told how to merge it."""


class HistoryError(FivefoldError):
    """Git's history holds nothing to compare."""


class ForgeError(FivefoldError):
    """GitHub or GitLab can't be reached, isn't named, or is asked for what must not be sent."""


class ArtifactError(ForgeError):
    """A report's artifact is not what it must be; it comes from code that nobody has reviewed."""


class RefusedError(ForgeError):
    """The forge refused a request, and asking again would not help.

    Attributes
    ----------
    status : int
        HTTP's.
    """

    status: int = 0


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Word the nearest known name as a question, or give None where nothing is near.

    Examples
    --------
    >>> nearest("forrest", ["forest", "tree"])
    "did you mean 'forest'?"
    """
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else None
