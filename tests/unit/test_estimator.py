from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from fivefold.errors import ModelError
from fivefold.estimator import Float32Cast, read_estimator, write_estimator

FIT_AND_WRITE = """
import sys
from pathlib import Path
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
import pandas as pd
from fivefold.estimator import Float32Cast, write_estimator
# Shift every address, as another process's history would.
ballast = [object() for _ in range(int(sys.argv[2]))]
rng = np.random.default_rng(0)
frame = pd.DataFrame({"a": rng.normal(size=200), "b": pd.Series(list("xyzx") * 50, dtype=object)})
y = (frame["a"] + rng.normal(size=200)).to_numpy() > 0
columns = ColumnTransformer(
    [("n", Float32Cast(), ["a"]), ("c", OneHotEncoder(sparse_output=False), ["b"])]
)
model = {"forest": RandomForestClassifier(5, random_state=0, n_jobs=2),
         "boosting": HistGradientBoostingClassifier(max_iter=5, random_state=0)}[sys.argv[3]]
write_estimator(Pipeline([("columns", columns), ("model", model)]).fit(frame, y), Path(sys.argv[1]))
"""


class Odd(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, X: Any, y: Any) -> Odd:  # noqa: ARG002, N803
        self.classes_ = np.unique(y)
        self.words_ = {"alpha", "beta", "gamma", "delta"}
        return self


@pytest.fixture
def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    return x, x[:, 0] + rng.normal(size=200) > 0


@pytest.mark.parametrize("model", ["forest", "boosting"])
def test_two_processes_write_equal_bytes(model: str, tmp_path: Path) -> None:
    hashes = set()
    for run, ballast in enumerate(["0", "100003"]):
        path = tmp_path / f"{run}.skops"
        command = [sys.executable, "-c", FIT_AND_WRITE, str(path), ballast, model]
        # The hash seed of strings differs between the two, as it does by default.
        subprocess.run(command, check=True, env={"PYTHONHASHSEED": str(run + 1), "PATH": ""})
        hashes.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "model", [RandomForestClassifier(3, random_state=0), HistGradientBoostingClassifier(max_iter=3)]
)
def test_a_model_read_predicts_the_same_and_is_written_the_same(
    model: Any, data: tuple[Any, Any], tmp_path: Path
) -> None:
    x, y = data
    fitted = make_pipeline(Float32Cast(), StandardScaler(), model).fit(x, y)
    write_estimator(fitted, tmp_path / "a.skops")
    read = read_estimator(tmp_path / "a.skops")
    np.testing.assert_array_equal(read.predict_proba(x), fitted.predict_proba(x))
    write_estimator(read, tmp_path / "b.skops")
    assert (tmp_path / "a.skops").read_bytes() == (tmp_path / "b.skops").read_bytes()


def test_different_models_give_different_bytes(data: tuple[Any, Any], tmp_path: Path) -> None:
    x, y = data
    for seed in (0, 1):
        model = RandomForestClassifier(3, random_state=seed).fit(x, y)
        write_estimator(model, tmp_path / f"{seed}.skops")
    assert (tmp_path / "0.skops").read_bytes() != (tmp_path / "1.skops").read_bytes()


def test_the_file_holds_no_clock_and_no_address(data: tuple[Any, Any], tmp_path: Path) -> None:
    write_estimator(StandardScaler().fit(data[0]), tmp_path / "a.skops")
    with zipfile.ZipFile(tmp_path / "a.skops") as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        text = archive.read("schema.json").decode()
    assert '"__id__":1,' in text or '"__id__":1}' in text
    assert str(id(None)) not in text


def test_an_untrusted_type_is_named_and_can_be_trusted(
    data: tuple[Any, Any], tmp_path: Path
) -> None:
    path, name = tmp_path / "a.skops", f"{Odd.__module__}.Odd"
    with pytest.raises(ModelError, match="not trusted") as caught:
        write_estimator(Odd().fit(*data), path)
    assert name in str(caught.value)
    assert "trusted_types" in str(caught.value)
    assert not path.exists()
    write_estimator(Odd().fit(*data), path, [name])
    with pytest.raises(ModelError, match=name):
        read_estimator(path)
    assert isinstance(read_estimator(path, [name]), Odd)


def test_what_skops_can_not_keep_is_one_message(data: tuple[Any, Any], tmp_path: Path) -> None:
    fitted = FunctionTransformer(lambda x: x).fit(data[0])
    with pytest.raises(ModelError, match=r"can't be kept|not trusted"):
        write_estimator(fitted, tmp_path / "a.skops")


def test_a_truncated_file_is_refused(data: tuple[Any, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.skops"
    write_estimator(StandardScaler().fit(data[0]), path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="not a skops archive"):
            read_estimator(path)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.skops"
    path.write_bytes(pickle.dumps(StandardScaler()))
    with pytest.raises(ModelError, match="a pickle, which is never loaded"):
        read_estimator(path)


@pytest.mark.parametrize(
    "schema", ["{}", "not json", '{"protocol": 999}', '{"protocol": 2, "__loader__": "NoNode"}']
)
def test_a_foreign_archive_is_refused(schema: str, tmp_path: Path) -> None:
    path = tmp_path / "a.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", schema)
    with pytest.raises(ModelError, match="can't be read"):
        read_estimator(path)


def test_the_cast_gives_float32_and_keeps_missing() -> None:
    cast = Float32Cast().fit(np.array([[0.1], [np.nan]]))
    given = cast.transform(np.array([[0.1], [np.nan]]))
    assert given.dtype == np.float32
    np.testing.assert_array_equal(given, np.array([[np.float32(0.1)], [np.nan]], dtype=np.float32))
