"""Training through shortest paths: what variants share, exact resume, honest accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks.runs.errors import InputError
from benchmarks.shortest_path import training as training_module
from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.strength import with_loss
from benchmarks.shortest_path.terrain import generate_terrain
from benchmarks.shortest_path.training import PathTraining
from benchmarks.shortest_path.warcraft import Maps
from tests.settings import DEVICE

BASE = PathConfig(maps=10, epochs=2, batch_size=4, evaluation_maps=6, samples=3)
RELAXED = with_loss(BASE, "for-l2")
VARIANTS = {
    "fenchel-young": BASE,
    "fenchel-young hessian": replace(BASE, curvature="hessian", eigenvalues="absolute"),
    "fenchel-young fisher": replace(BASE, curvature="fisher", damping=1.0),
    "smoothed loss": with_loss(BASE, "smoothed-loss", 3),
    "smoothed loss hessian": replace(
        with_loss(BASE, "smoothed-loss", 3), curvature="hessian", eigenvalues="raw", damping=1e3
    ),
    "smoothed algorithm": with_loss(BASE, "smoothed-algorithm", 3),
    "relaxed": RELAXED,
    "relaxed gauss-newton": replace(RELAXED, curvature="gauss-newton"),
    "resnet": replace(BASE, network="resnet", curvature="fisher"),
}


@pytest.fixture(scope="module")
def parts() -> Mapping[str, Maps]:
    return generate_terrain({"train": 12, "validation": 6, "test": 6})


def training(parts: Mapping[str, Maps], config: PathConfig, seed: int = 0) -> PathTraining:
    return PathTraining(config, (seed,), parts, DEVICE)


def weights(one: PathTraining) -> dict[str, Tensor]:
    state: dict[str, Tensor] = one.state()["network"]
    return {name: value.clone() for name, value in state.items()}


def finish(one: PathTraining) -> PathTraining:
    while not one.finished:
        one.advance()
    return one


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_trains(parts: Mapping[str, Maps], name: str) -> None:
    one = training(parts, replace(VARIANTS[name], epochs=1))
    before = weights(one)
    assert one.advance() == 3
    assert one.finished
    after = weights(one)
    assert all(value.isfinite().all() for value in after.values())
    assert not torch.equal(before["conv1.weight"], after["conv1.weight"])
    (point,) = one.curve
    assert (point["step"], point["epoch"]) == (3, 1)
    assert 0 < point["seconds"] == one.seconds
    assert 0 <= point["em"][0] <= 1 <= point["ratio"][0]


def test_variants_of_a_seed_share_network_order_and_noise(parts: Mapping[str, Maps]) -> None:
    seen: list[dict[str, Any]] = []
    for name in ("fenchel-young", "fenchel-young fisher", "smoothed loss"):
        one = training(parts, VARIANTS[name], 3)
        start = one.state()["network"]["conv1.weight"].clone()
        one.advance()
        seen.append({"start": start, **one.state()["generators"]})
    for other in seen[1:]:
        assert all(torch.equal(value, seen[0][name]) for name, value in other.items())
    assert not torch.equal(training(parts, BASE, 4).state()["network"]["conv1.weight"], start)


def test_an_epoch_takes_every_map_once(
    parts: Mapping[str, Maps], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = training(parts, BASE)
    batches: list[Tensor] = []
    monkeypatch.setattr(one, "_one_step", batches.append)
    one.advance()
    assert [len(batch) for batch in batches] == [4, 4, 2]
    first = torch.cat(batches)
    assert sorted(first.tolist()) == list(range(10))
    one.advance()
    second = torch.cat(batches[3:])
    assert sorted(second.tolist()) == list(range(10))
    assert not torch.equal(first, second)


def test_the_steps_are_those_of_torchs_adam_on_the_schedule(parts: Mapping[str, Maps]) -> None:
    config = replace(RELAXED, epochs=5, batch_size=10)
    one = training(parts, config)
    twin = training(parts, config)
    parameters = list(twin._network.parameters())
    optimizer = torch.optim.Adam(parameters, lr=config.lr)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 4], gamma=0.1)
    for _ in range(5):
        one.advance()
        for parameter, same in zip(parameters, one._network.parameters(), strict=True):
            assert same.grad is not None
            parameter.grad = same.grad.clone()
        optimizer.step()
        schedule.step()
        for found, expected in zip(one._network.parameters(), parameters, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.skipif(DEVICE.type != "cpu", reason="bit for bit on the CPU")
@pytest.mark.parametrize("name", ["fenchel-young hessian", "relaxed", "resnet"])
@pytest.mark.parametrize("chunks", [1, 2])
def test_resume_is_bit_for_bit(
    parts: Mapping[str, Maps], name: str, chunks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of an epoch and at its end."""
    monkeypatch.setattr(training_module, "_STEPS_PER_CHUNK", 2)
    straight = finish(training(parts, VARIANTS[name]))
    stopped = training(parts, VARIANTS[name])
    for _ in range(chunks):
        stopped.advance()
    assert stopped.step == (2, 3)[chunks - 1]
    state = stopped.state()
    resumed = training(parts, VARIANTS[name])
    resumed.restore(state)
    finish(resumed)
    expected = weights(straight)
    assert all(torch.equal(value, expected[key]) for key, value in weights(resumed).items())
    assert untimed(resumed) == untimed(straight)


