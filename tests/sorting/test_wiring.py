from __future__ import annotations

import dataclasses

import pytest
import torch

from newton_optim.sorting import SortingNetwork, Wiring
from newton_optim.sorting._wiring import (
    active_wires,
    bitonic_wiring,
    idle_comparators,
    odd_even_wiring,
    where_active,
    wire_indices,
)
from tests.sorting.network_strategies import KINDS


@pytest.mark.parametrize("n", [1, 2, 4, 8, 16])
def test_comparators_sort(n: int) -> None:
    for wiring in (odd_even_wiring(n), bitonic_wiring(n)):
        for _ in range(20):
            wires = torch.randperm(n).tolist()
            for first, second in wiring.layers:
                assert len(set(first + second)) == 2 * len(first)
                for a, b in zip(first, second, strict=True):
                    wires[a], wires[b] = sorted((wires[a], wires[b]))
            assert wires == list(range(n))


def test_known_wirings() -> None:
    assert SortingNetwork(3).wiring == Wiring(3, (((0,), (1,)), ((1,), (2,)), ((0,), (1,))))
    bitonic = SortingNetwork(4, network="bitonic").wiring
    assert bitonic.layers == (((0, 3), (1, 2)), ((0, 1), (2, 3)), ((0, 2), (1, 3)))


@pytest.mark.parametrize(("kind", "n"), KINDS)
def test_the_number_of_comparators(kind: str, n: int) -> None:
    log = n.bit_length() - 1
    expected = n * (n - 1) // 2 if kind == "odd_even" else n * log * (log + 1) // 4
    assert SortingNetwork(n, network=kind).wiring.num_comparators == expected


def test_a_wiring_is_a_value() -> None:
    wiring = SortingNetwork(5).wiring
    assert wiring == SortingNetwork(5).wiring != SortingNetwork(4).wiring
    assert hash(wiring) == hash(SortingNetwork(5).wiring)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(wiring, "n", 6)  # noqa: B010


@pytest.mark.parametrize(("kind", "n"), KINDS)
def test_the_indices_say_the_same_as_the_layers(kind: str, n: int) -> None:
    wiring = SortingNetwork(n, network=kind).wiring
    indices = wire_indices(wiring, torch.get_default_device())
    assert len(indices.first) == len(indices.second) == wiring.num_comparators
    assert indices.partner.shape == indices.sign.shape == (len(wiring.layers), n)
    rows = zip(wiring.layers, indices.partner.tolist(), indices.sign.tolist(), strict=True)
    for layer, partner, sign in rows:
        assert all(partner[partner[wire]] == wire for wire in range(n))
        pairs = [(wire, partner[wire]) for wire in range(n) if sign[wire] == 1.0]
        assert pairs == sorted(zip(layer.first, layer.second, strict=True))
        assert all((partner[wire] == wire) == (sign[wire] == 0.0) for wire in range(n))


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_the_comparators_that_are_not_idle_are_the_shorter_network(n: int) -> None:
    wiring = odd_even_wiring(n)
    indices = wire_indices(wiring, torch.device("cpu"))
    lengths = torch.arange(n + 1)
    idle = idle_comparators(indices, lengths)
    active = [layer for layer in active_wires(indices, lengths) if layer is not None]
    assert len(active) == len(wiring.layers)
    for m in range(n + 1):
        found = [
            (k, a, b)
            for k, a, b, rests in zip(
                indices.layer.tolist(),
                indices.first.tolist(),
                indices.second.tolist(),
                idle[:, m].tolist(),
                strict=True,
            )
            if not rests
        ]
        shorter = odd_even_wiring(m).layers
        assert found == [
            (k, a, b) for k, layer in enumerate(shorter) for a, b in zip(*layer, strict=True)
        ]
        # Those of wires: a wire without a partner counts as active while its layer does.
        for k, a, b in found:
            assert active[k][m, a]
            assert active[k][m, b]
        for k, layer in enumerate(wiring.layers):
            for a, b in zip(*layer, strict=True):
                assert active[k][m, a] == active[k][m, b] == ((k, a, b) in found)


def test_without_lengths_all_wires_are_active() -> None:
    indices = wire_indices(odd_even_wiring(3), torch.device("cpu"))
    assert active_wires(indices, None) == [None] * 3
    values, own = torch.randn(2, 3), torch.randn(2, 3)
    assert where_active(None, values, own) is values
    active = torch.tensor([True, False, True])
    chosen = where_active(active, values[0], own[0])
    assert chosen.tolist() == [values[0, 0], own[0, 1], values[0, 2]]
