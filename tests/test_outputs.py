"""Outputs of any structure as one matrix, and back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given
from torch import Tensor

from newton_optim import inject_fisher, newton_target
from newton_optim._outputs import flatten_outputs
from tests.asserts import assert_close, assert_same_structure
from tests.strategies import Problem, leaves, map_outputs, problems


class Heads(NamedTuple):
    """A network's two outputs."""

    mean: Tensor
    scale: Tensor


class Page(OrderedDict[str, Tensor]):
    """A dict with an attribute of its own, as trainers have them."""

    title = "none"


@given(problems())
def test_split_and_rebuild_undo_join(problem: Problem) -> None:
    flat = flatten_outputs(problem.outputs)
    matrix = flat.join(flat.parts)
    assert_close(matrix, problem.y, problem.dtype)
    rebuilt = flat.rebuild(flat.split(matrix))
    assert_same_structure(rebuilt, problem.outputs)
    for part, own in zip(leaves(rebuilt), leaves(problem.outputs), strict=True):
        assert torch.equal(part, own)
    # Any leading dimensions, as of a batch of vectors.
    batch = torch.stack([matrix, 2 * matrix])
    assert torch.equal(flat.join(flat.split(batch)), batch)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_the_algebra_is_in_float64_if_any_part_is(
    others: torch.dtype, expected: torch.dtype
) -> None:
    flat = flatten_outputs((torch.ones(2, 3, dtype=torch.float16), torch.ones(2, dtype=others)))
    assert flat.dtype == expected
    assert flat.join(flat.parts).dtype == expected


def test_parts_are_called_by_their_place() -> None:
    y = torch.ones(2, 3)
    assert flatten_outputs(y).names == ["outputs"]
    assert flatten_outputs([y, y]).names == ["outputs[0]", "outputs[1]"]
    assert flatten_outputs({"a": y}).names == ["outputs['a']"]


def structures() -> dict[str, Any]:
    """Two outputs in the containers of users."""
    parts = torch.randn(2, 3), torch.randn(2)
    page = Page(mean=parts[0], scale=parts[1])
    page.title = "own"
    pair = {"mean": parts[0], "scale": parts[1]}
    return {
        "a named tuple": Heads(*parts),
        "a dict": pair,
        "a subclass of dict": page,
        "a mapping": MappingProxyType(pair),
    }


def parts_of(outputs: Any) -> list[Tensor]:
    """The two tensors."""
    return list(outputs.values() if isinstance(outputs, Mapping) else outputs)


@pytest.mark.parametrize("name", structures())
def test_the_users_own_containers_come_back(name: str) -> None:
    outputs = structures()[name]
    before = parts_of(outputs)

    def loss(y: Any) -> Tensor:
        mean, scale = parts_of(y)
        return 0.5 * ((mean - 1).square().sum(dim=1) + (scale - 2).square())

    z_star = newton_target(loss, outputs, damping=0.0)
    for result in (z_star, inject_fisher(outputs)):
        assert type(result) is (dict if name == "a mapping" else type(outputs))
        assert getattr(result, "title", "none") == getattr(outputs, "title", "none")
    mean, scale = parts_of(z_star)
    assert_close(mean, torch.ones(2, 3), torch.float32)
    assert_close(scale, torch.full((2,), 2.0), torch.float32)
    # What was given is not what was changed.
    assert all(a is b for a, b in zip(parts_of(outputs), before, strict=True))


def test_detached_outputs_keep_their_structure() -> None:
    y = {"a": torch.ones(2, 3, requires_grad=True), "b": torch.ones(2)}
    detached = flatten_outputs(y).detached()
    rebuilt = detached.rebuild(detached.parts)
    assert_same_structure(rebuilt, map_outputs(lambda part: part.detach(), y))
    assert not any(part.requires_grad for part in rebuilt.values())
