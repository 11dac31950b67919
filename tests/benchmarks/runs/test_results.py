"""The file of lines: atomic, tolerant of a torn line, strict about everything else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs.errors import InputError
from benchmarks.runs.results import RUNS, Results, read_records


def record(seed: int, key: str = "a", em: float = 0.5) -> dict[str, Any]:
    return {"seed": seed, "em": em, "key": key, "config": {}}


def test_lines_are_appended_and_read_back(tmp_path: Path) -> None:
    results = Results(tmp_path / "deep" / "er")
    assert results.read() == []
    results.append([record(0), record(1)])
    results.append([record(0, key="b")])
    assert results.finished("a") == {0, 1}
    assert results.finished("b") == {0}
    assert results.read() == [record(0), record(1), record(0, key="b")]


def test_all_lines_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    write = os.write

    def recording_write(descriptor: int, data: bytes) -> int:
        written.append(data)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", recording_write)
    Results(tmp_path).append([record(0), record(1)])
    assert len(written) == 1
    assert written[0] == (tmp_path / RUNS).read_bytes()


def test_a_disk_that_is_full_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda fd, data: 3)
    with pytest.raises(OSError, match="only part"):
        Results(tmp_path).append([record(0)])


@pytest.mark.parametrize("length", [1, 12, 40])
def test_a_torn_line_does_not_count_and_spoils_no_other(tmp_path: Path, length: int) -> None:
    results = Results(tmp_path)
    results.append([record(0)])
    with (tmp_path / RUNS).open("a") as file:
        file.write(json.dumps(record(1))[:length])
    assert results.read() == [record(0)]
    results.append([record(1)])
    assert results.read() == [record(0), record(1)]


def test_the_first_of_two_equal_runs_counts(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.append([record(0, em=0.1)])
    results.append([record(0, em=0.2)])
    assert results.read() == [record(0, em=0.1)]


@pytest.mark.parametrize("line", ["nonsense", "[1, 2]", '{"seed": 1}'])
def test_foreign_lines_are_named(tmp_path: Path, line: str) -> None:
    (tmp_path / RUNS).write_text(json.dumps(record(0)) + "\n" + line + "\n")
    with pytest.raises(InputError, match="line 2 is not"):
        read_records(tmp_path / RUNS)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / RUNS).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_records(tmp_path / RUNS)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out: .* cannot be made"):
        Results(tmp_path / "file" / "folder")


def test_a_folder_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match=r"--out: .* cannot be written to"):
        Results(tmp_path)


def test_a_file_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Results(tmp_path).append([record(0)])
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).is_dir())
    with pytest.raises(InputError, match=r"runs\.jsonl cannot be written to"):
        Results(tmp_path)
