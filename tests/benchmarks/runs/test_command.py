"""How a command ends."""

from __future__ import annotations

import pytest
import typer

from benchmarks.runs.command import run_command


def app_that_raises(error: BaseException | None) -> typer.Typer:
    app = typer.Typer(add_completion=False)

    @app.command()
    def command() -> None:
        """Raise, or not."""
        if error is not None:
            raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (None, 0, ""),
        (OSError("the disk is\nfull"), 2, "name: the disk is full\n"),
        (KeyboardInterrupt(), 130, "name: stopped; run the same command again to resume\n"),
    ],
)
def test_exit_codes(
    capsys: pytest.CaptureFixture[str], error: BaseException | None, code: int, message: str
) -> None:
    assert run_command(app_that_raises(error), "name", []) == code
    # The terminal's own line end after ^C is not ours.
    assert capsys.readouterr().err.lstrip() == message


def test_a_programming_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(app_that_raises(ZeroDivisionError()), "name", [])


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(app_that_raises(None), "name", ["--help"]) == 0
    assert "Raise, or not." in capsys.readouterr().out
