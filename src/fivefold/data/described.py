"""What the report says of the parts, and the proof that no key is in two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from fivefold.data import parts
from fivefold.data.keys import count_rows
from fivefold.data.rowhash import fingerprint
from fivefold.data.splitting import PART, Drawn
from fivefold.data.values import plain, rounded, rows_of
from fivefold.errors import SplitError
from fivefold.objective import Objective
from fivefold.table import TableSchema, to_arrow

if TYPE_CHECKING:
    from fivefold.data.split import SplitConfig

__all__ = ["Described"]


class Described:
    """What is said of the parts, and the proof that no key is in two of them.

    Parameters
    ----------
    found : Drawn
        Every row's part.
    schema : TableSchema
        Names the time column.
    objective : Objective
        The target and the task.
    config : SplitConfig
        The method.
    """

    def __init__(
        self, found: Drawn, schema: TableSchema, objective: Objective, config: SplitConfig
    ) -> None:
        self.found = found
        self.schema = schema
        self.objective = objective
        self.config = config

    def report(self) -> dict[str, Any]:
        """Describe each part.

        Raises
        ------
        SplitError
            A key stands in more than one row.
        """
        self._require_apart()
        codes, config = self.found.codes, self.config
        classes, spans = self._classes(), self._spans()
        known = {}
        for number, part in enumerate(parts.PARTS):
            chosen = codes == number
            known[part] = {
                "rows": int(chosen.sum()),
                "share": round(float(chosen.mean()), 6) if len(chosen) else None,
                "keys": fingerprint(self.found.hashes[chosen]),
                **self._target(classes, spans.get(number, {}), number),
                **self._span(spans.get(number, {})),
            }
        nested = {} if config.folds is None else {"fold": config.fold, "folds": config.folds}
        gap = {} if config.gap is None else {"gap": config.gap}
        return {
            "method": config.method,
            **nested,
            **gap,
            "sealed": config.sealed,
            "rows": len(codes),
            "unused_rows": int((codes == parts.UNUSED).sum()),
            "parts": known,
        }

    @property
    def _time(self) -> str | None:
        if self.config.time is not None:
            return self.config.time
        have = self.found.frame.collect_schema()
        times = [name for name in self.schema.with_role("time") if name in have]
        return times[0] if times else None

    def _classes(self) -> list[dict[str, Any]]:
        """Count the rows of each class in each part."""
        target = self.objective.target
        if not self.objective.is_classification:
            return []
        counts = self.found.frame.group_by(PART, target).agg(nw.len().alias("__rows"))
        known = counts.filter(~nw.col(target).is_null())
        return rows_of(to_arrow(known.sort(PART, target)))

    def _spans(self) -> dict[int, dict[str, Any]]:
        """Give the ends of the times, and the sum of a quantity, in each part."""
        wanted = [nw.len().alias("__rows")]
        if self._time is not None:
            time = nw.col(self._time)
            wanted += [time.min().alias("__first"), time.max().alias("__last")]
        if not self.objective.is_classification:
            wanted.append(nw.col(self.objective.target).mean().alias("__mean"))
        spans = self.found.frame.group_by(PART).agg(*wanted).sort(PART)
        return {int(row[PART]): row for row in rows_of(to_arrow(spans))}

    def _target(
        self, classes: list[dict[str, Any]], span: dict[str, Any], number: int
    ) -> dict[str, Any]:
        if not self.objective.is_classification:
            return {"target_mean": rounded(span.get("__mean"), 9)}
        target = self.objective.target
        here = {
            str(plain(row[target])): int(row["__rows"])
            for row in classes
            if int(row[PART]) == number
        }
        summary: dict[str, Any] = {"classes": here}
        if self.objective.task == "binary" and len(here) == 2:
            summary["target_rate"] = round(list(here.values())[1] / sum(here.values()), 6)
        return summary

    def _span(self, span: dict[str, Any]) -> dict[str, Any]:
        if self._time is None or not span:
            return {}
        first, last = plain(span["__first"]), plain(span["__last"])
        return {"time": {"column": self._time, "first": first, "last": last}}

    def _require_apart(self) -> None:
        hashes, key = self.found.hashes, list(self.config.key)
        ordered = np.sort(hashes)
        if not (ordered[1:] == ordered[:-1]).any():
            return
        counts = self.found.frame.group_by(*key).agg(nw.len().alias("__rows"))
        twice = counts.filter(nw.col("__rows") > 1)
        total = count_rows(twice)
        if total:
            row = rows_of(to_arrow(twice.sort(*key).head(1)))[0]
            raise SplitError(
                f"{total:,} keys stand in more than one row, so the parts could overlap",
                where="split.key",
                got=", ".join(f"{name}={plain(row[name])}" for name in key),
                hint="add fivefold.data.cleaning.drop_duplicates to clean.steps",
            )
