"""One way to ask any database: a query in, record batches out, never all rows at a time.

PostgreSQL through ADBC, SQLite by Python, DuckDB by itself, whatever else through SQLAlchemy. Each
raises its own errors; :mod:`fivefold.data.sources.sql` words them.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

import pyarrow as pa

from fivefold.errors import ConfigError, SourceError, nearest

__all__ = ["Answer", "Database", "database_of"]

_BATCH_ROWS = 50_000
# With the schema, unless a name is found without it.
_NAMES = (
    "select case when table_schema in ('public', 'main') then table_name "
    "else table_schema || '.' || table_name end from information_schema.tables "
    "where table_schema not in ('pg_catalog', 'information_schema')"
)


@dataclass(frozen=True)
class Answer:
    """Batches as they come; a batch's schema may be wider or narrower than the one before."""

    batches: Iterator[pa.RecordBatch]
    steady: pa.Schema | None


class Database(Protocol):
    """A database that was found by its URL."""

    def connect(self) -> Any:
        """Give a context manager that gives a :class:`Connection`."""


class Connection(Protocol):
    """An open connection, which reads only."""

    def ask(self, query: str) -> Answer:
        """Run a query; steady is its schema where the database knows it before the rows."""

    def names(self) -> list[str]:
        """Name the tables and views."""

    def quoted(self, name: str) -> str:
        """Quote an identifier."""


