"""A relaxed Bellman-Ford algorithm: the path of least cost by softmins, differentiable."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from newton_optim._checks import check_choice, check_integer, check_positive, known_true
from newton_optim.paths._costs import check_grids

LOOPS = ("for", "while")
T_CONORMS = ("probabilistic", "hamacher", "yager")


class RelaxedBellmanFord(nn.Module):
    r"""The shortest path through a grid by AlgoVision's relaxation of Bellman and Ford's algorithm.

    `Learning with Algorithmic Supervision via Continuous Relaxations
    <https://arxiv.org/abs/2110.05651>`_ (Petersen et al., 2021). The minimum over the eight
    neighbours becomes a softmin of steepness β, whose weights `p` are then followed back from the
    goal:

    .. math::

        d_v \leftarrow c_v + \sum_{u \sim v} p_{vu}\, d_u, \qquad
        p_{v} = \operatorname{softmin}(\beta\, d_{u \sim v}), \qquad
        s_u \leftarrow \sum_{v \sim u} s_v\, p_{vu}, \qquad
        t \leftarrow t \perp s

    Here `d` is 0 at the start (the top left cell), `s` is where the trace is (at first 1 at the
    goal, the bottom right cell) and `t` is what it has touched. ⊥ is a t-conorm, a relaxed "or". As
    β goes to infinity, `t` goes to the path. The trace does not stop at the start: with more
    iterations than the path has cells it also touches the cheapest neighbour of the start.

    Derivatives of any order exist and are finite in float32. The result of a sample does not
    depend on its batch. A cost of infinity is a wall. NaN and -infinity make their own sample NaN.
    An empty batch gives an empty result.

    Args:
        steepness: β > 0, in units of one over the costs; also that of the condition of the loop.
        iterations: the number of iterations, both of the relaxation and of the loop that traces
            back; at least max(H, W), the least number of cells that a path can have.
        loop: how the trace ends. ``"for"``: after all iterations. ``"while"``: it also runs all of
            them, but iteration `i` counts in `t` with a weight that falls once the start is
            touched, `w_i = w_{i-1} sigmoid(β (1 - t_start))`.
        t_conorm: `a ⊥ b`: ``"probabilistic"`` is `a + b - ab`; ``"hamacher"`` is Hamacher's family
            `(a + b + (p - 2) ab) / (1 + (p - 1) ab)`; ``"yager"`` is `min(1, a + b)`, which has a
            kink.
        hamacher_parameter: the `p > 0` of ``"hamacher"``; 1 is the probabilistic one.

    Shapes:
        costs `(..., H, W)` to the path, in [0, 1], `(..., H, W)`; all leading dimensions are batch.

    Raises:
        TypeError: if an argument is of the wrong kind, or the costs are not floating-point.
        ValueError: if an argument has a wrong value, if the costs have less than two dimensions,
            no cells or a grid too large for the iterations, or if walls leave no path of so many
            cells (checked on the CPU and outside ``torch.func.vmap`` and ``torch.compile`` only).
    """

    def __init__(
        self,
        *,
        steepness: float = 10.0,
        iterations: int = 18,
        loop: str = "for",
        t_conorm: str = "probabilistic",
        hamacher_parameter: float = 5.0,
    ) -> None:
        super().__init__()
        self.steepness = check_positive("steepness", steepness)
        self.iterations = check_integer("iterations", iterations)
        self.loop = check_choice("loop", loop, LOOPS)
        self.t_conorm = check_choice("t_conorm", t_conorm, T_CONORMS)
        self.hamacher_parameter = check_positive("hamacher_parameter", hamacher_parameter)

    def forward(self, costs: Tensor) -> Tensor:
        """The degree to which each cell is on the path, shape and dtype as those of the costs."""
        self._check_costs(costs)
        H, W = costs.shape[-2:]
        grids = costs.to(torch.promote_types(costs.dtype, torch.float32))
        # (H W, batch): a neighbour is a row, and rows are contiguous.
        gains = -self.steepness * grids.reshape(-1, H * W).mT.contiguous()
        neighbours = _neighbours(H, W, costs.device)
        path = self._trace(self._moves(gains, neighbours), neighbours)
        return path.mT.reshape(costs.shape).to(costs.dtype)

    def extra_repr(self) -> str:
        """The arguments, for ``repr``."""
        options = (
            f"steepness={self.steepness}, iterations={self.iterations}, loop={self.loop!r}, "
            f"t_conorm={self.t_conorm!r}"
        )
        if self.t_conorm == "hamacher":
            options += f", hamacher_parameter={self.hamacher_parameter}"
        return options

    def _check_costs(self, costs: Tensor) -> None:
        check_grids(costs)
        if max(costs.shape[-2:]) > self.iterations:
            raise ValueError(
                f"iterations must be at least max(H, W) = {max(costs.shape[-2:])} for costs of "
                f"shape {tuple(costs.shape)}, got {self.iterations}"
            )

    def _check_reach(self, cut_off: Tensor) -> None:
        if known_true(cut_off.any()):
            raise ValueError(
                f"costs must leave a path of at most iterations = {self.iterations} cells, "
                "but walls of infinite cost cut it off"
            )

    def _moves(self, gains: Tensor, neighbours: Tensor) -> Tensor:
        """The weights p of the moves from each cell to its eight neighbours, `(8, H W, batch)`.

        Args:
            gains: `-β c`, shape `(H W, batch)`.
            neighbours: from ``_neighbours``.
        """
        # What is out of reach is so much farther than any walk that its weight underflows to
        # exactly 0. With a fixed huge number second derivatives would be NaN in float32.
        walls, farthest = gains == -torch.inf, self.iterations * _largest_finite(gains.detach())
        outside = -(3.0 * farthest + 1000.0)
        gains = torch.where(walls, outside, gains)
        start = torch.zeros_like(outside)
        x = torch.cat((start, outside.expand_as(gains)))  # -β d of the cells and of the border.
        before, weights = x, x
        for _ in range(self.iterations):
            before = x
            around = x.index_select(0, neighbours).unflatten(0, (8, -1))
            # Relative to the nearest: the derivatives of products with x itself would cancel.
            nearest = around.detach().amax(0)
            around = around - nearest
            weights = around.softmax(0)
            x = nearest + (weights * around).sum(0) + gains
            x = torch.cat((start, x[1:], outside))
        # One move fewer than iterations, as many cells: the trace can then get to the start.
        self._check_reach(walls[0] | (before[-2] < 0.5 * outside))
        return weights

    def _trace(self, moves: Tensor, neighbours: Tensor) -> Tensor:
        """The degree to which the trace from the goal touches each cell, `(H W, batch)`."""
        cells = moves.shape[1]
        position = torch.zeros_like(moves[0])
        position[-1] = 1.0
        touched = torch.zeros_like(position)
        path, running = touched, torch.sigmoid(self.steepness * (1.0 - touched[0]))
        for _ in range(self.iterations):
            union = self._union(touched, position)
            if self.loop == "while":
                path = path + running * (union - touched)
                running = running * torch.sigmoid(self.steepness * (1.0 - union[0]))
            touched = union
            moved = (moves * position).flatten(0, 1)
            position = moved.new_zeros(cells + 1, moved.shape[1]).index_add(0, neighbours, moved)
            position = position[:cells]
        return path if self.loop == "while" else touched

    def _union(self, a: Tensor, b: Tensor) -> Tensor:
        if self.t_conorm == "probabilistic":
            return a + b - a * b
        if self.t_conorm == "yager":
            return 1.0 - torch.relu(1.0 - a - b)
        p, ab = self.hamacher_parameter, a * b
        return (a + b + (p - 2.0) * ab) / (1.0 + (p - 1.0) * ab)


def _neighbours(H: int, W: int, device: torch.device) -> Tensor:
    """The eight cells around each, as indices into `H W` cells and the border, `(8 H W,)`."""
    cells = torch.arange(H * W, device=device).reshape(H, W)
    padded = nn.functional.pad(cells, (1, 1, 1, 1), value=H * W)
    around = [padded[i : i + H, j : j + W] for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return torch.stack(around).flatten()


def _largest_finite(values: Tensor) -> Tensor:
    """The largest finite absolute value of each column, `(1, batch)`."""
    size = values.abs()
    return torch.where(size == torch.inf, 0.0, size).amax(0, keepdim=True)
