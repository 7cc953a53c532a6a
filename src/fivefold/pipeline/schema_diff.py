"""What the data does differently from ``conf/schema.yaml``, and from another revision's report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from fivefold.errors import DataError
from fivefold.pipeline.infer import cleaned_table
from fivefold.pipeline.run import input_paths
from fivefold.pipeline.stages import stage_named
from fivefold.pipeline.tree import resolved_tree
from fivefold.pipeline.typed import typed

if TYPE_CHECKING:
    from fivefold.data.schema_diff import Difference

__all__ = ["REPORT", "schema_differences"]

REPORT = "reports/validate.json"
"""Where a revision says what its columns held."""


def schema_differences(
    root: Path, then: str | None = None
) -> tuple[str, list[Difference], list[Difference]]:
    """Compare the cleaned table as it is.

    Parameters
    ----------
    root : Path
        The project's folder.
    then : str, optional
        The text of another revision's report of validate.

    Returns
    -------
    source : str
        What was looked at: the file that the last ``dvc repro`` of clean left, or the sources
        themselves where there is none.
    declared : list of Difference
        From the schema.
    before : list of Difference
        From the report.

    Raises
    ------
    DataError
        The report does not say what the columns held.
    """
    from fivefold.data.keys import count_rows
    from fivefold.data.schema_diff import against_report, against_schema, observed_now
    from fivefold.table import scan

    report = _parsed(then) if then is not None else None
    tree = resolved_tree(root)
    stage = stage_named("validate")
    assert stage is not None  # noqa: S101 - a name of ours
    section = tree["validate"]
    path = input_paths(stage, section)["table"]
    values = {key: value for key, value in section.items() if key != "inputs"}
    config = typed(stage.config_class, values, "validate")
    if (root / path).is_file():
        source, table = path, scan(root / path, config.engine)
    else:
        source, table = "the sources, cleaned", cleaned_table(root, tree)
    now = observed_now(table, config.columns)
    declared = against_schema(table, now, config)
    before = [] if report is None else against_report(now, count_rows(table), report)
    return source, declared, before


def _parsed(text: str) -> dict[str, object]:
    try:
        report = json.loads(text)
    except ValueError:
        report = None
    if not isinstance(report, dict) or "observed" not in report:
        raise DataError(
            "the revision's report does not say what its columns held",
            where=REPORT,
            hint="it was written by an older version; run dvc repro validate there",
        )
    return report