def untimed(one: PathTraining) -> list[dict[str, Any]]:
    return [{k: v for k, v in point.items() if k != "seconds"} for point in one.curve]


def test_a_network_that_knows_the_costs_is_right(parts: Mapping[str, Maps]) -> None:
    one = training(parts, BASE)
    true = torch.from_numpy(parts["test"].weights.astype("float32")).to(DEVICE)

    class Oracle(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return 3 * true  # Their scale is free.

    one._network = Oracle()
    assert one.evaluate() == (1.0, 1.0)


def test_the_ratio_is_that_of_true_costs(parts: Mapping[str, Maps]) -> None:
    one = training(parts, BASE)

    class Diagonal(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return 2.0 - torch.eye(12).expand(len(images), -1, -1)

    one._network = Diagonal()
    test = parts["test"]
    costs = test.weights.astype(float)
    best = (costs * test.paths).sum((1, 2))
    ratios = costs.diagonal(axis1=1, axis2=2).sum(1) / best
    em, ratio = one.evaluate()
    assert ratio == pytest.approx(ratios.mean())
    assert em == pytest.approx((ratios == 1).mean())


def test_evaluation_changes_nothing(parts: Mapping[str, Maps]) -> None:
    one = training(parts, VARIANTS["resnet"])
    before = weights(one)
    one.evaluate()
    assert all(torch.equal(value, before[name]) for name, value in weights(one).items())
    assert one._network.training


def test_the_split_and_the_first_maps_are_those_of_the_configuration(
    parts: Mapping[str, Maps],
) -> None:
    one = training(parts, replace(BASE, maps=5, split="validation", evaluation_maps=4))
    images = torch.from_numpy(parts["train"].images[:5]).permute(0, 3, 1, 2).to(DEVICE)
    assert torch.equal(one._train.images, images)
    found = one._test.paths.cpu().numpy()
    assert (found == parts["validation"].paths[:4]).all()
    pixels = images.double().transpose(0, 1).flatten(1)
    expected = ((pixels - pixels.mean(1, True)) / pixels.std(1, keepdim=True)).float()
    taken, _ = one._train.take(torch.arange(5, device="cpu"), one._normalisation)
    torch.testing.assert_close(taken.transpose(0, 1).flatten(1), expected, rtol=1e-4, atol=1e-4)


def test_too_few_maps_are_named(parts: Mapping[str, Maps]) -> None:
    with pytest.raises(InputError, match="the train part has 12 maps, but the run needs 13"):
        training(parts, replace(BASE, maps=13))
    with pytest.raises(InputError, match="the test part has 6 maps, but the run needs 2,000"):
        training(parts, replace(BASE, evaluation_maps=2_000))
