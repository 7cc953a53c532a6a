"""What a user sees of the schema when the data changes."""

from __future__ import annotations

from .conftest import Project


def test_the_diff_shows_what_the_data_does_now(own: Project) -> None:
    same = own.fivefold("schema", "diff", "HEAD", "--exit-code").stdout
    assert "data/cleaned.parquet, against conf/schema.yaml: nothing differs" in same
    assert "data/cleaned.parquet, against HEAD: nothing differs" in same
    file = next((own.root / "data" / "source").glob("*.csv"))
    head, first, *rest = file.read_text(encoding="utf-8").splitlines()
    changed = [f"{head},note", f"{first},x".replace("C0", "K-0")]
    file.write_text("\n".join([*changed, *(f"{line},x" for line in rest)]) + "\n", encoding="utf-8")
    (own.root / "data" / "cleaned.parquet").unlink()
    found = own.fivefold("schema", "diff", "HEAD", "--exit-code", check=False)
    assert found.returncode == 1
    assert "the sources, cleaned, against HEAD" in found.stdout
    declared, before = found.stdout.split("against HEAD")
    for shown in (declared, before):
        assert "new, string" in shown
    assert "customer" in declared
    assert "no commit, branch or tag" in own.refused("fivefold", "schema", "diff", "nowhere")
