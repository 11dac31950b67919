"""The paper's own figures: ``benchmarks/paper.json``, the one place where they are written down."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

_FILE: Final = Path(__file__).parent.parent / "paper.json"


def paper_table(name: str) -> list[dict[str, Any]]:
    """The entries of a table of the paper, such as ``"table1"``, one per cell."""
    return [dict(entry) for entry in _tables()[name]]


@cache
def _tables() -> dict[str, Any]:
    tables: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return tables
