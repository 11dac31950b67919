"""Training seeds together: the same batches for all variants, exact resume, honest accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from benchmarks.runs.cuda_graph import Engine
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.digits import Digits
from benchmarks.sorting.training import CHUNK, SortingTraining
from tests.benchmarks.pretend_device import pretend_device
from tests.integrations.waits import Waits
from tests.settings import DEVICE

BASE = SortingConfig(steps=3, batch_size=4, evaluation_sets=20, validation_sets=10)
VARIANTS = {
    "plain": BASE,
    "clipped": replace(BASE, clip=0.1),
    "hessian": replace(BASE, curvature="hessian", eigenvalues="raw", damping=1.0),
    "absolute": replace(BASE, curvature="hessian", eigenvalues="absolute"),
    "fisher": replace(BASE, curvature="fisher", damping=1.0),
    "normalised": replace(BASE, normalise=True),
    "ours": replace(BASE, source="ours"),
    "exact": replace(BASE, source="ours", loss="exact"),
    "exact hessian": replace(
        BASE, source="ours", loss="exact", curvature="hessian", eigenvalues="raw", damping=1.0
    ),
    "neuralsort": replace(BASE, operator="neuralsort", temperature=1.0),
    "network": replace(
        BASE,
        operator="odd_even",
        temperature=None,
        distribution="cauchy",
        steepness=10.0,
        curvature="hessian",
        eigenvalues="raw",
        damping=1.0,
    ),
}


def training(
    digits: Mapping[str, Digits], config: SortingConfig, seeds: tuple[int, ...]
) -> SortingTraining:
    return SortingTraining(config, seeds, digits, DEVICE)


def tensors(one: SortingTraining) -> dict[str, Tensor]:
    found: dict[str, Tensor] = one.state()["tensors"]
    return {name: value.clone() for name, value in found.items()}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_trains(digits: Mapping[str, Digits], name: str) -> None:
    one = training(digits, VARIANTS[name], (0, 1))
    before = tensors(one)
    assert one.advance() == 3
    assert one.finished
    after = tensors(one)
    assert all(value.isfinite().all() for value in after.values())
    assert not torch.equal(before["digit1"], after["digit1"])
    assert one.curve[-1]["step"] == 3
    assert len(one.curve[-1]["em"]) == 2


def test_variants_of_a_seed_share_network_and_batches(digits: Mapping[str, Digits]) -> None:
    seen = []
    for config in VARIANTS.values():
        one = training(digits, config, (3, 5))
        start = tensors(one)
        one.advance()
        seen.append((start, one.batches.indices.cpu().clone(), one.state()["generators"]["data"]))
    for start, batches, states in seen[1:]:
        assert all(torch.equal(value, start[name]) for name, value in seen[0][0].items())
        assert torch.equal(batches, seen[0][1])
        assert all(torch.equal(a, b) for a, b in zip(states, seen[0][2], strict=True))
    # Seeds differ from each other.
    assert not torch.equal(seen[0][1][:, 0], seen[0][1][:, 1])


@pytest.mark.parametrize("name", ["plain", "hessian", "fisher", "network"])
def test_a_seed_takes_the_steps_that_it_takes_alone(
    digits: Mapping[str, Digits], name: str
) -> None:
    # One step: after it Adam's first moment is a tenth of the gradient, which the parameters are
    # not (Adam magnifies the rounding of gradients near zero).
    config = replace(VARIANTS[name], steps=1)
    together, alone = (training(digits, config, seeds) for seeds in ((7, 8, 9), (8,)))
    together.advance()
    alone.advance()
    stacked = tensors(together)
    moments = {key: value for key, value in tensors(alone).items() if key.endswith("exp_avg")}
    # The last bias has no gradient but rounding: the loss does not feel a shift of the scores.
    tolerance = 1e-5 * max(value.abs().max().item() for value in moments.values())
    for key, value in moments.items():
        torch.testing.assert_close(stacked[key][1], value[0], rtol=1e-3, atol=tolerance)


def test_the_step_is_torchs_adam(digits: Mapping[str, Digits]) -> None:
    one = training(digits, replace(BASE, steps=1), (0,))
    parameters = [value.detach().clone().requires_grad_() for value in one._parameters.values()]
    optimizer = torch.optim.Adam(parameters, lr=BASE.lr)
    one.advance()
    for parameter, same in zip(parameters, one._parameters.values(), strict=True):
        assert same.grad is not None
        parameter.grad = same.grad.clone()
    optimizer.step()
    for found, expected in zip(one._parameters.values(), parameters, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.skipif(DEVICE.type != "cpu", reason="bit for bit on the CPU")
@pytest.mark.parametrize("name", ["plain", "fisher"])
def test_resume_is_bit_for_bit(digits: Mapping[str, Digits], name: str) -> None:
    config = replace(VARIANTS[name], steps=2 * CHUNK + 5)
    straight = training(digits, config, (0, 1, 2))
    while not straight.finished:
        straight.advance()
    stopped = training(digits, config, (0, 1, 2))
    stopped.advance()
    state = stopped.state()
    resumed = training(digits, config, (0, 1, 2))
    resumed.restore(state)
    while not resumed.finished:
        resumed.advance()
    expected = tensors(straight)
    assert all(torch.equal(value, expected[key]) for key, value in tensors(resumed).items())
    assert resumed.curve == straight.curve


def test_it_reports_the_test_digits_and_validates_on_five_of_the_others(
    digits: Mapping[str, Digits],
) -> None:
    one = training(digits, replace(BASE, n=7), (0,))
    assert one.test.sets.shape == (20, 7, 4)
    assert one.validation.sets.shape == (10, 5, 4)
    assert torch.equal(one.test.digits.labels.cpu(), digits["test"].labels)
    assert torch.equal(one.validation.digits.labels.cpu(), digits["validation"].labels)
    chosen = training(digits, replace(BASE, split="validation"), (0,))
    assert torch.equal(chosen.test.digits.labels.cpu(), digits["validation"].labels)


def test_the_network_alone_is_in_another_precision(digits: Mapping[str, Digits]) -> None:
    """Its gradients are rounded to eight bits; parameters and Adam stay in float32."""
    found = []
    for precision in ("fp32", "tf32", "bf16"):
        one = training(digits, replace(BASE, steps=1, precision=precision), (0, 1))
        one.advance()
        found.append(tensors(one)["digit1.exp_avg"])
    assert all(value.dtype == torch.float32 for value in found)
    assert DEVICE.type != "cpu" or torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert torch.cosine_similarity(found[0].flatten(), found[2].flatten(), dim=0) > 0.98


@pytest.mark.parametrize(
    ("every", "steps"), [(CHUNK, [1, 2, 3]), (2 * CHUNK, [2, 3]), (CHUNK // 2, [1, 2, 3])]
)
def test_validations_lie_on_the_borders_of_chunks_and_at_the_end(
    digits: Mapping[str, Digits], every: int, steps: list[int]
) -> None:
    config = replace(BASE, steps=2 * CHUNK + 1, batch_size=1, validate_every=every)
    one = training(digits, config, (0,))
    assert [one.advance() for _ in range(3)] == [CHUNK, CHUNK, 1]
    expected = [(CHUNK, 2 * CHUNK, 2 * CHUNK + 1)[index - 1] for index in steps]
    assert [point["step"] for point in one.curve] == expected
    assert all(0 <= point["validation"][0] <= 1 for point in one.curve)


@pytest.mark.parametrize("name", VARIANTS)
def test_no_step_waits_for_the_device(
    digits: Mapping[str, Digits], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By inspection of the operations, with the seeds stacked."""
    one = training(digits, VARIANTS[name], (0, 1))
    one.batches.draw()
    pretend_device(monkeypatch)
    with Waits() as waits:
        one._one_step()
    assert not waits.found


@pytest.mark.skipif(DEVICE.type != "cuda", reason="a graph of CUDA needs CUDA")
@pytest.mark.parametrize("name", VARIANTS)
def test_a_captured_step_is_the_eager_one(digits: Mapping[str, Digits], name: str) -> None:
    captured, eager = (training(digits, VARIANTS[name], (0, 1)) for _ in range(2))
    assert captured.engine.name == "CUDA graph"
    eager._engine = Engine(eager._one_step, "eager")
    captured.advance()
    eager.advance()
    expected = tensors(eager)
    for key, value in tensors(captured).items():
        torch.testing.assert_close(value, expected[key], rtol=1e-3, atol=1e-5)
