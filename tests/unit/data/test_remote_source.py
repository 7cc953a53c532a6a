"""Files in other storage, in other DVC repositories, and the pins that hold them."""

from __future__ import annotations

import getpass
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from typer.testing import CliRunner

from fivefold.cli import app
from fivefold.data.sources import objects, retries
from fivefold.data.sources.dvc_artifact import dvc_artifact
from fivefold.data.sources.questionnaire import survey_export
from fivefold.data.sources.remote import remote_file
from fivefold.errors import FivefoldError, SourceError
from tests.servers import sshd

# DVC's index of outputs asks pygtrie in a way that it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")

CSV = b"a,b\n" + b"".join(b"%d,row %d\n" % (n, n) for n in range(200_000))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "data/source").mkdir(parents=True)
    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.01)
    return root


def test_a_server_by_ssh(tmp_path: Path) -> None:
    (tmp_path / "things.csv").write_bytes(CSV)
    with sshd(tmp_path) as (port, key):
        url = f"sftp://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/things.csv"
        storage = {"client_keys": [str(key)]}
        given = remote_file(url, storage=storage)
        assert given.sha256 == hashlib.sha256(CSV).hexdigest()
        assert getpass.getuser() not in given.file.partition("127.0.0.1")[0]
        assert given.details["size"] == str(len(CSV))
        assert remote_file(url, storage=storage).sha256 == given.sha256
        with pytest.raises(SourceError, match=r"did you mean 'things.csv'\?"):
            remote_file(url.replace("things", "thing"), storage=storage)
        known = Path.home() / ".ssh" / "known_hosts"
        right = known.read_text()
        known.write_text("")
        with pytest.raises(SourceError, match="known_hosts"):
            remote_file(url, storage=storage)
        known.write_text(right)
    with pytest.raises(SourceError, match="after 1 attempts"):
        remote_file(url, storage=storage, attempts=1, timeout=2)


class Flaky:
    """A file of memory:// that fails after its first MiB, or that grows then; the first time."""

    starts: list[int] = []  # noqa: RUF012 - each test sets its own
    grows = False

    def __init__(self, file: Any) -> None:
        self.file = file
        self.first = not self.starts
        self.start: int | None = None

    def __enter__(self) -> Flaky:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def seek(self, at: int) -> None:
        self.file.seek(at)

    def read(self, size: int) -> Any:
        if self.start is None:
            self.start = self.file.tell()
            self.starts.append(self.start)
        elif self.first and self.grows:
            self.first = False
            at = self.file.tell()
            self.file.seek(0, 2)
            self.file.write(b"7,more\n")
            self.file.seek(at)
        elif self.first:
            raise TimeoutError
        return self.file.read(size)


@pytest.fixture
def flaky(memory: Any, monkeypatch: pytest.MonkeyPatch) -> type[Flaky]:
    opened = memory.open
    monkeypatch.setattr(Flaky, "starts", [])
    monkeypatch.setattr(memory, "open", lambda path, mode: Flaky(opened(path, mode)))
    monkeypatch.setattr(objects.ObjectFile, "_opened", lambda _: (memory, "/things.csv"))
    return Flaky


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.pipe("/things.csv", CSV)
    yield system
    system.rm("/things.csv")


def test_a_store_that_fails_is_taken_up(flaky: type[Flaky]) -> None:
    assert remote_file("memory://things.csv").sha256 == hashlib.sha256(CSV).hexdigest()
    assert flaky.starts == [0, 1 << 20]


def test_a_file_that_grows_while_it_is_fetched_is_begun_anew(
    flaky: type[Flaky], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flaky, "grows", True)
    given = remote_file("memory://things.csv")
    assert given.sha256 == hashlib.sha256(CSV + b"7,more\n").hexdigest()
    assert flaky.starts == [0, 0]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://bucket/things.csv", [r"pip install 'fivefold\[s3\]'"]),
        ("gs://bucket/things.csv", [r"pip install 'fivefold\[gcs\]'"]),
        ("az://box/things.csv", [r"pip install 'fivefold\[azure\]'"]),
        ("sfpt://host/things.csv", ["did you mean 'sftp'"]),
        ("https://host/things.csv", ["http_file"]),
        ("file:///", ["folder"]),
    ],
)
def test_what_can_not_be_fetched(url: str, words: list[str]) -> None:
    for word in words:
        with pytest.raises(FivefoldError, match=word):
            remote_file(url)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DVC repository with two commits of a table, and a name for it."""
    from dvc.repo import Repo

    root = tmp_path_factory.mktemp("registry")
    git(root, "init", "--quiet")
    with Repo.init(str(root)):
        stored = tmp_path_factory.mktemp("stored")
        config = f"[core]\n    remote = stored\n['remote \"stored\"']\n    url = {stored}\n"
        (root / ".dvc/config").write_text(config)
        for rows, tag in ((b"a\n1\n", "v1"), (b"a\n1\n2\n", "v2")):
            (root / "dvc.yaml").write_text("artifacts:\n  orders:\n    path: table.csv\n")
            change(root, rows, tag)
            for name in (tag, f"orders@{tag}.0.0"):
                git(root, "tag", "-a", name, "-m", name)
    return root


@pytest.fixture
def registry(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "registry"))


def change(root: Path, rows: bytes, message: str) -> None:
    from dvc.repo import Repo

    (root / "table.csv").write_bytes(rows)
    with Repo(str(root)) as repo:
        repo.add(str(root / "table.csv"))
        repo.push()
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", message)


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True)


def test_a_file_of_another_repository_at_a_revision(registry: Path) -> None:
    repo = str(registry)
    newest, older = dvc_artifact(repo, "table.csv"), dvc_artifact(repo, "table.csv", rev="v1")
    assert (newest.rows.count, older.rows.count) == (2, 1)
    commit = subprocess.check_output(["git", "rev-parse", "v1^{commit}"], cwd=registry, text=True)
    assert older.details["revision"] == commit.strip()
    assert older.details["md5"] == hashlib.md5(b"a\n1\n", usedforsecurity=False).hexdigest()
    cloned = dvc_artifact(registry.as_uri(), "table.csv")
    assert cloned.details == newest.details
    named = dvc_artifact(repo, artifact="orders", rev="v1.0.0", format="csv")
    assert named.sha256 == older.sha256
    for options, word in (
        ({"path": "tabel.csv"}, "did you mean 'table.csv'"),
        ({"path": "table.csv", "rev": "v9"}, "v9"),
        ({"artifact": "oders", "format": "csv"}, "oders"),
        ({"artifact": "orders"}, "format"),
    ):
        with pytest.raises(FivefoldError, match=word):
            dvc_artifact(repo, **options)  # type: ignore[arg-type]


CONFIG = """
defaults: [_self_]
collect:
  sources:
    things: {{read: {{_target_: fivefold.data.sources.remote.remote_file, url: "file://{file}"}}}}
    orders: {{read: {{_target_: fivefold.data.sources.dvc_artifact.dvc_artifact, repo: "{repo}",
      path: table.csv}}}}
