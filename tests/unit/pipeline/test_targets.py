"""Dotted names are looked up without running the code they lead to."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fivefold.errors import ConfigError
from fivefold.pipeline.targets import module_of, require_targets


@pytest.mark.parametrize(
    "dotted",
    [
        "sklearn.linear_model.LogisticRegression",
        "fivefold.data.cleaning.drop_missing",
        "sklearn.tree._tree.Tree",  # compiled: only running it would tell
        "os.path.join",
    ],
)
def test_what_exists_is_let_through(dotted: str) -> None:
    require_targets({"_target_": dotted}, "stage")


@pytest.mark.parametrize(
    ("dotted", "words"),
    [
        ("sklearn.linear_model.LogisticRegresion", "did you mean 'LogisticRegression'?"),
        ("fivefold.data.cleaning.drop_mising", "did you mean 'drop_missing'?"),
        ("no_such_package.step", "no module has this name"),
        ("sklearn.linear_model", "leads to no function"),
    ],
)
def test_what_does_not_is_refused_with_its_place(dotted: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        require_targets({"steps": [{"_target_": dotted}]}, "clean")
    assert caught.value.where == "clean.steps.0._target_"
    assert words in str(caught.value)


def test_nothing_is_imported() -> None:
    code = (
        "import sys\n"
        "from fivefold.pipeline.targets import require_targets\n"
        "require_targets({'_target_': 'sklearn.linear_model.LogisticRegression'}, 'train')\n"
        "print('sklearn' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert module_of("sklearn.linear_model.Ridge") == "sklearn.linear_model"
