"""Locks between processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.runs.locks import LOCKS, hold

HOLDER = """
import sys
from pathlib import Path
from benchmarks.runs.locks import hold
with hold(Path(sys.argv[1]), "cell", wait=False) as held:
    print(held, flush=True)
    sys.stdin.readline()
"""


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(folder)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )


def test_a_lock_is_held_by_one_process(tmp_path: Path) -> None:
    with start(tmp_path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with hold(tmp_path, "cell", wait=False) as held:
            assert not held
        with hold(tmp_path, "another", wait=False) as held:
            assert held
        other.kill()  # However a process ends, its locks end with it.
        with hold(tmp_path, "cell", wait=True) as held:
            assert held
    assert {path.name for path in (tmp_path / LOCKS).iterdir()} >= {"cell.lock"}


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    for _ in range(2):
        with hold(tmp_path, "cell", wait=False) as held:
            assert held
    with start(tmp_path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        other.communicate("\n")
