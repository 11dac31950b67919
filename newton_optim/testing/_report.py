"""What ``check_loss`` found, as a table."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass
from typing import Literal

_WIDTH = 100

Status = Literal["passed", "failed", "follows", "not applicable"]


@dataclass(frozen=True)
class PropertyResult:
    """The result of one property.

    Args:
        name: of the property; ``assert_<name>`` is the function.
        status: "passed", "failed", "follows" if it fails because another property does, or "not
            applicable".
        detail: the numbers at the smallest example that fails, the reason why the property does not
            apply, or a remark.
        where: at which outputs it failed; empty for those that were given.
        follows: the property whose failure makes this one fail; empty unless the status is
            "follows".
    """

    name: str
    status: Status
    detail: str
    where: str = ""
    follows: str = ""


@dataclass(frozen=True)
class LossReport:
    """The results of :func:`check_loss`; ``print(report)`` shows a table.

    Args:
        loss: the name of the loss.
        results: one per property, in the order in which they were checked.
    """

    loss: str
    results: tuple[PropertyResult, ...]

    @property
    def ok(self) -> bool:
        """Whether no property failed."""
        return not self.failed

    @property
    def failed(self) -> list[str]:
        """The names of the properties that failed, without those that follow from one of them."""
        return [result.name for result in self.results if result.status == "failed"]

    def __getitem__(self, name: str) -> PropertyResult:
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(name)

    def __str__(self) -> str:
        count = Counter(result.status for result in self.results)
        follow = f"{count['follows']} from the same cause, " if count["follows"] else ""
        head = (
            f"{self.loss}: {count['passed']} passed, {count['failed']} failed, {follow}"
            f"{count['not applicable']} not applicable"
        )
        names = max(len(result.name) for result in self.results)
        lines = [head, "-" * len(head)]
        for result in self.results:
            lines += _rows(result, names)
        return "\n".join(lines)


def _rows(result: PropertyResult, names: int) -> list[str]:
    """One line, and as many as a long detail needs below it."""
    start = f"{result.name:<{names}}  {result.status:<14}  "
    detail = f"from {result.follows}: {result.detail}" if result.follows else result.detail
    text = textwrap.wrap(detail, _WIDTH - len(start)) or [""]
    return [(start + text[0]).rstrip(), *(" " * len(start) + line for line in text[1:])]
