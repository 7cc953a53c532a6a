from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fivefold.report import bundle


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "deep" / "vega.js"
    monkeypatch.setattr(bundle, "_cache_file", lambda: path)
    kept = bundle.javascript
    kept.cache_clear()
    yield path
    kept.cache_clear()


def test_the_bundle_is_kept_and_read_back(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = bundle.javascript()
    assert "window.vegaEmbed=" in built
    assert [path.name for path in cache.parent.iterdir()] == ["vega.js"]
    bundle.javascript.cache_clear()
    monkeypatch.setattr("vl_convert.javascript_bundle", None)
    assert bundle.javascript() == built


@pytest.mark.parametrize("damage", [b"", b"x" * 50, b"// sha256 0\nalert(1)"])
def test_a_damaged_copy_is_built_again(cache: Path, damage: bytes) -> None:
    cache.parent.mkdir()
    cache.write_bytes(damage)
    assert "window.vegaEmbed=" in bundle.javascript()
    assert cache.read_bytes() != damage


def test_a_cache_that_cannot_be_written_costs_only_time(cache: Path) -> None:
    # A file where the folder should be: not even root can write below it.
    cache.parent.write_text("in the way")
    assert "window.vegaEmbed=" in bundle.javascript()


def test_nothing_in_the_bundle_ends_or_confuses_its_script_element(cache: Path) -> None:
    built = bundle.javascript().lower()
    assert "</script" not in built
    assert "<!--" not in built
