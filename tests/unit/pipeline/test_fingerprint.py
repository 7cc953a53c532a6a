"""The fingerprint changes with the code that a stage runs, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fivefold.pipeline import fingerprint as subject
from fivefold.pipeline.fingerprint import code_text, fingerprint
from fivefold.pipeline.stages import stage_named
from fivefold.pipeline.targets import _spec as found_modules
from fivefold.pipeline.targets import targets

SOURCE = '''"""A module."""

import math  # for the logarithm


def step(table):
    """Take the logarithm."""
    # not of zero
    return math.log("# no comment") + 1
'''


def test_comments_docstrings_and_blank_lines_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(SOURCE, encoding="utf-8")
    assert code_text(path) == (
        'import math\ndef step(table):\n    return math.log("# no comment") + 1'
    )


def test_targets_are_found_at_any_depth() -> None:
    value = {"steps": [{"_target_": "a.b"}, {"x": {"_target_": "c.d", "y": 1}}], "z": 2}
    assert list(targets(value)) == [("steps.0._target_", "a.b"), ("steps.1.x._target_", "c.d")]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "apart"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "steps.py").write_text(
        "from apart.arithmetic import add\n\ndef step(table):\n    return add(table)\n", "utf-8"
    )
    (package / "arithmetic.py").write_text("def add(table):\n    return table\n", "utf-8")
    (package / "other.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def clean_fingerprint(own: Path, versions: dict[str, str] | None = None) -> str:
    found_modules.cache_clear()
    for function in (subject._imports, subject._parsed, subject.code_text):
        function.cache_clear()
    stage = stage_named("clean")
    assert stage is not None
    section = {"steps": [{"_target_": "apart.steps.step"}]}
    return fingerprint(stage, section, own, versions or {})


def test_a_users_function_and_what_it_imports_count(own: Path) -> None:
    before = clean_fingerprint(own)
    assert clean_fingerprint(own) == before
    (own / "apart" / "other.py").write_text("x = 2\n", encoding="utf-8")
    assert clean_fingerprint(own) == before
    with (own / "apart" / "steps.py").open("a", encoding="utf-8") as file:
        file.write("# a comment\n")
    assert clean_fingerprint(own) == before
    (own / "apart" / "arithmetic.py").write_text("def add(table):\n    return 2\n", "utf-8")
    assert clean_fingerprint(own) != before


def test_the_locked_version_of_what_the_code_imports_counts(own: Path) -> None:
    before = clean_fingerprint(own, {"narwhals": "2.0", "scikit-learn": "1.0"})
    assert clean_fingerprint(own, {"narwhals": "2.0", "scikit-learn": "2.0"}) == before
    assert clean_fingerprint(own, {"narwhals": "2.1", "scikit-learn": "1.0"}) != before
