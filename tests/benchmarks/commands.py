"""What the tests of all commands look at."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs.locks import LOCKS


def lines_of(out: Path) -> list[dict[str, Any]]:
    """The lines of results in a folder."""
    return [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]


def visible(folder: Path) -> set[str]:
    """The names in a folder of results, without the locks."""
    return {path.name for path in folder.iterdir() if path.name != LOCKS}


def assert_refused(
    main: Callable[[Sequence[str]], int],
    arguments: Sequence[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2, nothing on stdout, and one line on stderr: the command and the message."""
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    package = main.__module__.removesuffix(".command")
    assert printed.err.startswith(f"{package}: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err


def help_of(package: str) -> str:
    """What ``python -m PACKAGE --help`` prints."""
    command = [sys.executable, "-m", package, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
