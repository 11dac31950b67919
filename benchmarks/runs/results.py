"""The results: one JSON line per finished run, in a file that is only ever appended to."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.runs.errors import InputError

Record = dict[str, Any]
RUNS: Final = "runs.jsonl"
_START: Final = '{"seed": '
_REQUIRED: Final = {"key", "seed", "config"}


class Results:
    """The lines under a folder.

    Args:
        folder: made if it is not there.

    Raises:
        InputError: the folder cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--out: {folder} cannot be made: {error.strerror}") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"--out: {folder} cannot be written to")
        if not (folder / RUNS).exists() or os.access(folder / RUNS, os.W_OK | os.R_OK):
            return
        raise InputError(f"--out: {folder / RUNS} cannot be written to")

    def append(self, records: Sequence[Record]) -> None:
        """Append one line per record: all of them or none, on the disk when this returns."""
        path = self.folder / RUNS
        text = "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
        if path.exists() and _ends_within_a_line(path):
            text = "\n" + text
        content = text.encode()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            if os.write(descriptor, content) != len(content):
                raise OSError(f"{path}: the disk took only part of the lines")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> list[Record]:
        """The records of the file, the first of each (configuration, seed)."""
        return read_records(self.folder / RUNS)

    def finished(self, key: str) -> set[int]:
        """The seeds that are done for the configuration of this hash."""
        return {record["seed"] for record in self.read() if record["key"] == key}


def read_records(path: Path) -> list[Record]:
    """The records of a file of lines; none if there is no such file.

    A line without its end (the machine stopped while writing it) does not count.

    Raises:
        InputError: the file cannot be read, or a whole line is not a record.
    """
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    records: dict[tuple[str, int], Record] = {}
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            if line[: len(_START)] == _START[: len(line)]:  # Torn; the run is repeated below.
                continue
            raise InputError(f"{path}, line {number} is not JSON") from error
        if not isinstance(record, dict) or not record.keys() >= _REQUIRED:
            raise InputError(f"{path}, line {number} is not a result")
        records.setdefault((record["key"], record["seed"]), record)
    return list(records.values())


def _ends_within_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"
