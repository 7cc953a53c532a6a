"""The plots that any DVC repository declares, of both revisions, and the page that shows them."""

from __future__ import annotations

import base64

import pytest

from fivefold.history.diff.compare import compare
from fivefold.history.diff.overlays import Overlay
from fivefold.history.diff.page import diff_page, render_page
from fivefold.history.diff.plots import Images, read_plots
from fivefold.history.dvc.plots import rows_of
from fivefold.history.dvc.values import MalformedError

from .conftest import Project

DRAW = """
    import csv, json, pathlib, struct, sys, zlib, yaml
    k = yaml.safe_load(open("params.yaml"))["k"]
    out = pathlib.Path("out")
    out.mkdir(exist_ok=True)
    (out / "folder").mkdir(exist_ok=True)
    steps = range(5)
    with open("out/logs.tsv", "w") as file:
        file.write("step\\tloss\\tacc\\n")
        file.writelines(f"{s}\\t{k / (s + 1)}\\t{s / k}\\n" for s in steps)
    with open("out/last.csv", "w") as file:
        file.write("time,score\\n" + "".join(f"t{s},{s * k}\\n" for s in steps))
    json.dump({"roc": [{"fpr": s / 4, "tpr": min(1, s * k / 8)} for s in steps]},
              open("out/roc.json", "w"))
    json.dump([{"feature": name, "gain": k * n} for n, name in enumerate("ab", 1)],
              open("out/gain.json", "w"))
    json.dump({"score": k}, open("metrics.json", "w"))
    def png(path, colour):
        def chunk(kind, data):
            return (struct.pack(">I", len(data)) + kind + data
                    + struct.pack(">I", zlib.crc32(kind + data)))
        rows = b"".join(b"\\0" + bytes(colour) * 40 for _ in range(30))
        path.write_bytes(b"\\x89PNG\\r\\n\\x1a\\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    png(out / "map.png", (40 * k, 60, 200))
    png(out / "folder/part.png", (200, 40 * k, 60))
    png(out / "same.png", (1, 2, 3))
"""

PIPELINE = """
    stages:
      draw:
        cmd: python draw.py
        deps: [draw.py]
        params: [k]
        metrics: [metrics.json]
        outs: [out/roc.json]
        plots:
          - out/logs.tsv: {x: step, y: loss, cache: false}
          - out/last.csv
          - out/gain.json: {x: gain, y: feature, template: bar_horizontal, title: Gain of <b>}
          - out/map.png
          - out/same.png
          - out/folder
    plots:
      - Both:
          x: step
          y:
            out/logs.tsv: [loss, acc]
          title: Loss and accuracy
          y_label: value
      - ROC:
          x: {out/roc.json: fpr}
          y: {out/roc.json: tpr}
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Project:
    from .conftest import start

    project = start(tmp_path_factory.mktemp("plots") / "project")
    project.write("draw.py", DRAW)
    project.write("dvc.yaml", PIPELINE)
    project.write("params.yaml", "k: 2\n")
    project.dvc("repro", "--quiet")
    project.commit("Draw")
    project.edit("params.yaml", "k: 2", "k: 4")
    project.dvc("repro", "--quiet")
    project.commit("Draw more")
    return project


Read = tuple[dict[str, Overlay], dict[str, Images], tuple[str, ...]]


def read(project: Project, base: str = "HEAD~1", head: str = "HEAD") -> Read:
    reader = project.reader()
    resolve = reader.repository.resolve
    overlays, images, notes = read_plots(reader, compare(reader, resolve(base), resolve(head)))
    return {o.title: o for o in overlays}, {i.path: i for i in images}, notes


def test_every_declared_plot_that_changed_is_read(drawn: Project) -> None:
    overlays, images, notes = read(drawn)
    assert set(overlays) == {
        "out/logs.tsv",
        "out/last.csv",
        "Gain of <b>",
        "Loss and accuracy",
        "ROC",
    }
    # Of a folder every picture; not the one that is the same on both sides.
    assert set(images) == {"out/map.png", "out/folder/part.png"}
    assert notes == ()


def test_x_and_y_are_as_declared(drawn: Project) -> None:
    overlays, _, _ = read(drawn)
    logs = overlays["out/logs.tsv"]
    assert (logs.x, logs.y) == ("step", "loss")
    assert [(s.side, s.x, s.y) for s in logs.series] == [
        ("base", (0, 1, 2, 3, 4), (2.0, 1.0, 2 / 3, 0.5, 0.4)),
        ("head", (0, 1, 2, 3, 4), (4.0, 2.0, 4 / 3, 1.0, 0.8)),
    ]
    both = overlays["Loss and accuracy"]
    assert [(s.side, s.name) for s in both.series] == [
        ("base", "loss"),
        ("base", "acc"),
        ("head", "loss"),
        ("head", "acc"),
    ]
    assert both.y == "value"
    # From DVC's cache, and with the fields that a mapping gives.
    assert [s.y for s in overlays["ROC"].series] == [(0, 0.25, 0.5, 0.75, 1), (0, 0.5, 1, 1, 1)]


def test_what_is_not_declared_is_as_dvc_takes_it(drawn: Project) -> None:
    """The last column over the row's number."""
    overlays, _, _ = read(drawn)
    last = overlays["out/last.csv"]
    assert (last.x, last.y) == ("step", "score")
    assert [s.y for s in last.series] == [(0, 2, 4, 6, 8), (0, 4, 8, 12, 16)]
    import json

    shown = json.loads(drawn.dvc("plots", "diff", "HEAD~1", "HEAD", "--json"))
    spec = json.dumps(shown["data"])
    assert '"score": "16"' in spec or '"score": 16' in spec


