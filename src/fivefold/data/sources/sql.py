"""A table or a query of a database: streamed into a file of this machine's cache, then read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from fivefold.data.sources.credentials import Secrets, public_url
from fivefold.data.sources.databases import Connection, database_of
from fivefold.data.sources.download import Download
from fivefold.data.sources.options import FormatOptions
from fivefold.data.sources.pinned import Declared, RemoteSource
from fivefold.data.sources.pins import Snapshot
from fivefold.data.sources.queried import spooled
from fivefold.data.sources.retries import PassingError, Patience
from fivefold.errors import ConfigError, FivefoldError, SourceError, nearest
from fivefold.table.progress import Say

__all__ = ["SqlQuery", "sql_query"]

# SQLSTATE: connection, resources, shutdown, serialisation; the rest another attempt does not mend.
_PASSING_STATES = ("08", "53", "57P", "40")
_PASSING = re.compile(
    r"refused|timed? ?out|starting up|shutting down|closed the connection|reset by peer"
    r"|too many (?:clients|connections)|is locked|set lock|could not translate|temporar"
    # Broken while its rows were read.
    r"|terminating connection|no connection to the server|could not receive data|SSL SYSCALL",
    re.IGNORECASE,
)
_NO_TABLE = re.compile(r"(?:no such table: |relation \"|Table with name |Table ')([\w.$]+)")


_END = re.compile(r"\s*;[\s;]*(?:--[^\n]*\s*)*\Z")


def _statement(query: str) -> str:
    """Give a query without its end, and a line's end that no comment of its last line swallows."""
    return _END.sub("", query.strip()) + "\n"


@dataclass(frozen=True)
class SqlQuery:
    """Rows of a database; a :class:`~fivefold.data.sources.pinned.Remote`.

    Attributes
    ----------
    url : str
        Without secrets.
    query, table : str or None
        One of them.
    order_by : sequence of str
        The columns whose values put a table's rows in order.
    version : str or None
        A query for one value that changes with the rows.
    user_env, password_env : str or None
    patience : Patience
    """

    url: str
    query: str | None
    table: str | None
    order_by: Sequence[str]
    version: str | None
    user_env: str | None
    password_env: str | None
    patience: Patience
    _secrets: Secrets = field(default_factory=Secrets, compare=False)

    of_bytes = False
    name = "rows.parquet"

    def __post_init__(self) -> None:
        if (self.query is None) == (self.table is None):
            raise ConfigError(
                "a source in a database is a table or a query",
                where="query",
                got="both" if self.query else "neither",
                allowed="table: NAME, or query: SELECT ...",
            )
        if self.order_by and self.query:
            raise ConfigError(
                "order_by is for a table", where="order_by", hint="write ORDER BY into the query"
            )

    @property
    def shown(self) -> str:
        """The database's address, and the table if it is one."""
        return public_url(self.url) + (f", {self.table}" if self.table else "")

    def identity(self) -> dict[str, Any]:
        """Give what tells apart what is fetched."""
        return {
            "url": self.url,
            "query": self.query,
            "table": self.table,
            "order_by": list(self.order_by),
            # Another account may see other rows.
            **({"user_env": self.user_env} if self.user_env else {}),
        }

    def at(self, _snapshot: Snapshot, /) -> SqlQuery:
        """Give itself: a database keeps no former rows."""
        return replace(self)

    def changed(self, known: Snapshot) -> bool | None:
        """Ask for the version, where a query for it is declared."""
        before = known.marks.get("version")
        if self.version is None or before is None:
            return None
        with self._connected() as connection:
            return self._version(connection).get("version") != before

    def fetch(self, part: Download, _say: Say, /) -> Snapshot:
        """Write the rows into the part's file."""
        with self._connected() as connection:
            marks = self._version(connection)
            part.begin(marks)
            digest = spooled(connection.ask(self._text(connection)), part.path, self.shown)
        as_of = marks.pop("as_of", None)
        return Snapshot(digest, marks, as_of)

    def _text(self, connection: Connection) -> str:
        if self.query is not None:
            return _statement(self.query)
        name = ".".join(connection.quoted(part) for part in str(self.table).split("."))
        order = ", ".join(connection.quoted(column) for column in self.order_by)
        return f"select * from {name}" + (f" order by {order}" if order else "")  # noqa: S608

    def _version(self, connection: Connection) -> dict[str, str]:
        if self.version is None:
            return {}
        values = [
            value
            for batch in connection.ask(_statement(self.version)).batches
            for row in batch.to_pylist()
            for value in row.values()
        ]
        if len(values) != 1 or values[0] is None:
            raise SourceError(
                "the query for the version does not give one value",
                where="version",
                got=f"{len(values)} values" if len(values) != 1 else "a missing value",
                hint="such as: select max(updated_at) from orders",
            )
        value = values[0]
        if isinstance(value, datetime):
            moment = value.astimezone(UTC) if value.tzinfo else value
            return {"version": moment.isoformat(), "as_of": moment.isoformat()}
        as_of = {"as_of": value.isoformat()} if isinstance(value, date) else {}
        return {"version": str(value), **as_of}

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        user = self._secrets.read(self.user_env, "user_env")
        password = self._secrets.read(self.password_env, "password_env")
        database = database_of(self.url, user, password, self.patience.timeout)
        try:
            with database.connect() as connection:
                yield connection
        except (FivefoldError, PassingError):
            raise
        except ImportError as error:
            raise SourceError(
                "the database's driver is not installed",
                where=self.shown,
                got=self._secrets.hidden(error),
                hint="pip install the package of that name, then: fivefold lock",
            ) from None
        except Exception as error:
            raise self._worded(error) from error

    def _worded(self, error: Exception) -> Exception:
        """Word a driver's error, without what it quotes of the connection."""
        said = self._secrets.hidden(getattr(error, "orig", None) or error)
        said = re.sub(r"\w[\w+]*://\S+", lambda found: public_url(found[0]), said)[:400]
        state = str(getattr(error, "sqlstate", None) or "")
        if state.startswith(_PASSING_STATES) or (not state and _PASSING.search(said)):
            return PassingError(said)
        absent = _NO_TABLE.search(said)
        if absent:
            name = self.table or absent[1]
            known = self._names()
            return SourceError(
                f"the database has no table {name!r}",
                where=self.shown,
                got=name,
                allowed=sorted(known)[:20] or "it has none that may be seen",
                hint=nearest(name, known),
            )
        return SourceError(
            "the database refuses",
            where=self.shown,
            got=said,
            hint="mend the query in conf/, or the credentials: user_env: and password_env:",
        )

    def _names(self) -> list[str]:
        """Name the tables, if that works: it is for a hint only."""
        user = self._secrets.read(self.user_env, "user_env")
        password = self._secrets.read(self.password_env, "password_env")
        try:
            database = database_of(self.url, user, password, self.patience.timeout)
            with database.connect() as connection:
                return list(connection.names())
        except Exception:  # noqa: BLE001 - the error that is being worded matters more
            return []


