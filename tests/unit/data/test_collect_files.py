"""Files of every kind and size, and what is wrong with them."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import io
import json
import lzma
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fivefold
from fivefold.callables import call_of
from fivefold.data.collect import CollectConfig, Collected, Source, collect
from fivefold.data.drawing import sampled
from fivefold.data.sources import FormatOptions, delimited, jsonblocks, read_file
from fivefold.errors import ConfigError, FivefoldError, SourceError
from fivefold.pipeline.tree import resolved_tree
from fivefold.pipeline.typed import typed
from fivefold.table import Rows
from fivefold.table.folder import write_folder
from fivefold.table.progress import watched

LOCAL = "fivefold.data.sources.local_file"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data/source").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(name: str, data: str | bytes) -> Path:
    path = Path("data/source") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def collected(path: Any, source: dict[str, Any] | None = None, **options: Any) -> Collected:
    read = {"_target_": LOCAL, "path": path, **options}
    return collect(CollectConfig({"things": Source(read, **(source or {}))}, seed=7))


def local(data: str | bytes, name: str = "things.csv", **options: Any) -> Collected:
    return collected(put(name, data).as_posix(), **options)


def rows(given: Collected) -> dict[str, list[Any]]:
    return given.tables["things"].to_table().to_pydict()


def known(given: Collected) -> dict[str, Any]:
    return given.report["sources"]["things"]


def message(data: str | bytes, name: str = "things.csv", **options: Any) -> str:
    with pytest.raises(FivefoldError) as caught:
        local(data, name, **options)
    assert "collect.sources.things.read" in str(caught.value)
    return str(caught.value)


# Texts on every step of the ladder, and on two.
TEXTS = (
    "", "NA", "0", "1", "-7", " 3", "+5", "0x1F", "9007199254740993", "-9223372036854775808",
    "9223372036854775808", "100000000000000000000", "1.5", "1e3", "-0.0", "inf", "nan?",
    "true", "False", "2020-01-02", "2020-01-02 03:04", "2020-01-02T03:04:05.123456",
    "2020-01-02 03:04:05.123456789", "9999-12-31", "2020-01-02T03:04:05Z",
    "2020-01-02T03:04:05+02:00", "12:30", "x", "é", "e\u0301",
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3), st.data())
def test_types_do_not_depend_on_where_blocks_are_cut(pool: list[str], data: Any) -> None:
    values = data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=40))
    text = "n,a\n" + "".join(f"{n},{value}\n" for n, value in enumerate(values))
    path = put("things.csv", text).as_posix()
    whole = collected(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_BLOCK", 48)
        patch.setattr(delimited, "_HEADERS", 0)
        cut = collected(path)
    assert cut.report == whole.report
    assert cut.tables["things"].to_table().equals(whole.tables["things"].to_table())
    # What Arrow infers from all values at once, but that it rounds integers.
    once = pyarrow.csv.read_csv(
        io.BytesIO(text.encode()),
        convert_options=pyarrow.csv.ConvertOptions(
            null_values=list(delimited.NULL_VALUES), strings_can_be_null=True
        ),
    )["a"]
    found = whole.tables["things"].to_table()["a"]
    if not any("rounded" in note for note in known(whole).get("warnings", [])):
        if pa.types.is_null(once.type) or pa.types.is_time(once.type):
            assert found.type == pa.string()
        else:
            assert found.equals(once.cast(found.type, safe=False))


def test_a_row_longer_than_a_block_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_BLOCK", 16)
    monkeypatch.setattr(delimited, "_HEADERS", 0)
    assert rows(local(f'a,b\n1,"{"x" * 500}\n"\n2,y\n'))["b"] == ["x" * 500 + "\n", "y"]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("things.csv.bz2", bz2.compress),
        ("things.csv.xz", lzma.compress),
        ("things.csv.gz", lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:])),
        ("things.csv.zst", lambda data: arrow_packed(data, "zstd")),
        ("things.csv.lz4", lambda data: arrow_packed(data, "lz4")),
        ("things.jsonl.xz", lambda _: lzma.compress(b'{"a": 1}\n{"a": 2}\n')),
        ("things.json.gz", lambda _: gzip.compress(b'[{"a": 1}, {"a": 2}]')),
        ("things.parquet.gz", lambda _: gzip.compress(parquet_bytes({"a": [1, 2]}))),
    ],
)
def test_compressed_files_are_decompressed(name: str, pack: Any) -> None:
    assert rows(local(pack(b"a\n1\n2\n"), name)) == {"a": [1, 2]}


def arrow_packed(data: bytes, codec: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def parquet_bytes(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.bz2", "csv.xz", "csv.zst", "csv.lz4", "csv.zip"])
def test_a_broken_compressed_file_is_one_message(suffix: str) -> None:
    packs = {"csv.gz": gzip.compress, "csv.bz2": bz2.compress, "csv.xz": lzma.compress}
    data = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(20_000))
    pack = packs.get(suffix, lambda _: b"junk" * 100)
    words = message(pack(data)[:-300], f"things.{suffix}")
    assert "that can be read" in words


def test_arrow_files_and_streams() -> None:
    table = pa.table({"a": [1, 2], "b": pa.array(["x", "y"]).dictionary_encode()})
    pyarrow.feather.write_feather(table, "data/source/one.feather", compression="lz4")
    with pa.ipc.new_stream("data/source/two.arrows", table.schema) as writer:
        writer.write_table(table)
    for name in ("one.feather", "two.arrows"):
        assert rows(collected(f"data/source/{name}")) == {"a": [1, 2], "b": ["x", "y"]}
    assert "not a Feather or Arrow file" in message(b"ARROW1 no", "no.arrow")


def test_json_documents() -> None:
    records = [{"a": 1, "b": "x"}, {"b": "y", "a": 2.5, "c": True}]
    expected = {"a": [1.0, 2.5], "b": ["x", "y"], "c": [None, True]}
    assert rows(local(json.dumps(records), "things.json")) == expected
    text = json.dumps({"data": {"rows": records}})
    assert rows(local(text, "things.json", records="data.rows")) == expected
    assert "did you mean 'rows'?" in message(text, "things.json", records="data.row")
    assert "set records: rows" in message('{"rows": [{"a": 1}]}', "things.json")
    assert "format: jsonl" in message('{"a": 1}\n{"a": 2}\n', "things.json")
    assert "things.json, record 2" in message('[{"a": 1}, {"a": "x"}]', "things.json")


def test_json_lines_are_the_same_wherever_blocks_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '{"a": 1}\n\n{"a": 2, "t": "2020-01-02"}\n{"a": 2.5, "t": "soon", "ö": null}\n{"a": 3}'
    whole = local(text, "things.jsonl")
    expected = rows(whole)
    monkeypatch.setattr(jsonblocks, "_BLOCK", 7)
    cut = local(text, "things.jsonl")
    assert cut.report == whole.report
    assert rows(cut) == expected
    assert rows(cut)["t"] == [None, "2020-01-02", "soon", None]
    assert known(cut)["columns"] == {"a": "number", "t": "string", "ö": "string"}
    words = message('{"a": 1}\n\n{"a": "x"}\n', "things.jsonl")
    assert "things.jsonl:3" in words
    assert "types.a: string" in words
    assert rows(local('{"a": 1}\n{"a": "x"}\n', "things.jsonl", types={"a": "string"})) == {
        "a": ["1", "x"]
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("things.csv", "a,b\n9007199254740993,{0}\n1,1.5\n"),
        ("things.jsonl", '{{"a": 9007199254740993, "b": {0}}}\n{{"a": 1, "b": 1.5}}\n'),
    ],
)
def test_no_integer_is_ever_rounded(name: str, text: str) -> None:
    exact = local(text.format(2**53), name)
    assert rows(exact) == {"a": [9007199254740993, 1], "b": [2.0**53, 1.5]}
    for beyond in (2**53 + 1, 2**64 - 1, 10**400 + 1):
        given = local(text.format(beyond), name)
        assert rows(given)["b"] == [str(beyond), "1.5"]
        assert "would be rounded" in known(given)["warnings"][0]


def test_an_unsigned_integer_past_64_bits_is_refused() -> None:
    data = parquet_bytes({"a": pa.array([2**64 - 1], pa.uint64())})
    assert "'a' can't be kept in 64 bits" in message(data, "things.parquet")


def test_infinities_and_negative_zero() -> None:
    given = local("a\n-0.0\ninf\n-Infinity\n")
    assert known(given)["warnings"] == ["column 'a': 2 infinite values"]
    write_folder(given.tables, Path("out"))
    kept = pq.read_table("out/things.parquet")["a"].to_pylist()
    assert str(kept) == "[0.0, inf, -inf]"


def test_mixed_types_are_text_and_the_report_says_where() -> None:
    given = local("a\n1\n2\nx\n")
    assert rows(given) == {"a": ["1", "2", "x"]}
    assert known(given)["warnings"] == ["column 'a': kept as text: row 3 holds 'x', after integers"]


def test_dates_in_formats_of_their_own() -> None:
    text = "day\n01.02.2020\n2020-02-03\nNA\n"
    assert known(local(text))["columns"] == {"day": "string"}
    both = {"day": {"dtype": "date", "format": ["%d.%m.%Y", "%Y-%m-%d"]}}
    assert [str(day) for day in rows(local(text, types=both))["day"]] == [
        "2020-02-01", "2020-02-03", "None",
    ]  # fmt: skip
    one = {"day": {"dtype": "date", "format": "%d.%m.%Y"}}
    words = message(text, types=one)
    assert "things.csv:3" in words
    assert "'2020-02-03'" in words
    assert "things.csv:2" in message("day\n31.02.2020\n", types=one), "no such day"
    assert "things.jsonl, row 1" in message('{"day": "soon"}\n', "things.jsonl", types=one)
    zoned = {"t": {"dtype": "datetime", "format": "%d.%m.%Y %H:%M %z"}}
    assert str(rows(local("t\n01.02.2020 12:00 +0200\n", types=zoned))["t"][0]) == (
        "2020-02-01 10:00:00+00:00"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"frmat": "csv"}, "did you mean 'format'?"),
        ({"types": {"a": {"dtyp": "date"}}}, "did you mean 'dtype'?"),
        ({"types": {"a": {"dtype": "integer", "format": "%d"}}}, "only a date"),
        ({"types": {"a": {"dtype": "date", "format": 3}}}, "strptime"),
        ({"types": "date"}, "a mapping"),
        ({"null_values": "x"}, "a list"),
        ({"delimiter": 3}, "a text"),
        ({"encoding": "base64"}, "encoding is unknown"),
    ],
)
def test_a_bad_option_is_one_message(options: dict[str, Any], words: str) -> None:
    assert words in message("a\n1\n", **options)


def test_mixed_encodings_name_the_line_and_the_byte() -> None:
    data = "a\nété\n".encode() * 3 + b"\xe9t\xe9\n"
    words = message(data)
    assert "things.csv:7" in words
    assert f"byte 0xe9 at offset {len(data) - 4}" in words
    assert "mix encodings" in words
    assert "things.jsonl:2" in message(b'{"a": "x"}\n{"a": "\xe9"}\n', "things.jsonl")


def test_texts_in_two_normal_forms_are_kept_and_told() -> None:
    given = local("a\ncaf\u00e9\ncafe\u0301\ntea\n")
    assert rows(given)["a"] == ["caf\u00e9", "cafe\u0301", "tea"]
    assert "Unicode normal form" in known(given)["warnings"][0]


def test_several_files_are_one_table() -> None:
    put("part-2.csv", "b,a\nx,2.5\n")
    put("part-1.csv", "a,b\n1,007\n")
    given = collected("data/source/part-*.csv", {"row_number": "row"})
    assert rows(given) == {"row": [1, 2], "a": [1.0, 2.5], "b": ["007", "x"]}
    assert known(given)["file"] == "data/source/part-*.csv"
    assert list(known(given)["files"]) == ["data/source/part-1.csv", "data/source/part-2.csv"]
    before = known(given)["sha256"]
    listed = collected(["data/source/part-2.csv", "data/source/part-1.csv"])
    assert rows(listed)["a"] == [2.5, 1.0]
    put("part-3.csv", "a,c\n1,x\n")
    with pytest.raises(SourceError, match=r"'c' is in data/source/part-3\.csv only"):
        collected("data/source/part-*.csv")
    put("part-3.csv", "a,b\n,\n")
    assert known(collected("data/source/part-*.csv"))["sha256"] != before
    put("part-3.jsonl", '{"a": 1}\n')
    with pytest.raises(SourceError, match="different formats"):
        collected("data/source/part-*")


def test_folders_of_partitions_are_columns() -> None:
    for month, values in (("01", [1, 2]), ("02", [3]), ("__HIVE_DEFAULT_PARTITION__", [4])):
        put(f"year=2013/month={month}/a%20b=x/p.parquet", parquet_bytes({"v": values}))
    given = collected("data/source/**/*.parquet")
    assert rows(given) == {
        "v": [1, 2, 3, 4],
        "year": [2013] * 4,
        "month": [1, 1, 2, None],
        "a%20b": ["x"] * 4,
    }
    plain = collected("data/source/**/*.parquet", partitions=False)
    assert list(rows(plain)) == ["v"]


def test_parquet_files_of_differing_types_are_joined() -> None:
    put("1.parquet", parquet_bytes({"a": [1], "b": ["x"]}))
    put("2.parquet", parquet_bytes({"b": ["y"], "a": [2.5]}))
    assert rows(collected("data/source/*.parquet")) == {"a": [1.0, 2.5], "b": ["x", "y"]}
    put("3.parquet", parquet_bytes({"b": [1], "a": [2.5]}))
    with pytest.raises(SourceError, match="types that don't fit"):
        collected("data/source/*.parquet")


def test_excel_sheets() -> None:
    one = workbook({"July": [["a", "b"], [1, "x"], [2.5, "y"]], "Notes": [["z"], ["t"]]})
    assert rows(local(one, "things.xlsx", sheet="July")) == {"a": [1.0, 2.5], "b": ["x", "y"]}
    assert "July, Notes" in message(one, "things.xlsx")
    assert "did you mean 'July'?" in message(one, "things.xlsx", sheet="Jly")
    mixed = workbook({"S": [["a", "b"], [1, 1], ["x", 2]]})
    assert rows(local(mixed, "things.xlsx", types={"b": "string"})) == {
        "a": ["1", "x"], "b": ["1", "2"],
    }  # fmt: skip
    assert "not an Excel file" in message(b"PK no", "things.xlsx")


def test_excel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    assert r"pip install 'fivefold[excel]'" in message(workbook({"S": [["a"], [1]]}), "things.xlsx")


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    """Write the least that is an Excel file."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        numbers = range(1, len(sheets) + 1)
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
            f'ContentType="{types}.worksheet+xml"/>'
            for n in numbers
        )
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
            f"{overrides}</Types>",
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
            f'Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        names = "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>'
            for n, name in zip(numbers, sheets, strict=True)
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets>{names}</sheets></workbook>',
        )
        links = "".join(
            f'<Relationship Id="rId{n}" Type="{rel}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in numbers
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{links}</Relationships>',
        )
        for n, table in zip(numbers, sheets.values(), strict=True):
            cells = "".join(
                "<row>"
                + "".join(
                    f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
                    if isinstance(cell, str)
                    else f"<c><v>{cell}</v></c>"
                    for cell in row
                )
                + "</row>"
                for row in table
            )
            archive.writestr(
                f"xl/worksheets/sheet{n}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
            )
    return buffer.getvalue()


