"""Text that stays text in a forge's Markdown, whatever a proposal wrote into it."""

from __future__ import annotations

import re

__all__ = ["escape"]

_SPECIAL = re.compile(r"([\\`*\[\]<|~#&!]|(?<![^\W_])_|_(?![^\W_]))")
# What forges look for after they have taken the backslashes away: mentions, issues, links, labels,
# emoji. An empty comment within breaks them, and shows nothing.
_LINKED = re.compile(r"@|\\#(?=\w)|\\!(?=\w)|\\~(?=\w)|%(?=\w)|\\&(?=\w)|:(?=//)|(?i:\bwww(?=\.))")
_ISSUE = re.compile(r"\bGH(?=-\d)", re.IGNORECASE)
_EMOJI = re.compile(r":(?=[a-z0-9_+-]+:)")
_BREAK = "<!-- -->"
# What would begin a list, a quote, a heading or a rule at the start of a line.
_OPENING = re.compile(r"^(?:([-+](?=\s|$)|-(?=-)|[=>])|(\d+)([.)])(?=\s))")


def escape(text: str) -> str:
    r"""Keep a text from being read as Markdown, HTML, a mention, a link or mathematics.

    Parameters
    ----------
    text : str
        Of one line; line breaks become spaces.

    Examples
    --------
    >>> escape("a|b *c* <img> @team #12")
    'a\\|b \\*c\\* \\<img> @<!-- -->team \\#<!-- -->12'
    """
    shown = _SPECIAL.sub(r"\\\1", " ".join(_printable(text).split()))
    shown = _OPENING.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", shown)
    shown = _LINKED.sub(lambda m: m[0] + _BREAK, shown)
    shown = _ISSUE.sub(lambda m: m[0] + _BREAK, shown)
    shown = _EMOJI.sub(f":{_BREAK}", shown)
    # As GitHub asks for a dollar sign that is none of mathematics.
    return shown.replace("$", "<span>$</span>")


def _printable(text: str) -> str:
    """Drop what can't be seen but moves what can: controls, and marks of writing direction."""
    if text.isprintable():
        return text
    return "".join(c for c in text if c.isprintable() or c.isspace())