def test_bars_are_by_category(drawn: Project) -> None:
    bars = read(drawn)[0]["Gain of <b>"]
    assert bars.mark == "bar"
    assert [(s.x, s.y) for s in bars.series] == [(("a", "b"), (2, 4)), (("a", "b"), (4, 8))]
    assert bars.y == "gain"


def test_pictures_are_the_files_of_both_sides(drawn: Project) -> None:
    picture = read(drawn)[1]["out/map.png"]
    assert picture.media_type == "image/png"
    assert picture.head == (drawn.path / "out/map.png").read_bytes()
    assert picture.base is not None
    assert picture.base != picture.head


def test_the_working_tree_has_plots_too(drawn: Project) -> None:
    assert read(drawn, "HEAD", "workspace")[0] == {}
    assert set(read(drawn, "HEAD~1", "workspace")[0]) == set(read(drawn)[0])


def test_what_the_cache_lacks_is_told_and_the_rest_stands(
    drawn: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = drawn.copy(tmp_path_factory.mktemp("lost") / "project")
    copy.run("rm", "-rf", ".dvc/cache")
    overlays, images, _ = read(copy)
    # Only what Git keeps itself.
    assert set(overlays) == {"out/logs.tsv", "Loss and accuracy"}
    assert images == {}


def test_a_malformed_file_is_told(drawn: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = drawn.copy(tmp_path_factory.mktemp("broken") / "project")
    (copy.path / "out/logs.tsv").write_bytes(b"\xff\xfe")
    _, _, notes = read(copy, "HEAD", "workspace")
    assert any("out/logs.tsv is not UTF-8" in note for note in notes)
    with pytest.raises(MalformedError):
        rows_of(b"{", "a.json")
    assert rows_of(b"", "a.csv") == rows_of(b"[1, 2]", "a.json") == []
    assert rows_of(b"a,b\n1,x\nnan,\n", "a.csv") == [{"a": 1, "b": "x"}, {"a": None, "b": ""}]


def test_the_page_holds_the_plots_and_needs_nothing_else(drawn: Project) -> None:
    reader = drawn.reader()
    resolve = reader.repository.resolve
    found = compare(reader, resolve("HEAD~1"), resolve("HEAD"), metric="score:maximize")
    page = diff_page(reader, found)
    assert [s.title for s in page.sections][:3] == ["In short", "Gates", "Metrics"]
    html = render_page(reader, found)
    assert "Gain of &lt;b&gt;" in html
    whole = base64.b64encode((drawn.path / "out/map.png").read_bytes()).decode()
    assert f"data:image/png;base64,{whole}" in html
    # The same diff gives the same page.
    assert render_page(drawn.reader(), found) == html


def test_a_page_of_the_same_revision_says_so(drawn: Project) -> None:
    reader = drawn.reader()
    head = reader.repository.resolve("HEAD")
    page = diff_page(reader, compare(reader, head, head))
    assert page.lead.startswith("Nothing differs")
