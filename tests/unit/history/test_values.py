"""Parsing is as DVC's, without DVC."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from fivefold.history.dvc.values import MalformedError, flatten, lookup, parse, same, select

SCALARS = (
    "0 1 -1 +1 010 0o10 0x1F 0b101 1_000 1.5 -1.5 1. .5 +.5 1e3 1E3 1.5e-3 1e+3 .5e3 .5e+3 .inf "
    "-.inf +.inf .nan .NaN nan inf true True TRUE false no No yes on off y n ~ null Null none "
    "12:30 12:30:45 190:20:30 2024-01-31 2024-1-31 2024-01-31T10:00:00Z 2024-01-31T10:00:00 "
    "1.2.3 0.0 -0 -0.0 1__0 _1 1_ 0x 08 09 007 0o8 = << e3 1e 99999999999999999999 1.0e400"
)


@pytest.mark.parametrize("text", SCALARS.split())
def test_scalars_are_those_of_the_parser_that_dvc_uses(text: str) -> None:
    document = f"value: {text}\n"
    try:
        expected = YAML(typ="safe").load(document)["value"]
    except Exception:  # noqa: BLE001  whatever ruamel says, we say malformed
        with pytest.raises(MalformedError):
            parse(document.encode(), "a.yaml")
        return
    found = parse(document.encode(), "a.yaml")["value"]
    assert type(found) is type(expected)
    assert same(found, expected)


NUMBERS = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.none(), st.text("abno~:#-. 01e'\"é\n")
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.text("ab", min_size=1), NUMBERS))
def test_what_ruamel_writes_is_read_back(values: dict[str, object]) -> None:
    import io

    out = io.StringIO()
    YAML().dump(values, out)
    assert same(
        parse(out.getvalue().encode(), "params.yaml"), YAML(typ="safe").load(out.getvalue()) or {}
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("m.json", '{"a": '),
        ("m.yaml", "a: [1"),
        ("m.yaml", "a: !!python/object:os.system x"),
        ("m.toml", "a = "),
        ("m.py", "a = ("),
        ("m.json", "[" * 100_000),
        ("m.yaml", "\t- a\n\x00"),
    ],
)
def test_malformed_files_name_themselves(path: str, text: str) -> None:
    with pytest.raises(MalformedError, match=path):
        parse(text.encode(), path)


def test_bytes_that_are_not_utf8() -> None:
    with pytest.raises(MalformedError, match="not UTF-8"):
        parse(b'{"a": "\xff"}', "m.json")


def test_formats() -> None:
    assert parse(b"a = 1\n[b]\nc = nan\n", "m.toml")["a"] == 1
    assert parse(b"a = 1\nclass B:\n    c = [1, 2]\n", "p.py") == {"a": 1, "B": {"c": [1, 2]}}
    assert math.isnan(parse(b'{"a": NaN}', "m.json")["a"])
    assert parse(b"", "m.yaml") == {}
    assert parse(b"0.93", "m.yaml") == 0.93


def test_flatten_keeps_lists_and_nulls() -> None:
    nested = {"a": {"b": None, "c": [1, {"d": 2}]}, 3: "x", "empty": {}}
    assert flatten(nested) == {"a.b": None, "a.c": [1, {"d": 2}], "3": "x"}
    assert flatten(0.93) == {"": 0.93}


def test_lookup() -> None:
    nested = {"a": {"b": [10, 20]}, "x.y": 1, 3: {True: "t"}}
    assert lookup(nested, "a.b.1") == 20
    assert lookup(nested, "x.y") == 1
    assert lookup(nested, "3.True") == "t"
    for name in ("a.c", "a.b.2", "a.b.1.z"):
        with pytest.raises(KeyError):
            lookup(nested, name)


def test_select_takes_names_and_sections() -> None:
    values = {"train.rate": 1, "train.deep.x": 2, "trainer": 3}
    assert select(values, ("train",)) == {"train.rate": 1, "train.deep.x": 2}
    assert select(values, ("train.deep",)) == {"train.deep.x": 2}
    assert select(values, ()) == values


def test_same_tells_true_from_one() -> None:
    assert same({"a": [float("nan"), 1]}, {"a": (float("nan"), 1.0)})
    assert not same([True], [1])
    assert not same({"a": 1}, {"a": 1, "b": 2})
