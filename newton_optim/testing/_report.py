"""What ``check_loss`` found, as a table."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Literal

_WIDTH = 100

Status = Literal["passed", "failed", "not applicable"]


@dataclass(frozen=True)
class PropertyResult:
    """The result of one property.

    Args:
        name: of the property; ``assert_<name>`` is the function.
        status: "passed", "failed" or "not applicable".
        detail: the numbers at the smallest example that fails, the reason why the property does not
            apply, or a remark.
        where: at which outputs it failed; empty for those that were given.
        follows: the property whose failure makes this one fail, if it is not a cause of its own.
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
        """The names of the properties that failed."""
        return [result.name for result in self.results if result.status == "failed"]

    @property
    def causes(self) -> list[str]:
        """The names of the properties that failed and follow from no other failure."""
        return [name for name in self.failed if not self[name].follows]

    def __getitem__(self, name: str) -> PropertyResult:
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(name)

    def __str__(self) -> str:
        count = {s: sum(r.status == s for r in self.results) for s in ("passed", "failed")}
        head = (
            f"{self.loss}: {count['passed']} passed, {count['failed']} failed, "
            f"{len(self.results) - sum(count.values())} not applicable"
        )
        names = max(len(result.name) for result in self.results)
        lines = [head, "-" * len(head)]
        for result in self.results:
            lines += _rows(result, names)
        return "\n".join(lines)


def _rows(result: PropertyResult, names: int) -> list[str]:
    """One line, and as many as a long detail needs below it."""
    start = f"{result.name:<{names}}  {result.status:<14}  "
    detail = f"follows from {result.follows}: {result.detail}" if result.follows else result.detail
    text = textwrap.wrap(detail, _WIDTH - len(start)) or [""]
    return [(start + text[0]).rstrip(), *(" " * len(start) + line for line in text[1:])]
