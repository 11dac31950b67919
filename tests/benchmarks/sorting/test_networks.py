"""The stacked networks against the same layers of `torch.nn`, seed by seed."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from benchmarks.runs.randomness import generator
from benchmarks.sorting.networks import (
    NETWORKS,
    Network,
    PaperNetwork,
    Parameters,
    SmallNetwork,
    channels_last,
    initial_parameters,
)
from tests.settings import DEVICE

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def drawn(network: Network, seeds: int) -> Parameters:
    generators = [generator(seed, "initialisation") for seed in range(seeds)]
    return {
        name: value.to(DEVICE) for name, value in initial_parameters(network, generators).items()
    }


def test_small_network_is_a_convolution_over_the_number() -> None:
    network = SmallNetwork(8)
    parameters = drawn(network, 3)
    images = torch.rand(3, 2, 5, 4, 8, 8)
    scores = network(parameters, images)
    for seed in range(3):
        p = {name: value[seed] for name, value in parameters.items()}
        # The 8×32 image of each number, one channel.
        x = images[seed].transpose(2, 3).reshape(10, 1, 8, 32)
        x = nn.functional.conv2d(x, p["digit1"].T.reshape(32, 1, 8, 8), p["digit1_bias"], stride=8)
        x = nn.functional.conv2d(x.relu(), p["digit2"].T.reshape(16, 32, 1, 1), p["digit2_bias"])
        x = x.relu().squeeze(2).transpose(1, 2).flatten(1)
        x = (x @ p["number1"] + p["number1_bias"]).relu()
        expected = (x @ p["number2"] + p["number2_bias"]).view(2, 5)
        torch.testing.assert_close(scores[seed], expected, **TOLERANCE)


def paper_module(p: dict[str, Tensor]) -> nn.Sequential:
    module = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(12544, 64),
        nn.ReLU(),
        nn.Linear(64, 1),
    )
    names = {0: "conv1", 3: "conv2", 7: "linear1", 9: "linear2"}
    state = {}
    for index, name in names.items():
        weight = p[name]
        state[f"{index}.weight"] = weight.T if weight.dim() == 2 else weight
        state[f"{index}.bias"] = p[f"{name}_bias"]
    module.load_state_dict(state)
    return module


def test_paper_network_is_the_papers() -> None:
    parameters = drawn(PaperNetwork(), 2)
    images = torch.rand(2, 1, 3, 28, 4, 28)
    with torch.no_grad():
        scores = PaperNetwork()(parameters, images)
        for seed in range(2):
            module = paper_module({name: value[seed] for name, value in parameters.items()})
            # Four digits side by side: 28×112.
            side_by_side = torch.cat(list(images[seed, 0].unbind(2)), dim=-1).unsqueeze(1)
            assert side_by_side.shape == (3, 1, 28, 112)
            expected = module(side_by_side).view(1, 3)
            torch.testing.assert_close(scores[seed], expected, **TOLERANCE)


def test_relu_after_pooling_is_the_same_bit_for_bit() -> None:
    leaf = torch.randn(3, 4, 8, 8).round(decimals=1).requires_grad_()  # With ties.
    weights = torch.randn(3, 4, 4, 4)
    before = nn.functional.max_pool2d(leaf.relu(), 2)
    after = nn.functional.max_pool2d(leaf, 2).relu()
    assert torch.equal(before, after)
    gradients = [torch.autograd.grad((one * weights).sum(), leaf)[0] for one in (before, after)]
    assert torch.equal(*gradients)


def test_channels_last_images_lead_through_channels_last_convolutions() -> None:
    pictures = torch.randn(2, 6, 1, 28, 112)
    changed = channels_last(pictures)
    assert torch.equal(changed, pictures)
    assert changed.data_ptr() == pictures.data_ptr()
    features = nn.functional.conv2d(changed[1], torch.randn(32, 1, 5, 5), padding=2)
    assert features.is_contiguous(memory_format=torch.channels_last)


def test_initialisation_is_torchs_and_its_seeds_own() -> None:
    for network in NETWORKS.values():
        both = drawn(network, 2)
        alone = initial_parameters(network, [generator(1, "initialisation")])
        for name, value in both.items():
            assert torch.equal(value[1].cpu(), alone[name][0])
            assert not torch.equal(value[0], value[1])
            shape = network.shapes[name.removesuffix("_bias")]
            fan_in = shape[0] if len(shape) == 2 else math.prod(shape[1:])
            assert value.abs().max() <= 1 / math.sqrt(fan_in)
