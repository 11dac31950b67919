"""What all strategies share: shrinking, the default device, bad arguments, the extra."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim.testing import strategies
from tests.testing.strategies.examples import example


def equal_rows(rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (strategies.outputs(m=3), equal_rows([[0, 0, 0]])),
        (strategies.distinct_outputs(m=3), equal_rows([[0, 1 / 16, 1 / 8]])),
        (strategies.tied_outputs(m=3), equal_rows([[0, 0, 0]])),
        (strategies.saturated_outputs(m=3), equal_rows([[50, 0, 0]])),
        (strategies.wide_outputs(m=3, scale=2.0), equal_rows([[2, 2, 2]])),
        (strategies.class_labels(classes=3), torch.tensor([0])),
        (strategies.labels(n=3), equal_rows([[0, 0, 0]])),
        (strategies.rankings(n=3), torch.tensor([[0, 1, 2]])),
        (strategies.permutations(3), torch.tensor([0, 1, 2])),
        (strategies.positive_definite_matrices(m=3), torch.eye(3).double()),
        (strategies.indefinite_matrices(m=3), torch.tensor([-1.0, 1.0, 1.0]).diag().double()),
        (strategies.singular_matrices(m=3), torch.tensor([0.0, 1.0, 1.0]).diag().double()),
        (strategies.grid_costs(), equal_rows([[0]])[None]),
        (strategies.grid_costs(positive=True), equal_rows([[1]])[None]),
    ],
    ids=str,
)
def test_what_it_shrinks_to(strategy: Any, expected: Tensor) -> None:
    found = example(strategy)
    assert torch.equal(found, expected.to(found))
    assert found.dtype == expected.dtype


@pytest.mark.parametrize(
    "strategy",
    [
        strategies.outputs(m=3),
        strategies.distinct_outputs(m=3),
        strategies.tied_outputs(m=3),
        strategies.saturated_outputs(m=3),
        strategies.wide_outputs(m=3),
        strategies.class_labels(classes=3),
        strategies.labels(n=3),
        strategies.rankings(n=3),
        strategies.permutations(3),
        strategies.positive_definite_matrices(m=3),
        strategies.indefinite_matrices(m=3),
        strategies.singular_matrices(m=3),
        strategies.grid_costs(),
    ],
    ids=str,
)
def test_tensors_are_on_the_default_device(strategy: Any) -> None:
    with torch.device("meta"):
        assert example(strategy).device.type == "meta"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: strategies.outputs(m=0), ValueError, "m must be at least 1"),
        (lambda: strategies.outputs(m=2.0), TypeError, "m must be an integer"),
        (lambda: strategies.outputs(m=2, samples=(3, 2)), ValueError, "samples must be at least 3"),
        (lambda: strategies.outputs(m=2, scale=0.0), ValueError, "scale must be above 0"),
        (lambda: strategies.outputs(m=2, dtype=torch.int64), TypeError, "dtype must be a floating"),
        (lambda: strategies.tied_outputs(m=1), ValueError, "m must be at least 2"),
        (lambda: strategies.distinct_outputs(m=2, gap=-1.0), ValueError, "gap must be above 0"),
        (lambda: strategies.indefinite_matrices(m=1), ValueError, "m must be at least 2"),
        (lambda: strategies.permutations(0), ValueError, "n must be at least 1"),
        (lambda: strategies.grid_costs(height="3"), TypeError, "height must be an integer"),
    ],
)
def test_bad_arguments(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        example(make())


def test_without_hypothesis_the_strategies_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, "newton_optim.testing.strategies")
    with pytest.raises(ImportError, match=r"pip install newton_optim\[testing\]"):
        importlib.import_module("newton_optim.testing.strategies")


def test_only_the_strategies_import_hypothesis() -> None:
    package = Path(strategies.__file__).parent
    users = {
        path
        for path in package.parent.rglob("*.py")
        if re.search(r"^\s*(import|from) hypothesis", path.read_text("utf-8"), re.MULTILINE)
    }
    assert users
    assert {path.parent for path in users} == {package}


def test_the_properties_do_not_import_the_strategies() -> None:
    code = "import sys, newton_optim.testing; print('hypothesis' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
