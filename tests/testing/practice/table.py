"""A table of the lines of ``measure``: ``python -m tests.testing.practice.table < lines.jsonl``."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

HEAD = (
    "pair",
    "right flagged",
    "named by",
    "broken caught",
    "other causes",
    "slowest right, s",
    "slowest broken, s",
)


def main() -> None:
    runs = [json.loads(line) for line in sys.stdin]
    sys.stdout.write("\n".join(table(runs)) + "\n")


def table(runs: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Markdown: one row for each pair, in the order of the lines."""
    by_pair: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        by_pair.setdefault(run["pair"], []).append(run)
    yield _row(HEAD)
    yield _row("---" for _ in HEAD)
    for pair, found in by_pair.items():
        yield _row(row(pair, found))


def row(pair: str, runs: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The cells of one pair; the seconds are those of the processor."""
    right, broken = ([r for r in runs if r["side"] == side] for side in ("right", "broken"))
    name = runs[0]["caught_by"]
    flagged = sum(bool(r["failed"]) for r in right)
    caught = sum(name in r["failed"] for r in broken)
    others = Counter(cause for r in broken for cause in r["failed"] if cause != name)
    return (
        pair,
        f"{flagged} of {len(right)}",
        f"`{name}`",
        f"{caught} of {len(broken)}",
        ", ".join(f"`{cause}` {count}" for cause, count in others.items()) or "–",
        *(f"{max((r['cpu_seconds'] for r in side), default=0.0):.1f}" for side in (right, broken)),
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
