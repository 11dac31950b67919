"""What each property sees, as a table from the docstrings: ``python -m tests.testing.documented``.

It prints the table; ``docs/testing.md`` contains it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from newton_optim import testing
from newton_optim.testing._property_table import PROPERTIES

SEES, DOES_NOT_SEE = "It sees ", " It does not see "


def table() -> Iterator[str]:
    """Markdown: one row for each assert function, in the order of the report."""
    yield "| property | sees | does not see |"
    yield "|---|---|---|"
    for name in dict.fromkeys(prop.name.partition(" ")[0] for prop in PROPERTIES):
        sees, does_not_see = what_it_sees(getattr(testing, f"assert_{name}"))
        yield f"| `{name}` | {sees} | {does_not_see} |"


def what_it_sees(check: Callable[..., Any]) -> tuple[str, str]:
    """Both halves of the paragraph of the docstring that says it, in Markdown."""
    paragraphs = (inspect.getdoc(check) or "").split("\n\n")
    (found,) = (" ".join(p.split()) for p in paragraphs if p.startswith(SEES))
    sees, does_not_see = found.removeprefix(SEES).split(DOES_NOT_SEE)
    return _markdown(sees), _markdown(does_not_see)


def _markdown(text: str) -> str:
    """Without the point at the end, and with the backticks of Markdown."""
    text = re.sub(r":func:`(\w+)`", r"`\1`", text)
    return text.replace("``", "`").removesuffix(".")


if __name__ == "__main__":
    print("\n".join(table()))