def test_a_source_that_grows_while_it_is_read_is_refused() -> None:
    given = local("a\n1\n2\n")
    with Path("data/source/things.csv").open("a") as stream:
        stream.write("3\n")
    with pytest.raises(SourceError, match="changed while it was read"):
        write_folder(given.tables, Path("out"))
    given = local("a\n1\n2\n")
    os.utime("data/source/things.csv", ns=(1, 1))
    with pytest.raises(SourceError, match="as many bytes, written anew"):
        given.tables["things"].to_table()


def test_ten_thousand_columns() -> None:
    names = [f"c{n}" for n in range(10_000)]
    line = ",".join(str(n) for n in range(10_000))
    given = local(",".join(names) + f"\n{line}\n{line}\n")
    write_folder(given.tables, Path("out"))
    assert pq.ParquetFile("out/things.parquet").metadata.num_columns == 10_000
    assert known(given)["columns"]["c9999"] == "integer"


@pytest.mark.parametrize("text", ["a,b\n,x\n", "a,b\n,x\n,y\n"])
def test_one_row_and_a_column_all_missing(text: str) -> None:
    given = local(text, source={"sample": 5})
    assert known(given)["columns"] == {"a": "string", "b": "string"}
    assert set(rows(given)["a"]) == {None}
    assert not known(given)["sampled"]


