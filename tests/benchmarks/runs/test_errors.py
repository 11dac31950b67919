"""An input that cannot be used ends a command in one line."""

from __future__ import annotations

import pytest

from benchmarks.runs.command import run_command
from benchmarks.runs.errors import InputError
from tests.benchmarks.runs.test_command import app_that_raises


def test_an_input_error_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(app_that_raises(InputError("--n must be\nat least 1")), "name", []) == 2
    captured = capsys.readouterr()
    assert captured.err == "name: --n must be at least 1\n"
    assert captured.out == ""


def test_another_value_error_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="not of the user"):
        run_command(app_that_raises(ValueError("not of the user")), "name", [])
