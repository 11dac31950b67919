"""The printed table: everything is in it, nothing sticks out, and the call can be copied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import newton_optim
from newton_optim import (
    Diagnosis,
    EmpiricalFisher,
    GaussNewton,
    Hessian,
    Identity,
    RelativeDamping,
    diagnose,
)
from newton_optim._diagnosis._table import call, number
from tests.diagnosis.losses import normal, once_differentiable, stiff


@pytest.fixture(scope="module")
def diagnosis() -> Diagnosis:
    return diagnose(stiff, normal(0, 8, 5), normal(1, 8, 5))


def test_what_is_in_the_table(diagnosis: Diagnosis) -> None:
    text = str(diagnosis)
    flat = " ".join(text.split())
    assert flat.startswith("stiff: 8 samples of 5 outputs")
    for words in (
        "float32, outputs × 1 0% off by > 1 %",
        "float32, outputs × 10",
        "differentiable twice",
        "random no",
        "samples independent",
        "one gradient step does not solve it",
        "ten steps leave gradient",
        "negative curvature 0% of the samples",
        "condition 10,000, rank 5 of 5",
        "Newton step cosine with the gradient",
        "cost of a step identity",
        "recommended Hessian",
        "use NewtonLoss(loss_fn, curvature=Hessian(), damping=RelativeDamping(0.1))",
        *diagnosis.reasons,
    ):
        assert words in flat
    assert max(map(len, text.splitlines())) <= 88
    assert repr(diagnosis) == text


def test_what_failed_is_in_the_table() -> None:
    def failing(y: Any) -> Any:
        raise RuntimeError("a long story " * 20)

    text = str(diagnose(failing, normal(0, 4, 3)))
    assert ("RuntimeError: " + "a long story " * 20).strip() in " ".join(text.split())
    assert "fix it first" in text
    assert max(map(len, text.splitlines())) <= 88
    assert "None" not in text
    labels = {line[:22].strip() for line in text.splitlines()[2:] if line[:1] not in " ─"}
    assert labels == {"problem", "recommended", "because"}


def test_notes_are_in_the_table() -> None:
    text = str(diagnose(lambda y: y.float().square().mean(), normal(0, 4, 3)))
    assert "the loss computes in torch.float32" in " ".join(text.split())


def test_percentages_and_explosions() -> None:
    d = diagnose(once_differentiable, normal(0, 4, 3))
    bad = replace(
        d.roundings[1],
        share_wrong=0.25,
        share_nonfinite=0.5,
        longest_over_median=4321.0,
        longest_over_median_float64=2.0,
    )
    text = str(replace(d, roundings=(bad,), nonfinite=0.25))
    flat = " ".join(text.split())
    assert "× 3 25% off by > 1 %, longest/median 4,321 (float64 2), cosine 1.00" in flat
    assert "50% not finite, EXPLODES" in flat
    assert "not finite            25% of the samples" in text
    assert "EXPLODES" not in str(d)
    assert "differentiable        once" in text
    assert "newton_loss(loss_fn(outputs), outputs, curvature=EmpiricalFisher()" in flat


def test_nothing_is_cut_and_nothing_sticks_out() -> None:
    def failing(y: Any) -> Any:
        raise RuntimeError("x" * 300)

    failing.__name__ = "f" * 200
    lines = str(diagnose(failing, normal(0, 4, 3))).splitlines()
    assert max(map(len, lines)) <= 88
    assert "".join(lines).count("f" * 200) == 1
    assert "".join(line.strip() for line in lines).count("x" * 300) == 1


def test_a_list_breaks_only_after_a_comma(diagnosis: Diagnosis) -> None:
    slow = dict.fromkeys(("identity", "fisher", "hessian", "gauss-newton"), 123456.0)
    lines = str(replace(diagnosis, milliseconds=slow)).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("cost of a step"))
    assert lines[first].endswith(",")
    assert lines[first + 1].strip().endswith(" ms")
    assert "\N{NO-BREAK SPACE}" not in "".join(lines)


@pytest.mark.parametrize(
    "curvature",
    [
        Hessian(),
        Hessian(scope="joint"),
        Hessian(scope="sample", eigenvalues="clamp"),
        EmpiricalFisher(),
        GaussNewton(scope="sample"),
        Identity(),
    ],
)
@pytest.mark.parametrize("damping", [0.0, 0.25, 30.0, RelativeDamping(0.1)])
def test_the_call_is_what_is_recommended(curvature: Any, damping: Any) -> None:
    text = call("NewtonLoss", curvature, damping)
    made = eval(text, {**vars(newton_optim), "loss_fn": stiff})
    expected = newton_optim.NewtonLoss(stiff, curvature=curvature, damping=damping)
    assert made.extra_repr() == expected.extra_repr()


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"),
        (1e-9, "< 1e-6"),
        (0.01234, "0.012"),
        (12.34, "12"),
        (1234.5, "1,234"),
        (2e9, "2e+09"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_numbers(x: float, text: str) -> None:
    assert number(x) == text
