"""Files are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.runs.files import write_text


def test_a_text_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    for text in ("τ = 0.1 and much more\n", "τ = 1\n"):
        write_text(path, text)
        assert path.read_bytes() == text.encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_stops_halfway_leaves_the_old_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.txt"
    write_text(path, "old")
    write = Path.write_text

    def write_half(self: Path, data: str, encoding: str | None = None) -> int:
        write(self, data[:2], encoding=encoding)
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(OSError, match="no space left"):
        write_text(path, "new and longer")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_sees_half_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is written, the old one is what the name stands for."""
    path = tmp_path / "table.txt"
    write_text(path, "old")
    seen: list[str] = []
    replace = Path.replace

    def looking_replace(self: Path, target: Path) -> Path:
        seen.extend([path.read_text(), self.read_text()])
        assert self.parent == target.parent  # Within one file system, it is one operation.
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", looking_replace)
    write_text(path, "new")
    assert seen == ["old", "new"]
    assert path.read_text() == "new"
