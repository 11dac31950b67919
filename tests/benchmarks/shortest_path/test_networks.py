"""The first block of ResNet-18 against another implementation of ResNet, weight for weight."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import ResNetConfig, ResNetModel

from benchmarks.runs.randomness import generator
from benchmarks.shortest_path.networks import ResNetFirstBlock, TileNetwork, initial_network

NORMALISATION = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def reference() -> nn.Module:
    """Stem and first stage of ResNet-18."""
    config = ResNetConfig(
        num_channels=3, embedding_size=64, hidden_sizes=[64], depths=[2], layer_type="basic"
    )
    return ResNetModel(config)


def reference_name(name: str) -> str:
    """The name there of a parameter that we call as torchvision does."""
    layer, _, rest = name.partition(".")
    if layer == "layer1":
        block, kind, part = rest.split(".")
        where = f"encoder.stages.0.layers.{block}.layer.{int(kind[-1]) - 1}"
        return f"{where}.{'convolution' if kind.startswith('conv') else 'normalization'}.{part}"
    return f"embedder.embedder.{'convolution' if layer == 'conv1' else 'normalization'}.{rest}"


def with_lively_statistics(model: nn.Module) -> nn.Module:
    """The same model with normalisations that are not the identity."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                assert tensor is not None
                nn.init.uniform_(tensor, 0.5, 1.5)
    return model


def drawn(name: str, seed: int) -> nn.Module:
    return initial_network(name, generator(seed, "initialisation"))


def test_layers_are_those_of_resnet_18() -> None:
    ours, theirs = with_lively_statistics(ResNetFirstBlock()), reference()
    state = {reference_name(name): value for name, value in ours.state_dict().items()}
    theirs.load_state_dict(state)  # All of them, and no other.
    images = torch.randn(2, 3, 96, 96)
    for mode in (False, True):  # With the statistics that are stored, and with the batch's.
        features: Tensor = theirs.train(mode)(images).last_hidden_state
        assert features.shape == (2, 64, 24, 24)
        # Each tile has 2×2 features.
        expected = features.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2)).mean(1)
        costs = ours.train(mode)(images)
        assert costs.shape == (2, 12, 12)
        torch.testing.assert_close(costs, expected, rtol=1e-4, atol=1e-5)
        assert (costs >= 0).all()


def test_names_are_torchvisions() -> None:
    names = ["conv1.weight", *(f"bn1.{part}" for part in NORMALISATION)]
    for block in (0, 1):
        for number in (1, 2):
            names.append(f"layer1.{block}.conv{number}.weight")
            names += [f"layer1.{block}.bn{number}.{part}" for part in NORMALISATION]
    assert list(ResNetFirstBlock().state_dict()) == names


def test_the_number_of_parameters() -> None:
    count = sum(parameter.numel() for parameter in ResNetFirstBlock().parameters())
    assert count == 64 * 3 * 49 + 4 * 64 * 64 * 9 + 5 * 2 * 64 == 157_504


def test_the_first_convolution_is_uniform_over_its_inputs() -> None:
    first = drawn("resnet", 0).conv1.weight
    bound = 1 / math.sqrt(3 * 7 * 7)
    assert first.abs().max() <= bound
    assert first.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_other_convolutions_are_kaiming_normal_over_their_outputs() -> None:
    for name, parameter in drawn("resnet", 0).named_parameters():
        if name == "conv1.weight":
            continue
        if "conv" in name:
            fan_out = parameter.shape[0] * parameter[0, 0].numel()
            deviation = math.sqrt(2 / fan_out)
            count = parameter.numel()
            # Five standard errors of a mean and of a standard deviation.
            assert abs(parameter.mean().item()) < 5 * deviation / math.sqrt(count)
            assert abs(parameter.std().item() / deviation - 1) < 5 / math.sqrt(2 * count)
        else:
            assert (parameter == (1.0 if name.endswith("weight") else 0.0)).all()


def test_a_tile_alone_decides_on_its_cost() -> None:
    network = TileNetwork()
    images = torch.randn(2, 3, 96, 96)
    costs = network(images)
    assert costs.shape == (2, 12, 12)
    tile = images[1, :, 8 * 4 : 8 * 5, 8 * 7 : 8 * 8].flatten()
    for layer in (network.conv1, network.conv2, network.conv3):
        assert layer.bias is not None
        before = tile if layer is network.conv1 else tile.relu()
        tile = layer.weight.flatten(1) @ before + layer.bias
    torch.testing.assert_close(costs[1, 4, 7], F.softplus(tile).squeeze(), rtol=1e-4, atol=1e-5)


def test_the_tile_network_starts_as_torch_does() -> None:
    for module in drawn("tiles", 0).children():
        assert isinstance(module, nn.Conv2d)
        bound = 1 / math.sqrt(module.weight[0].numel())
        for parameter in module.parameters():
            assert parameter.abs().max() <= bound
        assert module.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.3)


@pytest.mark.parametrize("name", ["resnet", "tiles"])
def test_the_generator_alone_decides_on_the_weights(name: str) -> None:
    first = drawn(name, 3).state_dict()
    torch.manual_seed(99)
    second, other = (drawn(name, seed).state_dict() for seed in (3, 4))
    assert all(torch.equal(value, second[key]) for key, value in first.items())
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])
