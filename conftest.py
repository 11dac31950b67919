"""Runs every Python block of the README and of the docs as a test.

The blocks of one page share a namespace and run in order, on the CPU, from seed 0.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
import torch
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

# Pages on trainers, which warn of what is theirs.
TRAINERS: Final = {"accelerate", "lightning", "transformers"}


def _start_page(namespace: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "docs/*.md", "docs/integrations/*.md"],
    setup=_start_page,
).pytest()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On all other pages, a warning is an error."""
    for item in items:
        if item.path.suffix == ".md" and item.path.stem in TRAINERS:
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the blocks of a page on one worker; all other tests spread one by one."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class PageScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if file.endswith(".md") else nodeid

    return PageScheduling(config, log)
