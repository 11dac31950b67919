"""The checks of arguments, by their messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from newton_optim import _checks

NAN = float("nan")


CHECKS: dict[str, Callable[[Any], Any]] = {
    "kind": lambda v: _checks.check_choice("kind", v, ("a", "b")),
    "flag": lambda v: _checks.check_bool("flag", v),
    "n": lambda v: _checks.check_integer("n", v),
    "x": lambda v: _checks.check_real("x", v),
    "width": lambda v: _checks.check_positive("width", v),
    "damping": lambda v: _checks.check_nonnegative("damping", v),
    "y": lambda v: _checks.check_float_tensor("y", v),
}


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("kind", "c", ValueError, "must be one of 'a', 'b', got 'c'"),
        ("kind", 3, TypeError, "must be one of 'a', 'b', got int 3"),
        ("flag", 1, TypeError, "must be a bool, got int 1"),
        ("n", 2.0, TypeError, "must be an integer, got float 2.0"),
        ("n", True, TypeError, "must be an integer, got bool True"),
        ("n", 0, ValueError, "must be at least 1, got 0"),
        ("x", "1", TypeError, "must be a real number, got str '1'"),
        ("x", 1j, TypeError, "must be a real number, got complex 1j"),
        ("x", np.complex64(1), TypeError, "must be a real number"),
        ("x", np.bool_(True), TypeError, "must be a real number"),
        ("x", torch.ones(2), TypeError, "must be a real number, got a tensor of shape .2,."),
        ("x", NAN, ValueError, "must be finite, got nan"),
        ("width", 0, ValueError, "must be above 0, got 0.0"),
        ("width", -1.0, ValueError, "must be above 0, got -1.0"),
        ("width", NAN, ValueError, "must be finite, got nan"),
        ("damping", -1, ValueError, "must be at least 0, got -1.0"),
        ("y", [1.0], TypeError, "must be a tensor, got list"),
        ("y", torch.tensor([1, 2]), TypeError, "must be a floating-point tensor, got a tensor"),
    ],
)
def test_messages(name: str, value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{name} {message}"):
        CHECKS[name](value)


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float32(2), np.int64(2), torch.tensor(2), torch.tensor(2.0), np.array(2.0)]
)
def test_real_numbers_of_all_kinds(value: Any) -> None:
    number = _checks.check_positive("x", value)
    assert type(number) is float
    assert number == 2.0


def test_numbers_between_zero_and_one() -> None:
    assert _checks.check_positive("x", 0.5) == _checks.check_nonnegative("x", 0.5) == 0.5
    assert _checks.check_nonnegative("x", 0.0) == 0.0


@pytest.mark.parametrize("value", [3, np.int32(3)])
def test_integers_of_all_kinds(value: Any) -> None:
    assert type(_checks.check_integer("n", value)) is int


def test_long_values_are_cut_short() -> None:
    assert _checks.describe(3) == "int 3"
    assert _checks.describe("x" * 58) == f"str '{'x' * 58}'"
    assert _checks.describe("x" * 59) == f"str '{'x' * 56}..."


def test_finite_rows() -> None:
    rows = torch.tensor([[1.0, -3e38], [0.0, NAN], [float("inf"), 1.0], [-float("inf"), 0.0]])
    assert _checks.finite_rows(rows).tolist() == [True, False, False, False]


def test_values_are_read_only_where_that_costs_nothing() -> None:
    assert _checks.known_true(torch.tensor(True, device="cpu"))
    assert not _checks.known_true(torch.tensor(False, device="cpu"))
    assert not _checks.known_true(torch.tensor(True, device="meta"))
    assert not _checks.values_can_be_read(torch.tensor(True, device="meta"))

    def under_vmap(x: torch.Tensor) -> torch.Tensor:
        assert not _checks.known_true(x > 0)
        return x

    torch.vmap(under_vmap)(torch.ones(2))