def test_the_moment_a_source_is_of_is_reported() -> None:
    assert known(local("a\n1\n", source={"as_of": "2013-12-31"}))["as_of"] == "2013-12-31"
    with pytest.raises(ConfigError, match="ISO 8601"):
        local("a\n1\n", source={"as_of": "yesterday"})


def test_a_sample_of_a_stream_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"a": range(5000)})
    batches = table.to_batches(max_chunksize=7)
    stream = Rows(table.schema, lambda: iter(batches))
    whole = sampled(Rows.of(table), 5000, 300, "things", 3).to_table()
    monkeypatch.setattr("fivefold.data.drawing._DRAWS", 11)
    assert sampled(stream, 5000, 300, "things", 3).to_table().equals(whole)
    entropy = [3, int.from_bytes(__import__("hashlib").sha256(b"things").digest()[:8], "big")]
    draws = np.random.PCG64(entropy).random_raw(5000)
    assert whole["a"].to_pylist() == sorted(np.argsort(draws, kind="stable")[:300].tolist())


def test_a_progress_bar_is_for_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = pa.table({"a": [1, 2, 3]}).to_batches()
    assert list(watched(iter(batches), "read things")) == batches
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert list(watched(iter(batches), "read things", 3)) == batches
    assert "3 rows" in capsys.readouterr().err