def database_of(url: str, user: str | None, password: str | None, timeout: float) -> Database:
    """Find what speaks to a URL's database.

    Raises
    ------
    ConfigError
        The URL is none.
    SourceError
        Its driver is not installed, or there is no such file.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("sqlite", "duckdb"):
        file = _file(url)
        return _Sqlite(file) if scheme == "sqlite" else _DuckDb(file)
    if scheme in ("postgresql", "postgres"):
        return _Postgres(_with_credentials(url, user, password, timeout))
    if "://" not in url:
        raise ConfigError(
            "not the URL of a database",
            where="url",
            got=url,
            allowed="sqlite:///FILE, duckdb:///FILE, postgresql://HOST/DATABASE, or SQLAlchemy's",
        )
    if scheme.partition("+")[0] == "sqlite" and not url.endswith(("://", ":memory:")):
        # SQLAlchemy would make an empty one.
        _file(url)
    return _Alchemy(url, user, password)


def _file(url: str) -> Path:
    scheme, _, rest = url.partition("://")
    if not rest.startswith("/") or len(rest) < 2:
        raise ConfigError(
            "the database's file is not named",
            where="url",
            got=url,
            allowed=f"{scheme}:///FILE in the project, {scheme}:////PATH elsewhere",
        )
    file = Path(rest[1:].partition("?")[0])
    if not file.is_file():
        there = [item.name for item in file.parent.glob("*") if item.is_file()]
        raise SourceError(
            "there is no such database file",
            where="url",
            got=url,
            hint=nearest(file.name, there) or "paths start at the project's folder",
        )
    return file


def _with_credentials(url: str, user: str | None, password: str | None, timeout: float) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    name = quote(user, safe="") if user else parts.netloc.rpartition("@")[0]
    secret = f":{quote(password, safe='')}" if password else ""
    query = parts.query
    if "connect_timeout" not in query:
        query = "&".join(filter(None, (query, f"connect_timeout={max(int(timeout), 2)}")))
    at = f"{name}{secret}@" if name or secret else ""
    return urlunsplit((parts.scheme, f"{at}{host}", parts.path, query, ""))


def _missing(package: str) -> SourceError:
    return SourceError(
        "the database's driver is not installed",
        where="url",
        got=f"no package {package}",
        hint="pip install 'fivefold[sql]', then: fivefold lock",
    )


@dataclass(frozen=True)
class _Adbc:
    """An ADBC connection, and what is to be closed with it."""

    connection: Any
    tables: str
    open: ExitStack

    def ask(self, query: str) -> Answer:
        # It is open for as long as its rows are read.
        cursor = self.open.enter_context(closing(self.connection.cursor()))
        cursor.execute(query)
        reader = cursor.fetch_record_batch()
        return Answer(iter(reader), reader.schema)

    def names(self) -> list[str]:
        batches = self.ask(self.tables).batches
        return [name for batch in batches for name in batch.column(0).to_pylist()]

    def quoted(self, name: str) -> str:
        return _ansi(name)


@dataclass(frozen=True)
class _Sqlite:
    file: Path

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        url = f"file:{quote(str(self.file))}?mode=ro"
        with closing(sqlite3.connect(url, uri=True)) as connection:
            yield _SqliteConnection(connection)


@dataclass(frozen=True)
class _SqliteConnection:
    """SQLite by Python: it types values and not columns, so that a first batch tells nothing."""

    connection: sqlite3.Connection

    def ask(self, query: str) -> Answer:
        cursor = self.connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        parts = iter(lambda: cursor.fetchmany(_BATCH_ROWS), [])
        return Answer(_arrow(names, parts), None)

    def names(self) -> list[str]:
        known = self.connection.execute(
            "select name from sqlite_master where type in ('table', 'view')"
        )
        return [name for (name,) in known]

    def quoted(self, name: str) -> str:
        return _ansi(name)


@dataclass(frozen=True)
class _Postgres:
    url: str

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        try:
            import adbc_driver_postgresql.dbapi as driver  # type: ignore[import-untyped]
        except ImportError:
            raise _missing("adbc-driver-postgresql") from None
        with ExitStack() as stack:
            connection = stack.enter_context(closing(driver.connect(self.url)))
            with connection.cursor() as cursor:
                # The version and the rows are of one moment, and a query changes nothing.
                cursor.execute("set transaction isolation level repeatable read, read only")
            yield _Adbc(connection, _NAMES, stack)


@dataclass(frozen=True)
class _DuckDb:
    file: Path

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        try:
            import duckdb
        except ImportError:
            raise SourceError(
                "the database's driver is not installed",
                where="url",
                got="no package duckdb",
                hint="pip install 'fivefold[duckdb]', then: fivefold lock",
            ) from None
        with closing(duckdb.connect(str(self.file), read_only=True)) as connection:
            yield _DuckConnection(connection)


@dataclass(frozen=True)
class _DuckConnection:
    connection: Any

    def ask(self, query: str) -> Answer:
        reader = self.connection.sql(query).to_arrow_reader(_BATCH_ROWS)
        return Answer(iter(reader), reader.schema)

    def names(self) -> list[str]:
        return [name for (name,) in self.connection.sql(_NAMES).fetchall()]

    def quoted(self, name: str) -> str:
        return _ansi(name)


def _ansi(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class _Alchemy:
    url: str
    user: str | None
    password: str | None

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        try:
            import sqlalchemy
        except ImportError:
            raise _missing("sqlalchemy") from None
        try:
            url = sqlalchemy.make_url(self.url)
            if self.user is not None:
                url = url.set(username=self.user, password=self.password)
            engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        except sqlalchemy.exc.ArgumentError:  # of a scheme without a dialect, too
            raise ConfigError(
                "no driver knows this URL of a database",
                where="url",
                got=f"{urlsplit(self.url).scheme}://...",
                allowed="sqlite, duckdb, postgresql, or a dialect of SQLAlchemy's such as "
                "mysql+pymysql",
                hint="mend the word before ://, or pip install the package of its dialect",
            ) from None
        try:
            with engine.connect() as connection:
                yield _AlchemyConnection(connection)
        finally:
            engine.dispose()


@dataclass(frozen=True)
class _AlchemyConnection:
    connection: Any

    def ask(self, query: str) -> Answer:
        # A server's cursor, where the driver has one: the rows stay there until they are read.
        # Without parameters a % in the query is a % to every driver.
        streaming = self.connection.execution_options(
            stream_results=True, yield_per=_BATCH_ROWS, no_parameters=True
        )
        result = streaming.exec_driver_sql(query)
        return Answer(_arrow(list(result.keys()), result.partitions(_BATCH_ROWS)), None)

    def names(self) -> list[str]:
        import sqlalchemy

        known = sqlalchemy.inspect(self.connection)
        usual = known.default_schema_name
        return [
            name if schema == usual else f"{schema}.{name}"
            for schema in known.get_schema_names()
            if schema not in ("information_schema", "pg_catalog")
            for name in (*known.get_table_names(schema), *known.get_view_names(schema))
        ]

    def quoted(self, name: str) -> str:
        return str(self.connection.dialect.identifier_preparer.quote(name))


def _arrow(names: Sequence[str], parts: Iterator[Sequence[Any]]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        columns = [
            _column(name, values)
            for name, values in zip(names, zip(*part, strict=True), strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, names=list(names))


def _column(name: str, values: Sequence[Any]) -> pa.Array:
    plain = [str(value) if isinstance(value, uuid.UUID) else value for value in values]
    try:
        return pa.array(plain)
    except (pa.ArrowException, OverflowError) as error:
        raise SourceError(
            f"the values of the column {name!r} have no one type",
            where=name,
            got=str(error).splitlines()[0],
            hint=f"convert it in the query: cast({name} as ...)",
        ) from None
