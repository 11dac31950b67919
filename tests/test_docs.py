"""The pages hold together: links lead somewhere, every block runs, every name has an entry."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

import newton_optim
import newton_optim.testing
from newton_optim.testing import strategies

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
RUN_BY_THE_TESTS = [page for page in PAGES if page.parent != ROOT or page.stem == "README"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_to_a_file(page: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose)
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert not missing


@pytest.mark.parametrize("page", RUN_BY_THE_TESTS, ids=lambda page: page.name)
def test_no_block_is_hidden_from_the_tests(page: Path) -> None:
    """A block of Python has exactly the tag that is run, and the page skips none."""
    text = page.read_text(encoding="utf-8")
    tags = re.findall(r"^ *```+ *(\{?\S+.*)$", text, flags=re.MULTILINE)
    allowed = {"python", "bash", "diff", "text", "bibtex", "{toctree}"}
    assert {tag for tag in tags if not tag.startswith("{include}")} <= allowed
    assert "skip:" not in text


@pytest.mark.parametrize(
    "module",
    [
        newton_optim,
        newton_optim.paths,
        newton_optim.smoothing,
        newton_optim.sorting,
        newton_optim.testing,
        strategies,
    ],
)
def test_every_public_name_has_an_entry(module: ModuleType) -> None:
    """The Sphinx extension checks the same of the built pages; this one needs no Sphinx."""
    reference = (ROOT / "docs/api.rst").read_text(encoding="utf-8")
    entries = set(
        re.findall(r"^\.\. auto(?:class|function):: (\w+)(?:\(\))?$", reference, re.MULTILINE)
    )
    names = {name for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)}
    assert names <= entries