def test_a_source_of_ones_own_reads_a_file_in_one_line() -> None:
    reading = read_file(put("x.dat", "a;b\n1;2\n"), "x", FormatOptions("csv", delimiter=";"))
    assert reading.rows.to_table().to_pydict() == {"a": [1], "b": [2]}
    assert reading.file == "x"


FRAGMENTS = st.sampled_from(
    [b"a", b"b", b",", b"\n", b"\r", b'"', b'""', b"1", b".5", b" ", b"\xff", b"\xc3\xa9", b"\0",
     b"\xef\xbb\xbf", b"-", b"true", b"2020-01-02", b"\t", b"{", b"}", b":", b"[", b"]", b"null",
     b"9" * 20]
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(FRAGMENTS, max_size=25).map(b"".join),
    st.sampled_from(["csv", "tsv", "jsonl", "json", "parquet", "arrow", "excel", "csv.gz"]),
    st.sampled_from([{}, {"encoding": "utf-16"}, {"types": {"a": "datetime"}}]),
)
def test_no_bytes_crash_without_a_message(
    data: bytes, suffix: str, options: dict[str, Any]
) -> None:
    format_ = {} if suffix == "csv.gz" else {"format": suffix}
    try:
        given = local(data, f"things.{suffix}", **options, **format_)
        given.tables["things"].to_table()
    except FivefoldError as error:
        words = str(error)
    else:
        return
    assert "the function raised" not in words


