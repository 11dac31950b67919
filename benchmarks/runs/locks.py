"""Locks, so that no two processes train the same runs.

A lock is held by a process and ends with it, however it ends. The lock files stay where they are:
removing one while another process opens it would let both hold a lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

LOCKS: Final = ".locks"


@contextmanager
def hold(folder: Path, name: str, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of this name within the block.

    Args:
        folder: of the results; the lock files are in a folder below it.
        name: of what is trained.
        wait: for another process to give the lock back.

    Yields:
        Whether the lock is held: always with ``wait``, otherwise unless another process has it.
    """
    (folder / LOCKS).mkdir(exist_ok=True)
    lock = FileLock(folder / LOCKS / f"{name}.lock")
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
