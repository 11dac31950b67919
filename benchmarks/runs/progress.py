"""How far a command is: a bar on a terminal, a line per minute elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

SECONDS: Final = 60.0


class Progress(Protocol):
    """What the work tells its watcher."""

    def describe(self, text: str) -> None:
        """What is trained now."""
        ...

    def advance(self, steps: int) -> None:
        """Steps that were done."""
        ...


class LineProgress:
    """A line on stderr, at most one per minute.

    Args:
        total: the steps of all the work.
        clock: in seconds.
        write: takes each line.
    """

    def __init__(
        self,
        total: int,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
    ) -> None:
        self.total, self.done = total, 0
        self._clock, self._write = clock, write
        self._start = self._written = clock()
        self._text = ""

    def describe(self, text: str) -> None:
        """What is trained now."""
        self._text = text

    def advance(self, steps: int) -> None:
        """Steps that were done; says so when a minute has passed since the last line."""
        self.done += steps
        now = self._clock()
        if now - self._written < SECONDS or self.done == 0:
            return
        self._written = now
        elapsed = now - self._start
        left = elapsed * (self.total - self.done) / self.done
        self._write(
            f"{self._text}: {self.done:,}/{self.total:,} steps, {elapsed / 60:,.0f} min, "
            f"about {left / 60:,.0f} min left"
        )


class _BarProgress:
    def __init__(self, bar: RichProgress, total: int) -> None:
        self._bar, self._task = bar, bar.add_task("", total=total)

    def describe(self, text: str) -> None:
        """What is trained now."""
        self._bar.update(self._task, description=text)

    def advance(self, steps: int) -> None:
        """Steps that were done."""
        self._bar.advance(self._task, steps)


@contextmanager
def show_progress(total: int) -> Iterator[Progress]:
    """The progress of so many steps on stderr."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield LineProgress(total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=console, transient=True) as bar:
        yield _BarProgress(bar, total)
