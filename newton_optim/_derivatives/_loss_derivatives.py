"""The derivatives of a loss with respect to its inputs, as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from torch import Tensor

from newton_optim._derivatives._elsewhere import Elsewhere
from newton_optim._derivatives._residual_form import ResidualForm


@dataclass(frozen=True, eq=False, init=False)
class LossDerivatives:
    """Value, gradient and Hessian of every sample's own loss `l_i`: what a curvature works on.

    A loss that knows its derivatives returns one from its ``derivatives`` method. The library hands
    one to the ``newton_step`` of a curvature, with all that the curvature's ``needs`` names; what
    it does not name is ``None``. It is a frozen value: reading it in any order, twice, or handing
    it on to another curvature changes nothing.

    Shapes and scale: N samples, m outputs per sample. Everything is on the per-sample scale: no
    1/N, whatever the reduction of the loss.

    Args:
        value: the losses `l_i`, shape `(N,)`.
        gradient: the gradients `g_i`, shape `(N, m)`.
        hessian: the Hessians `H_i`, shape `(N, m, m)`; a callable that returns them, called once,
            when they are first read; or ``None``: where a loss leaves them out, the library
            computes them.
        joint_hessian: the Hessian of the sum of all losses by all outputs, shape `(N, m, N, m)`,
            with the blocks across samples (``needs = "joint"``).
        gauss_newton: the Gauss-Newton matrices `J_i' ∇²l_i J_i` of a :class:`ComposedLoss`, shape
            `(N, m, m)` (``needs = "gauss_newton"``).
        residual_form: the same as a least-squares problem, where the outer part is a sum over the
            entries of the result, as :class:`SquaredLoss` is: the whitened Jacobians ``jacobian``,
            shape `(N, k, m)`, and residuals ``residual``, shape `(N, k)`; else ``None``.
        kept: which samples are finite, bool, shape `(N,)`; ``None`` if all count. The gradient and
            matrices of the others are zero.
        present: which outputs of a sample exist, bool, shape `(N, m)`, for lists that are padded to
            a common length; ``None`` if all do. Gradient and matrices are zero for the others.
        coupled: whether the loss couples samples, so that ``hessian`` is not the whole Hessian:
            ``False`` for what a loss states itself, sample by sample; ``None`` where it is not
            known; a 0-dim bool tensor where ``check_independence`` measured it.
        elsewhere: the loss after a step, for a curvature that ``revisits`` it: its values and
            derivatives at other outputs; else ``None``.
    """

    value: Tensor
    gradient: Tensor
    joint_hessian: Tensor | None
    residual_form: ResidualForm | None
    kept: Tensor | None
    present: Tensor | None
    coupled: bool | Tensor | None
    elsewhere: Elsewhere | None
    _hessian: Tensor | Callable[[], Tensor] | None
    _gauss_newton: Tensor | None

    def __init__(
        self,
        value: Tensor,
        gradient: Tensor,
        hessian: Tensor | Callable[[], Tensor] | None = None,
        *,
        joint_hessian: Tensor | None = None,
        gauss_newton: Tensor | None = None,
        residual_form: ResidualForm | None = None,
        kept: Tensor | None = None,
        present: Tensor | None = None,
        coupled: bool | Tensor | None = False,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        given = {
            "value": value,
            "gradient": gradient,
            "joint_hessian": joint_hessian,
            "residual_form": residual_form,
            "kept": kept,
            "present": present,
            "coupled": coupled,
            "elsewhere": elsewhere,
            "_hessian": hessian,
            "_gauss_newton": gauss_newton,
        }
        for name, field in given.items():
            object.__setattr__(self, name, field)

    @property
    def hessian(self) -> Tensor | None:
        """The Hessians `H_i`, shape `(N, m, m)`, or ``None``.

        Where the library computed them for a loss that couples samples, the sums over the blocks
        of each sample's column of the joint Hessian.
        """
        if callable(self._hessian):
            object.__setattr__(self, "_hessian", self._hessian())
        return cast("Tensor | None", self._hessian)

    @property
    def gauss_newton(self) -> Tensor | None:
        """The Gauss-Newton matrices, shape `(N, m, m)`, or ``None``.

        Of a residual form, they are multiplied out when they are first read.
        """
        if self._gauss_newton is None and self.residual_form is not None:
            object.__setattr__(self, "_gauss_newton", self.residual_form.matrices())
        return self._gauss_newton

    @property
    def has_hessian(self) -> bool:
        """Whether ``hessian`` is a tensor, or a callable that has not been called yet."""
        return self._hessian is not None