MENU = Path(fivefold.__file__).parent / "conf/source"


@pytest.mark.parametrize("name", sorted(path.stem for path in MENU.glob("*.yaml")))
def test_each_source_of_the_menu_takes_what_it_names(name: str) -> None:
    declared = yaml.safe_load((MENU / f"{name}.yaml").read_text("utf-8"))
    call = call_of(declared["read"], "read")
    options = {key: value for key, value in call.declared.items() if key in FORMAT_OPTIONS}
    FormatOptions.of(options)


FORMAT_OPTIONS = {item.name for item in dataclasses.fields(FormatOptions)}


def test_a_source_is_chosen_from_the_menu_in_the_defaults(project: Path) -> None:
    (project / "conf").mkdir()
    (project / "conf/config.yaml").write_text(
        "defaults:\n  - source@collect.sources.orders: csv\n  - collect\n  - _self_\n"
    )
    (project / "conf/collect.yaml").write_text(
        "# @package collect\nsources:\n  orders: {read: {path: data/source/things.csv}}\n"
    )
    put("things.csv", "a\n1\n")
    tree = resolved_tree(project)["collect"]
    given = collect(typed(CollectConfig, tree, "collect"))
    assert given.tables["orders"].to_table().to_pydict() == {"a": [1]}
    (project / "conf/collect.yaml").write_text("# @package collect\n")
    with pytest.raises(ConfigError, match=r"orders\.read\.path"):
        resolved_tree(project)
