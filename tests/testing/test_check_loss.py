"""One call, one report: what passes, what fails and where, what does not apply."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from newton_optim.sorting import RankingLoss, SoftSort
from newton_optim.testing import LossReport, _shrink, check_loss
from tests.testing.broken_losses import (
    distances,
    hard_coded_float32,
    random_loss,
    returns_float32,
)
from tests.testing.functions import elementwise
from tests.testing.losses import T, Y, half_squared_error, smooth
from tests.testing.practice.derivatives import pinball_detached


def statuses(report: LossReport) -> dict[str, str]:
    return {result.name: result.status for result in report.results}


def test_a_correct_loss() -> None:
    report = check_loss(RankingLoss(SoftSort()), Y, T)
    assert report.ok
    assert not report.failed
    found = statuses(report)
    assert [name for name, status in found.items() if status != "passed"] == [
        "padding_ignored",
        "mse_collapse",
    ]
    assert "kinks at (sample, coordinate)" in report["twice_differentiable"].detail
    assert "with ties" in report["twice_differentiable"].detail


def test_optional_properties_that_a_loss_lacks_do_not_apply() -> None:
    report = check_loss(half_squared_error, Y, T)
    assert report.ok
    assert report["shift_invariant"].status == "not applicable"
    assert "does not hold" in report["shift_invariant"].detail
    assert report["coordinate_equivariant"].status == "passed"
    assert report["mse_collapse"].status == "passed"
    assert "derivatives" in report["derivatives_match"].detail


def test_a_broken_promise_fails() -> None:
    report = check_loss(half_squared_error, Y, T, expect=["shift_invariant"], spreads=(1.0,))
    assert report.failed == ["shift_invariant"]
    assert "smallest example: N = 1, outputs [0, 0, 0]" in report["shift_invariant"].detail


def test_properties_that_need_two_samples_do_not_apply_to_one() -> None:
    found = statuses(check_loss(smooth, Y[:1], T[:1], spreads=(1.0,)))
    assert found["samples_independent"] == found["sample_equivariant"] == "not applicable"
    assert found["duplication_invariant"] == "passed"


def masked(y: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    return (y - t).square().masked_fill(~mask, 0.0).sum(-1)


def test_masks() -> None:
    mask = T > 0

    def forgets_one(y: Tensor, t: Tensor, mask: Tensor) -> Tensor:
        return masked(y, t, mask) + 0.1 * y[:, 0].square()

    assert check_loss(masked, Y, T, mask, mask=mask).ok
    report = check_loss(forgets_one, Y, T, mask, mask=mask, spreads=(1.0,))
    assert report.failed == ["padding_ignored"]
    detail = report["padding_ignored"].detail
    assert detail.startswith("the gradient with other values in the padding: sample 0 differs by")
    assert "smallest example: N = 1, outputs [0, 0, 0]" in detail


def test_a_failure_is_reported_at_the_smallest_example() -> None:
    def above_one(y: Tensor) -> Tensor:
        return (y.square() + (1e3 * torch.where(y > 1.0, y, 0.0)).exp()).sum(-1)

    report = check_loss(above_one, Y, spreads=(1.0,))
    assert "finite" in report.failed
    assert "N = 1, outputs [1.1, 0, 0]" in report["finite"].detail


def test_variants_of_the_outputs() -> None:
    report = check_loss(distances, Y)
    assert report["finite"].detail.startswith("with ties: the gradient of sample 0 is not finite")
    overflows = check_loss(lambda y: y.exp().sum(-1), Y)
    assert overflows.ok
    remark = "outputs times 100: not judged where the value exceeds the range of float32"
    assert overflows["finite"].detail.startswith(remark)
    assert "spreads=" in overflows["finite"].detail
    assert check_loss(lambda y: y.exp().sum(-1), Y, spreads=(1.0, 10.0)).ok


def test_a_loss_may_refuse_outputs_that_were_not_given() -> None:
    p = torch.tensor([[0.25, 0.5], [0.7, 0.4]])
    report = check_loss(F.binary_cross_entropy, p, torch.ones(2, 2))
    assert report.ok, report
    assert "outputs times 10: the loss raised RuntimeError" in report["finite"].detail


def test_a_loss_without_a_second_derivative() -> None:
    report = check_loss(lambda y: y.sum(-1), Y, spreads=(1.0,))
    assert report.failed == ["twice_differentiable"]
    assert 'curvature="fisher"' in report["twice_differentiable"].detail
    assert statuses(report)["entry_points_agree (fisher)"] == "passed"
    assert report["descent_direction"].detail == "the loss has no second derivative"


def test_entry_points_that_refuse_a_loss_are_named() -> None:
    square = elementwise(torch.square, lambda y: 2 * y)
    report = check_loss(lambda y: square(y).sum(-1), Y, spreads=(1.0,))
    result = report["entry_points_agree"]
    assert result.status == "passed"
    expected = "entry points that refuse the loss: 5; newton_loss of a callable: "
    assert result.detail.startswith(expected)


closure = torch.ones(3, 3)


def raises(y: Tensor) -> Tensor:
    raise KeyError("no such label")


@pytest.mark.parametrize(
    ("loss", "failed", "message"),
    [
        (raises, "usable", "the loss raised KeyError: 'no such label'"),
        (
            lambda y: y.square(),
            "usable",
            "no entry point accepts what the loss returns: loss must be a 0",
        ),
        (lambda y: "loss", "usable", "a tensor, got str 'loss'"),
        (lambda y: y.square().sum().item(), "usable", "a tensor, got float"),
        (lambda y: (y > 0).sum(), "usable", "must be a floating-point tensor"),
        (lambda y: y.detach().sum(), "usable", "no derivative"),
        (lambda y: torch.zeros((), requires_grad=True), "usable", "not computed from outputs"),
        (random_loss, "deterministic", "a second call"),
        (lambda y: (y @ closure).square().sum(-1), "deterministic", "as arguments"),
    ],
)
def test_losses_that_cannot_be_used_give_a_report(loss: Any, failed: str, message: str) -> None:
    report = check_loss(loss, Y)
    assert report.failed == [failed]
    assert message in report[failed].detail
    found = list(statuses(report).values())
    first = [result.name for result in report.results].index(failed)
    assert found == ["passed"] * first + ["failed"] + ["not applicable"] * (22 - first)
    assert report["fixpoint"].detail == f"the loss is not {failed}"


def test_the_global_generator_is_left_alone() -> None:
    state = torch.get_rng_state()
    check_loss(smooth, Y, T, spreads=(1.0,))
    assert torch.equal(torch.get_rng_state(), state)


def coupled(y: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    return smooth(y, t) * y.square().mean()


def overflowing(y: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, (10 * y).exp(), 0.0).sum(-1)


@pytest.mark.parametrize(
    ("loss", "failed"),
    [
        (masked, set()),
        (coupled, {"samples_independent", "padding_ignored"}),
        (overflowing, {"finite"}),
    ],
)
def test_the_default_device_does_not_matter(
    loss: Any, failed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shrink, "MAX_SECONDS", math.inf)  # The same smallest example twice.
    mask = T > 0
    expected = check_loss(loss, Y, T, mask, mask=mask)
    assert failed <= set(expected.failed)
    with torch.device("meta"):
        assert check_loss(loss, Y, T, mask, mask=mask) == expected


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((None, Y), {}, TypeError, "loss_fn must be a callable, got NoneType None"),
        ((torch.nn.MSELoss, Y), {}, TypeError, "loss_fn must be a callable"),
        ((smooth, "y"), {}, TypeError, "outputs must be a tensor"),
        ((smooth, torch.tensor(1.0)), {}, ValueError, r"outputs must have shape \(N, \*event\)"),
        ((smooth, Y, T), {"reduction": "none"}, ValueError, "reduction must be one of"),
        ((smooth, Y, T), {"spreads": (0.0,)}, ValueError, "spreads must be above 0"),
        ((smooth, Y, T), {"expect": ["shifts"]}, ValueError, "expect must be one of"),
        ((smooth, Y, T), {"mask": T}, TypeError, "mask must be a boolean tensor"),
        ((smooth, Y, T), {"mask": T[:1] > 0}, ValueError, r"mask must have shape \(4, 3\)"),
    ],
)
def test_bad_arguments(arguments: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_loss(*arguments, **options)


def test_promises_limit_what_is_checked() -> None:
    def linear_and_coupled(y: Tensor) -> Tensor:
        return y.abs().clamp(max=1.0).sum() * 1.0 + (y - y.mean(0)).abs().sum()

    promises = ["coupled", "first_order", "piecewise_constant"]
    report = check_loss(linear_and_coupled, Y, reduction="sum", expect=promises)
    assert report.ok, report
    for name, reason in {
        "samples_independent": "declared coupled",
        "duplication_invariant": "declared coupled",
        "batch_invariant": "declared coupled",
        "no_dead_zone": "declared piecewise_constant",
        "fixpoint": "declared first_order",
    }.items():
        assert report[name].status == "not applicable"
        assert report[name].detail == reason
    assert report["twice_differentiable"].status == "passed"


def test_a_failure_elsewhere_is_no_cause_of_one_at_the_outputs() -> None:
    """The overflow needs wide outputs, the wrong scale does not."""

    def two_bugs(y: Tensor) -> Tensor:
        return 2 * (1 + y.exp()).log().sum()

    report = check_loss(two_bugs, Y)
    assert report.failed == ["float32_matches_float64", "duplication_invariant"]
    assert report["finite"].follows == "float32_matches_float64"
    assert report["batch_invariant"].follows == "duplication_invariant"
    assert "smallest example: N = 1" in report["duplication_invariant"].detail


def test_what_is_found_at_a_target_does_not_follow_from_what_is_found_elsewhere() -> None:
    def two_bugs(y: Tensor, t: Tensor) -> Tensor:
        return ((y - t).square().sum(-1)).sqrt() + (1 + y.exp()).log().sum(-1)

    labels = Y - 0.5
    assert check_loss(two_bugs, Y, labels, spreads=(100.0,)).failed == [
        "float32_matches_float64",
        "finite",
    ]


def test_a_bound_mask_goes_with_its_samples() -> None:
    mask = T > 0
    bound = functools.partial(masked, mask=mask)
    assert check_loss(bound, Y, T, mask=mask).ok


def test_a_boolean_target_is_no_real_one() -> None:
    def hinge(y: Tensor, t: Tensor) -> Tensor:
        return F.softplus(torch.where(t, -y, y)).sum(-1)

    report = check_loss(hinge, Y, T > 0)
    assert report.ok
    assert report["mse_collapse"].status == "not applicable"


@pytest.mark.parametrize("loss", [hard_coded_float32, returns_float32])
def test_hard_coded_float32_is_one_failure(loss: Any) -> None:
    report = check_loss(loss, Y, T)
    assert report.failed == ["dtype_kept"]
    others = [result for result in report.results if result.status == "follows"]
    assert {result.follows for result in others} == {"dtype_kept"}
    rows = [line for line in str(report).splitlines() if "  failed  " in line]
    assert len(rows) == 1
    assert "in float32 for float64 outputs" in rows[0] or "returns float32" in rows[0]


def test_a_gradient_that_is_detached_is_no_dead_zone() -> None:
    report = check_loss(pinball_detached, Y, Y + 1, expect=["first_order"])
    assert report.failed == ["twice_differentiable"]
    assert report["no_dead_zone"].follows == "twice_differentiable"
