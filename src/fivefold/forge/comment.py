"""The comment and the verdict as a forge gets them: its Markdown, guarded, within its limits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fivefold.forge.artifact import Artifact, Verdict
from fivefold.forge.environment import Trigger
from fivefold.forge.protocol import Conclusion
from fivefold.history.diff.markdown import write_markdown
from fivefold.history.diff.sections import ReportSection

__all__ = ["LIMITS", "comment_body", "conclusion", "fit", "guard", "marker", "one_line"]

LIMITS = (120_000, 60_000, 30_000, 15_000, 6_000)
"""Bytes of a comment to try, one after the other, where the forge refuses it for its size.

GitHub promises 65,536 characters, and took 122,000 when asked.
"""

_BREAK = "\N{ZERO WIDTH SPACE}"
_OURS = r"/?(?:details|summary|b|span)>|!-- section: [a-z]+ \d+ -->"
_GUARDS = (
    # Mentions, also within code that a forge may not take for code.
    (re.compile(rf"@(?!{_BREAK})"), f"@{_BREAK}"),
    # Of HTML and its comments only what our own writing uses; so a marker can't be forged either.
    (re.compile(rf"<(?=[A-Za-z/!?])(?!{_OURS})"), f"<{_BREAK}"),
    # Pictures and links: a report needs none.
    (re.compile(r"!(?=\[)"), f"!{_BREAK}"),
    (re.compile(r"\](?=[(:])"), f"]{_BREAK}"),
    (re.compile(r":(?=//)"), f":{_BREAK}"),
    (re.compile(r"(?<=www)(?=\.)", re.IGNORECASE), _BREAK),
    # GitLab obeys a line like "/merge", with the rights of whoever wrote it.
    (re.compile(r"^(?=[ \t]*/)", re.MULTILINE), _BREAK),
)


def marker(name: str) -> str:
    """Give the hidden line that a report's comment begins with.

    Parameters
    ----------
    name : str
        The report's; a repository may have several.
    """
    return f"<!-- fivefold report: {name} -->"


def guard(markdown: str) -> str:
    """Break what a forge would act on: mentions, HTML, pictures, links, commands.

    A second line of defence: the texts are escaped when the Markdown is written. This one looks at
    characters alone, so that it can't disagree with a forge's parser.

    Parameters
    ----------
    markdown : str
        As `fivefold.history.diff.markdown.write_markdown` gives it.
    """
    # The writer breaks references with an empty comment, of which not every forge's later filters
    # may know; a character that is there and has no width breaks them all.
    text = markdown.replace("<!-- -->", _BREAK)
    for pattern, replacement in _GUARDS:
        text = pattern.sub(replacement, text)
    return text


def fit(sections: Sequence[ReportSection], most: int) -> str:
    """Write sections as guarded Markdown of at most so many bytes; the least important go first."""
    asked = most
    while True:
        text = guard(write_markdown(sections, max_bytes=asked))
        over = len(text.encode()) - most
        if over <= 0 or asked < 100:
            return text
        asked -= over


def conclusion(verdict: Verdict, trigger: Trigger) -> Conclusion:
    """Give ``success``, ``failure`` or ``neutral``.

    A verdict comes from the proposal's own run. Where the forge says that the run failed, a
    verdict that says otherwise does not count.
    """
    if verdict.passed is False or trigger.conclusion not in (None, "success"):
        return "failure"
    return "neutral" if verdict.passed is None else "success"


def comment_body(artifact: Artifact, trigger: Trigger, *, name: str, most: int) -> str:
    """Give the comment's Markdown.

    Parameters
    ----------
    artifact : Artifact
    trigger : Trigger
    name : str
        The report's.
    most : int
        Bytes.
    """
    lines = [marker(name)]
    if trigger.conclusion not in (None, "success"):
        lines.append("> The run did not succeed: its verdict counts as failed.\n")
    run = f", [the run]({trigger.url})" if trigger.url else ""
    foot = f"\n<sub>Of commit {trigger.head_sha[:10]}{run}</sub>\n"
    head = "\n".join(lines) + "\n"
    room = most - len((head + foot).encode())
    return head + fit(artifact.sections, room) + foot


def one_line(text: str, most: int) -> str:
    """Give plain text for a title: printable, on one line, cut short."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    shown = shown.replace("@", f"@{_BREAK}")
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
