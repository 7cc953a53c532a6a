"""The same proposals through ``.gitlab-ci.yml``."""

from __future__ import annotations

from pathlib import Path

from tests.forge import gitlab_server
from tests.forge.gitlab_server import GitLabServer
from tests.forge.server import TOKEN
from tests.forge_rehearsal.conftest import Hosted
from tests.forge_rehearsal.runner import GitLabJob, git

NUMBER = 7
SERVER = "gitlab.example"


def variables(hosted: Hosted, revision: str, api: str = "http://127.0.0.1:9") -> dict[str, str]:
    """Give what GitLab sets; the address it clones from leads to the bare repository."""
    address = f"https://oauth2:{TOKEN}@{SERVER}/{gitlab_server.PATH}.git"
    return {
        "GITLAB_CI": "true",
        "CI": "true",
        "CI_API_V4_URL": api,
        "CI_SERVER_URL": f"https://{SERVER}",
        "CI_SERVER_HOST": SERVER,
        "CI_PROJECT_ID": gitlab_server.PROJECT,
        "CI_PROJECT_PATH": gitlab_server.PATH,
        "CI_DEFAULT_BRANCH": "main",
        "CI_COMMIT_SHA": git(hosted.author, "rev-parse", revision),
        "CI_PIPELINE_URL": f"https://{SERVER}/{gitlab_server.PATH}/-/pipelines/5",
        "FIVEFOLD_GITLAB_TOKEN": TOKEN,
        "GITLAB_USER_NAME": "Ada Lovelace",
        "GITLAB_USER_EMAIL": "ada@example.org",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{hosted.forge.remote}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
    }


def test_a_worse_model_is_red_and_its_report_becomes_a_note(
    hosted_on_gitlab: Hosted, gitlab: GitLabServer, tmp_path: Path
) -> None:
    hosted = hosted_on_gitlab
    head = hosted.propose("worse", NUMBER)
    given = {
        **variables(hosted, "worse", gitlab.api),
        "CI_MERGE_REQUEST_IID": str(NUMBER),
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "worse",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": head,
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": gitlab_server.PROJECT,
    }
    ran = GitLabJob(hosted.forge, hosted.author, given, tmp_path / "review").run("review")
    assert ran.failed == ["script"], ran.log
    assert "run again," in ran.step("script").output
    assert "**failed**" not in ran.step("script").output
    gitlab.add_request(NUMBER, sha=head, branch="worse")
    noted = GitLabJob(hosted.forge, hosted.author, given, tmp_path / "note").run("note")
    assert noted.failed == [], noted.log
    assert TOKEN not in noted.log
    (note,) = gitlab.notes
    assert "root_mean_squared_error" in note["body"]


def test_main_is_released_and_drawn(hosted_on_gitlab: Hosted, tmp_path: Path) -> None:
    hosted = hosted_on_gitlab
    given = variables(hosted, "main")
    ran = GitLabJob(hosted.forge, hosted.author, given, tmp_path / "release").run("release")
    assert ran.failed == [], ran.log
    assert "refs/tags/progression@v1.0.0" in git(hosted.forge.remote, "for-each-ref")
    drawn = GitLabJob(hosted.forge, hosted.author, given, tmp_path / "pages").run("pages")
    assert drawn.failed == [], drawn.log
    assert (hosted.forge.artifacts / "pages" / "public" / "index.html").is_file()
