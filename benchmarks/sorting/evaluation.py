"""How many ranks of fixed sets a network has right, counted on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.sorting.digits import Digits, evaluation_sets
from benchmarks.sorting.networks import Network, Parameters

_BATCH = 100


class Evaluation:
    """Fixed sets of numbers, and the share of them that is sorted right.

    Args:
        digits: that numbers are made of, on the device.
        n: how many numbers a set has.
        sets: how many there are.
        elements: how many of each set are sorted, from the first; all by default.
    """

    def __init__(self, digits: Digits, n: int, sets: int, elements: int | None = None) -> None:
        self.digits = digits
        drawn = evaluation_sets(digits, n, sets)[:, :elements]
        self.sets = drawn.to(digits.labels.device)

    @torch.no_grad()
    def shares(self, network: Network, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """EM and EW of every seed, both of shape `(S,)`, in float64 on the CPU.

        EM is the share of sets whose ranks are all right, EW the share of elements at their right
        rank; both are measured as the field does, from the order of the scores alone. The host
        waits for the device once, at the end.
        """
        seeds = len(next(iter(parameters.values())))
        counts = torch.zeros(2, seeds, dtype=torch.int64, device=self.sets.device)
        for indices in self.sets.split(_BATCH):
            images = self.digits.pictures(indices, side_by_side=network.side_by_side)
            scores = network(parameters, images.expand(seeds, *images.shape))
            order = self.digits.values(indices).argsort(dim=-1, stable=True)
            right = scores.argsort(dim=-1, stable=True) == order
            counts += torch.stack([right.all(-1).sum(1), right.sum((1, 2))])
        sets, elements = self.sets.shape[:2]
        em, ew = counts.cpu().double()
        return em / sets, ew / (sets * elements)
