from __future__ import annotations

import pytest

from fivefold.errors import PipelineError
from fivefold.pipeline.check import Pipeline
from fivefold.pipeline.project import load_yaml
from fivefold.pipeline.sealed import check_sealed

OWN = "stages:\n  evaluate:\n    deps: [data/test.parquet]\n  own:\n    cmd: python own.py\n"


def check(own: str, *, sealed: bool = True) -> None:
    text = OWN + own
    check_sealed(Pipeline(load_yaml(text, "dvc.yaml")["stages"], text), {"sealed": sealed})


@pytest.mark.parametrize(
    ("own", "line"),
    [
        ("    deps:\n      - data/train.parquet\n      - data/test.parquet\n", 8),
        ("    deps:\n      - ./data/\n", 7),
        ("    deps:\n      - data/test.parquet:\n          hash: md5\n", 7),
        ("    wdir: notebooks\n    deps:\n      - ../data/test.parquet\n", 8),
        ("    foreach: [train, test]\n    do:\n      deps:\n        - data/${item}.parquet\n", 9),
        ("    matrix: {part: [test]}\n    deps:\n      - data/${item.part}.parquet\n", 8),
    ],
)
def test_a_stage_that_reads_the_sealed_test_part_is_named(own: str, line: int) -> None:
    with pytest.raises(PipelineError, match="sealed") as caught:
        check(own)
    assert str(caught.value.where).startswith(f"dvc.yaml:{line} (stages.own.")
    check(own, sealed=False)


@pytest.mark.parametrize(
    "own",
    [
        "    deps: [data/train.parquet, data/test.parquet.md, src]\n",
        "    wdir: notebooks\n    deps: [data/test.parquet]\n",
        "    foreach: [train, production]\n    do:\n      deps: ['data/${item}.parquet']\n",
        "    deps: ['reports/${item}.json']\n",
    ],
)
def test_what_is_not_the_test_part_may_be_read(own: str) -> None:
    check(own)