@RemoteSource
def sql_query(
    url: str,
    query: str | None = None,
    table: str | None = None,
    order_by: Sequence[str] | None = None,
    version: str | None = None,
    user_env: str | None = None,
    password_env: str | None = None,
    types: Mapping[str, Any] | None = None,
    attempts: int = 5,
    timeout: float = 60.0,
) -> Declared:
    """Read a table or a query of a database.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE``, ``duckdb:///FILE``, ``postgresql://HOST/DATABASE``, or any URL of
        SQLAlchemy's whose driver is installed; without secrets.
    query : str, optional
        In the database's SQL. Without ORDER BY a database may give the same rows in another order,
        and that is another content.
    table : str, optional
        Instead of a query, with its schema before a dot if need be.
    order_by : list of str, optional
        The columns that put the table's rows in order: its key.
    version : str, optional
        A query for one value that changes whenever the rows do, such as
        ``select max(updated_at) from orders``: while it gives the same, nothing is fetched. A date
        or a time is taken as the rows' as-of time too.
    user_env, password_env : str, optional
        The environment variables with the credentials; for PostgreSQL, ``PGPASSWORD`` and
        ``~/.pgpass`` work too.
    types : mapping, optional
        The type of a column, where the database's is not the one wanted: a text that is a date.
    attempts : int, default 5
        How often to try, with growing pauses.
    timeout : float, default 60
        Seconds for the connection to a PostgreSQL server.

    Raises
    ------
    SourceError
        The database refuses, gives no row, or gives other rows than are pinned.
    """
    remote = SqlQuery(
        url,
        query,
        table,
        [order_by] if isinstance(order_by, str) else list(order_by or ()),
        version,
        user_env,
        password_env,
        Patience(attempts, timeout),
    )
    return Declared(remote, FormatOptions(format="parquet", types=types or {}))
