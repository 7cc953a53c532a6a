"""The result while it is put together, join after join."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.data.integration.join import Join
from fivefold.data.integration.joining import Linked, link, matches, multiplied
from fivefold.data.integration.lineage import Lineage
from fivefold.data.integration.mapping import Source, mapped
from fivefold.data.integration.precedence import Held, decided, held_name, require_known
from fivefold.data.integration.union import stacked
from fivefold.errors import DataError, JoinError, nearest
from fivefold.table import require_columns

if TYPE_CHECKING:
    from fivefold.data.integrate import IntegrateConfig

__all__ = ["Assembly", "sources_of"]


def sources_of(
    tables: Mapping[str, nw.LazyFrame[Any]], config: IntegrateConfig
) -> tuple[dict[str, Source], dict[str, Any]]:
    """Map the collected tables and stack the unions, and say what was done.

    Raises
    ------
    DataError
        A table is unknown; see also :func:`mapped` and :func:`stacked`.
    """
    for name in config.tables:
        _require_table(name, tables, f"integrate.tables.{name}")
    sources: dict[str, Source] = {}
    done: dict[str, Any] = {}
    for name, frame in tables.items():
        sources[name], did = mapped(name, frame, config.tables.get(name))
        if did:
            done[name] = did
    unions: dict[str, Any] = {}
    collected = dict(sources)
    for name, union in config.unions.items():
        if name in tables:
            raise DataError(
                "a union has the name of a collected table",
                where=f"integrate.unions.{name}",
                got=name,
            )
        for table in union.tables:
            _require_table(table, tables, f"integrate.unions.{name}.tables")
        sources[name], unions[name] = stacked(name, [collected[t] for t in union.tables], union)
    return sources, {"tables": done, "unions": unions}


class Assembly:
    """The rows so far.

    Parameters
    ----------
    sources : mapping of str to Source
        The tables by name.
    config : IntegrateConfig
        Names the base, the key and the precedence.

    Attributes
    ----------
    report : list of dict
        An entry per join that was counted.
    rows_before, rows : int
        The rows of the base and of the result, once they were counted.
    """

    def __init__(self, sources: Mapping[str, Source], config: IntegrateConfig) -> None:
        self.config = config
        self.sources = sources
        _require_table(config.base, sources, "integrate.base")
        base = sources[config.base]
        joined = [join.table for join in config.joins]
        require_known(config.precedence, [config.base, *joined])
        self.frame = base.frame
        self.lineage: Lineage = dict(base.lineage)
        self.held: list[Held] = []
        self.pending: list[Linked] = []
        self.report: list[dict[str, Any]] = []
        self.rows_before = self.rows = -1
        self._hold(base)
        # Without a join that adds to the key, all of it must be there from the start.
        if not any(join.expect == "one_to_many" for join in config.joins):
            self._require_key(base)

    def add(self, number: int, join: Join) -> None:
        """Join one more table."""
        where = f"integrate.joins.{number} ({join.table})"
        _require_table(join.table, self.sources, f"{where}.table")
        grows = join.expect == "one_to_many"
        if grows:
            self._count()
        right = self.sources[join.table]
        linked = link(self.frame, right, join, self.config.precedence, number, where)
        self.lineage |= linked.lineage
        self.held.extend(linked.held)
        if not grows:
            self.frame = linked.frame
            self.pending.append(linked)
            return
        if not set(self.config.key) & set(linked.lineage):
            raise JoinError(
                "the join gives more rows, and the key does not tell them apart",
                where=where,
                got=f"integrate.key: {', '.join(self.config.key)}",
                allowed="a key with one of the columns taken: " + ", ".join(linked.lineage),
                hint="add it to key: in conf/config.yaml",
            )
        self.frame, figures = multiplied(self.frame, linked)
        self.rows = figures["rows_after"]
        self.report.append(figures)

    def finished(self) -> tuple[nw.LazyFrame[Any], Lineage, list[dict[str, Any]]]:
        """Count what was not counted yet, and decide between sources.

        Returns
        -------
        narwhals.LazyFrame
            The rows.
        dict
            The lineage of each column, in the result's order.
        list of dict
            What was decided.
        """
        self._count()
        frame, lineage, precedence = decided(
            self.frame, self.lineage, self.held, self.config.precedence, self.config.key
        )
        require_columns(frame, self.config.key, "integrate.key", "the result")
        return frame, lineage, precedence

    def _hold(self, base: Source) -> None:
        columns = self.frame.collect_schema().names()
        for column, order in self.config.precedence.items():
            if column in columns:
                if base.name not in order:
                    raise JoinError(
                        f"the precedence of {column!r} leaves out the base, which gives it, too",
                        where=f"integrate.precedence.{column}",
                        got=list(order),
                        hint=f"add {base.name}",
                    )
                self.held.append(Held(column, base.name, held_name(column, base.name)))
        names = {item.column: item.name for item in self.held}
        if names:
            self.frame = self.frame.rename(names)
            self.lineage = {names.get(c, c): origin for c, origin in self.lineage.items()}

    def _require_key(self, base: Source) -> None:
        require_columns(
            base.frame, self.config.key, "integrate.key", f"the table {self.config.base!r}"
        )

    def _count(self) -> None:
        """Run the joins that were built, and drop the rows that inner ones leave without match."""
        rows, report = matches(self.frame, self.pending)
        if self.rows_before < 0:
            self.rows_before = rows
        self.rows = report[-1]["rows_after"] if report else rows
        self.report.extend(report)
        for linked in self.pending:
            if linked.inner:
                self.frame = self.frame.filter(~nw.col(linked.marker).is_null())
        self.frame = self.frame.drop(*(linked.marker for linked in self.pending))
        self.pending = []


def _require_table(name: str, tables: Mapping[str, Any], where: str) -> None:
    if name not in tables:
        raise DataError(
            f"no table {name!r} was collected",
            where=where,
            got=name,
            allowed=sorted(tables),
            hint=nearest(name, tables) or "declare it under collect.sources",
        )