"""


def command(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["sources", *words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_sources_are_pinned_and_followed(project: Path, registry: Path, tmp_path: Path) -> None:
    file = tmp_path / "things.csv"
    file.write_bytes(b"a\n1\n")
    (project / "dvc.yaml").write_text("stages: {}\n")
    (project / "conf").mkdir()
    (project / "conf/config.yaml").write_text(CONFIG.format(file=file, repo=registry))
    assert "things: not pinned" in command("status")[1]
    code, said = command("update")
    assert code == 0
    assert "data/source/pins.json changed: dvc repro, and commit both" in said
    pins = json.loads(Path("data/source/pins.json").read_text())
    assert list(pins) == ["orders", "things"]
    assert pins["things"]["sha256"] == hashlib.sha256(b"a\n1\n").hexdigest()
    assert "changed:" not in command("update")[1]

    file.write_bytes(b"a\n1\n2\n")
    change(registry, b"a\n9\n", "v3")
    before = Path("data/source/pins.json").read_bytes()
    said = command("status")[1]
    assert "things: changed" in said
    assert "orders: changed" in said
    assert Path("data/source/pins.json").read_bytes() == before
    # What is pinned is still read: from the cache, or from the repository's own history.
    assert remote_file(f"file://{file}").rows.count == 1
    shutil.rmtree(tmp_path / "cache")
    assert dvc_artifact(str(registry), "table.csv").rows.count == 2
    with pytest.raises(SourceError, match="fivefold sources update things"):
        remote_file(f"file://{file}")

    assert "things: changed" in command("update", "things")[1]
    assert remote_file(f"file://{file}").rows.count == 2
    with pytest.raises(FivefoldError, match=r"did you mean 'things'\?"):
        command("update", "thing")
    file.unlink()
    code, said = command("update")
    assert code == 1
    assert "there is no such file" in said
    assert "orders: changed" in said
    assert set(json.loads(Path("data/source/pins.json").read_text())) == {"orders", "things"}


QUALTRICS = (
    "ResponseId,Q1,Q2_1\n"
    'Response ID,"How old\nare you?",How content are you? - Work\n'
    '"{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2_1""}"\n'
    "R_1,41,3\nR_2,38,\n"
)
LIMESURVEY = (
    "\ufeff\"id\";\"G1Q1. How old are you?\";\"G1Q2[SQ001]. Content? [Work]\"\n"
    '"1";"41";"A1"\n"2";"38";"N/A"\n'
)  # fmt: skip


def test_surveys(project: Path) -> None:
    Path("data/source/answers.csv").write_text(QUALTRICS, encoding="utf-8")
    given = survey_export("data/source/answers.csv", "qualtrics")
    assert given.rows.to_table().to_pydict() == {
        "ResponseId": ["R_1", "R_2"], "Q1": [41, 38], "Q2_1": [3, None],
    }  # fmt: skip
    assert given.details["labels"]["Q1"] == "How old are you?"
    assert given.details["import_ids"]["Q2_1"] == "QID2_1"
    assert given.sha256 == hashlib.sha256(QUALTRICS.encode()).hexdigest()
    Path("data/source/answers.csv").write_text(LIMESURVEY, encoding="utf-8")
    given = survey_export("data/source/answers.csv", "limesurvey")
    assert given.rows.to_table().to_pydict() == {
        "id": [1, 2], "G1Q1": [41, 38], "G1Q2_SQ001": ["A1", None],
    }  # fmt: skip
    assert given.details["labels"] == {"G1Q1": "How old are you?", "G1Q2_SQ001": "Content? [Work]"}
    with pytest.raises(SourceError, match="third row does not hold the import ids"):
        survey_export("data/source/answers.csv", "qualtrics")
    Path("data/source/answers.csv").write_text(QUALTRICS + "R_3\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"answers.csv:7"):
        survey_export("data/source/answers.csv", "qualtrics")
