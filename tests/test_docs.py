"""The pages are consistent: links resolve, every block runs, every public name has an entry."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
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
    """Every block of Python has the tag that makes it run, and no page skips a block."""
    text = page.read_text(encoding="utf-8")
    tags = re.findall(r"^ *```+ *(\{?\S+.*)$", text, flags=re.MULTILINE)
    allowed = {"python", "bash", "diff", "text", "bibtex", "{toctree}"}
    assert {tag for tag in tags if not tag.startswith("{include}")} <= allowed
    assert "skip:" not in text


def public_modules(module: ModuleType) -> Iterator[ModuleType]:
    """``module`` and the modules in its ``__all__``, at any depth."""
    yield module
    for name in module.__all__:
        if isinstance(member := getattr(module, name), ModuleType):
            yield from public_modules(member)


@pytest.mark.parametrize(
    "module",
    [*public_modules(newton_optim), newton_optim.testing, strategies],
    ids=lambda module: module.__name__,
)
def test_every_public_name_has_an_entry(module: ModuleType) -> None:
    """The Sphinx extension checks the built pages in the same way; this test needs no Sphinx."""
    reference = (ROOT / "docs/api.rst").read_text(encoding="utf-8")
    entries = set(
        re.findall(r"^\.\. auto(?:class|function):: (\w+)(?:\(\))?$", reference, re.MULTILINE)
    )
    names = {name for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)}
    assert names <= entries


def test_an_object_needs_an_entry_under_one_of_its_names() -> None:
    pytest.importorskip("sphinx")
    undocumented = runpy.run_path(str(ROOT / "docs/ext/public_names.py"))["undocumented"]
    shared, alone = object(), object()
    objects = [("package.a", shared), ("package.module.a", shared), ("package.module.b", alone)]
    assert undocumented(objects, {"package.a"}) == ["package.module.b"]
    assert undocumented(objects, {"package.module.b"}) == ["package.a", "package.module.a"]
