"""Tables and queries of real databases: SQLite, DuckDB, and a PostgreSQL server on loopback."""

from __future__ import annotations

import importlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fivefold.data.sources import databases, retries
from fivefold.data.sources.content import Reading
from fivefold.data.sources.sql import sql_query
from fivefold.errors import ConfigError, FivefoldError, SourceError
from tests.servers import postgres

PASSWORD = "s3cret/&pass"  # noqa: S105
TABLE = """
create table orders (id integer primary key, day date, paid numeric(10, 2), open boolean,
    note text, moment timestamp with time zone, hour time, weight double precision);
insert into orders select n, date '2024-01-01' + n, n + 0.25, n % 2 = 0,
    case when n % 3 > 0 then 'note ' || n end, timestamp '2024-01-01 10:00:00+00', time '10:30',
    case n when 1 then null else n / 2.0 end from {series};
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with postgres(tmp_path_factory.mktemp("server")) as port:
        tell(port, TABLE.format(series="generate_series(1, 3000) n"))
        tell(port, "create schema shop; create table shop.orders (id integer)")
        yield port


def tell(port: int, text: str) -> None:
    import psycopg

    with psycopg.connect(
        f"host=127.0.0.1 port={port} user=reader dbname=postgres", password=PASSWORD
    ) as connection:
        connection.execute(text)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data/source").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DB_USER", "reader")
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)
    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.01)
    return tmp_path


def asked(port: int, kind: str = "postgresql", **more: Any) -> Reading:
    url = f"{kind}://127.0.0.1:{port}/postgres"
    return sql_query(url, **{"user_env": "DB_USER", "password_env": "DB_PASSWORD", **more})


@pytest.mark.parametrize("kind", ["postgresql", "postgresql+psycopg"])
def test_postgresql_gives_its_types(server: int, kind: str, monkeypatch: Any) -> None:
    # SQLAlchemy's rows in several batches, with a column that is missing in the first.
    monkeypatch.setattr(databases, "_BATCH_ROWS", 1)
    query = "select * from orders where id < 4 order by id"
    given = asked(server, kind, query=query)
    table = given.rows.to_table()
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "int64", "day": "date32[day]", "paid": "double", "open": "bool", "note": "string",
        "moment": "timestamp[us, tz=UTC]", "hour": "string", "weight": "double",
    }  # fmt: skip
    assert table["paid"].to_pylist() == [1.25, 2.25, 3.25]
    assert table["note"].to_pylist() == ["note 1", "note 2", None]
    assert table["weight"].to_pylist() == [None, 1.0, 1.5]
    assert given.file == f"{kind}://127.0.0.1:{server}/postgres"


def test_every_way_to_ask_gives_the_same_rows_and_digest(server: int) -> None:
    query = "select id, day, paid, open, note from orders order by id"
    native, alchemy = asked(server, query=query), asked(server, "postgresql+psycopg", query=query)
    assert native.rows.count == alchemy.rows.count == 3000
    assert native.sha256 == alchemy.sha256
    connection = duckdb.connect("data/source/orders.duckdb")
    connection.execute(TABLE.format(series="range(1, 3001) r(n)").replace("+ n,", "+ n::integer,"))
    connection.close()
    embedded = sql_query("duckdb:///data/source/orders.duckdb", query=query)
    assert embedded.sha256 == native.sha256


def test_a_version_that_is_the_same_fetches_nothing(server: int, monkeypatch: Any) -> None:
    tell(server, "create table if not exists news as select 1 as id, timestamptz '2024-05-01Z' at")
    call = {"table": "public.news", "order_by": ["id"], "version": "select max(at) from news"}
    first = asked(server, **call)
    assert first.as_of == "2024-05-01T00:00:00+00:00"
    fetched = []
    monkeypatch.setattr(
        "fivefold.data.sources.sql.spooled",
        lambda *_: fetched.append(1) or pytest.fail("fetched again"),  # type: ignore[func-returns-value]
    )
    assert asked(server, **call).sha256 == first.sha256
    monkeypatch.undo()


@pytest.mark.parametrize("kind", ["postgresql", "postgresql+psycopg"])
def test_a_percent_sign_is_one(server: int, kind: str) -> None:
    query = "select id from orders where note like 'note 1%' and id < 12 order by id"
    assert asked(server, kind, query=query).rows.to_table()["id"].to_pylist() == [1, 10, 11]


def test_rows_in_the_cache_that_are_others_are_fetched_anew(project: Path) -> None:
    with closing(sqlite3.connect("data/source/shop.db")) as connection, connection:
        connection.execute("create table visits as select 1 as id")
    # A version that stays, so that what the cache has would be read.
    call = {"table": "visits", "version": "select 1"}
    sql_query("sqlite:///data/source/shop.db", **call)
    kept = next((project / "cache").rglob("rows.parquet"))
    kept.chmod(0o644)
    pq.write_table(pa.table({"id": [9]}), kept)
    given = sql_query("sqlite:///data/source/shop.db", **call)
    assert given.rows.to_table()["id"].to_pylist() == [1]


def test_a_duckdb_file_that_is_written_to_is_waited_for(project: Path) -> None:
    path = "data/source/shop.duckdb"
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute(sys.argv[2]);"
    hold += "print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, path, "create table visits as select 1 as id"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(SourceError, match=r"lock on file.*2 attempts"):
            sql_query(f"duckdb:///{path}", table="visits", attempts=2)
        writer.communicate(b"")
    assert sql_query(f"duckdb:///{path}", table="visits").rows.count == 1


def test_sqlite_gives_declared_types(project: Path) -> None:
    with sqlite3.connect("data/source/shop.db") as connection:
        connection.execute("create table visits (id integer, day text, amount real)")
        rows = [(n, f"2024-01-{n % 28 + 1:02}", n / 4) for n in range(5000)]
        connection.executemany("insert into visits values (?, ?, ?)", rows)
    connection.close()
    given = sql_query("sqlite:///data/source/shop.db", table="visits", types={"day": "date"})
    assert [str(type_) for type_ in given.rows.schema.types] == ["int64", "date32[day]", "double"]
    assert given.rows.count == 5000
    with sqlite3.connect("data/source/shop.db") as connection:
        connection.execute("insert into visits values ('a text', '2024-01-01', 1)")
    connection.close()
    with pytest.raises(SourceError, match="have no one type") as error:
        sql_query("sqlite:///data/source/shop.db", table="visits")
    assert "Traceback" not in str(error.value)


BAD: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "no such table": ("postgresql", {"table": "ordres"}, ["'ordres'", "did you mean 'orders'?"]),
    "no such table in a query": (
        "postgresql+psycopg", {"query": "select * from ordres"}, ["did you mean 'orders'?"],
    ),
    "a mistake in the query": (
        "postgresql", {"query": "selct 1"}, ["syntax error", "mend the query"],
    ),
    "no rows": (
        "postgresql", {"query": "select * from orders where id < 0"}, ["gives no rows"],
    ),
    "no rows through SQLAlchemy": (
        "postgresql+psycopg", {"query": "select * from orders where id < 0"}, ["gives no rows"],
    ),
    "a query that writes": (
        "postgresql", {"query": "delete from orders returning *"}, ["read-only transaction"],
    ),
    "a type that no table holds": (
        "postgresql", {"query": "select array[1, 2] as parts"}, ["'parts'", "cast(parts as text)"],
    ),
    "the same name twice": (
        "postgresql", {"query": "select 1 as a, 2 as a"}, ["the same name", "other_id"],
    ),
    "no such variable": (
        "postgresql", {"query": "select 1 as a", "password_env": "NO_SUCH"}, ["NO_SUCH is not set"],
    ),
    "no driver": ("mysql+pymysql", {"query": "select 1 as a"}, ["not installed", "pymysql"]),
    "no such dialect": (
        "nosuch", {"query": "select 1 as a"}, ["no driver knows", "nosuch://", "mysql+pymysql"],
    ),
    "no such table in a schema": (
        "postgresql", {"table": "shop.ordres"}, ["'shop.ordres'", "did you mean 'shop.orders'?"],
    ),
    "no such table in a schema through SQLAlchemy": (
        "postgresql+psycopg", {"table": "shop.ordres"}, ["did you mean 'shop.orders'?"],
    ),
    "neither": ("postgresql", {}, ["neither", "table: NAME"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_goes_wrong_is_said(name: str, server: int) -> None:
    kind, options, words = BAD[name]
    with pytest.raises(FivefoldError) as error:
        asked(server, kind, **options)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("kind", ["postgresql", "postgresql+psycopg"])
def test_a_password_is_in_no_message(server: int, kind: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2/&wrong")
    with pytest.raises(SourceError, match="authentication failed") as error:
        asked(server, kind, query="select 1 as a")
    assert "hunter2" not in str(error.value)
    with pytest.raises(SourceError, match="after 2 attempts") as error:
        asked(9, kind, query="select 1 as a", attempts=2, timeout=2)
    assert "hunter2" not in str(error.value)


def test_a_connection_that_breaks_while_rows_are_read_is_tried_again(server: int) -> None:
    # Its own last row ends the server's process that sends it.
    query = (
        "select id, case when id = 2900 then pg_terminate_backend(pg_backend_pid()) end as ended "
        "from orders order by id"
    )
    with pytest.raises(SourceError, match="after 2 attempts"):
        asked(server, query=query, attempts=2)


def test_files_and_urls_that_are_none(project: Path) -> None:
    Path("data/source/shop.db").touch()
    with pytest.raises(SourceError, match=r"did you mean 'shop.db'\?"):
        sql_query("sqlite:///data/source/shp.db", table="visits")
    with pytest.raises(ConfigError, match="sqlite:///FILE"):
        sql_query("shop.db", table="visits")


def test_a_driver_that_is_not_installed(server: int, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    with pytest.raises(SourceError, match=r"pip install 'fivefold\[sql\]'"):
        asked(server, query="select 1 as a")


def test_importing_it_imports_no_driver() -> None:
    importlib.import_module("fivefold.data.sources.sql")
    code = (
        "import sys, fivefold.data.sources.sql, fivefold.data.sources.dvc_artifact\n"
        "heavy = {'sqlalchemy', 'duckdb', 'dvc', 'pandas', 'polars', 'adbc_driver_manager'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sqlite_types_values_and_not_columns(project: Path) -> None:
    with closing(sqlite3.connect("late.db")) as connection:
        connection.execute("create table t (a, n integer)")
        rows = [(None if n < 60_000 else f"word {n}", n) for n in range(60_010)]
        connection.executemany("insert into t values (?, ?)", rows)
        connection.commit()
    found = sql_query("sqlite:///late.db", table="t").rows.to_table()
    assert found["a"].to_pylist()[-1] == "word 60009"
    assert found["a"].null_count == 60_000


def test_a_database_that_is_not_there_is_not_made(project: Path) -> None:
    with pytest.raises(SourceError, match="no such database file"):
        sql_query("sqlite+pysqlite:///typo.db", table="t")
    assert not Path("typo.db").exists()


def test_what_ends_a_query_and_identifiers_of_postgresql(server: int) -> None:
    query = "select gen_random_uuid() as u, 1 as n -- one;\n; -- the end"
    url = f"postgresql://127.0.0.1:{server}/postgres"
    reading = sql_query(url, query=query, user_env="DB_USER", password_env="DB_PASSWORD")  # noqa: S106
    row = reading.rows.to_table().to_pylist()[0]
    assert (len(row["u"]), row["n"]) == (36, 1)
