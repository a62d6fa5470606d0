r"""One interface seen by several X-ray lines: a shape with common parameters, fitted to raw counts.

.. math:: \mu_j(x) = e^{c v} \sum_m a_{mj} B_m(x; \theta), \qquad v = (x - \bar x) / (x_n - x_1)

Line j has its own levels :math:`a_{mj}`, which hold its background; all lines share the parameters of the shape and,
where asked for, a change c of the foil's mass thickness along the scan. The likelihood is Poisson's, so points with few
or no counts keep their weight and nothing is subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .shapes import SHAPES, Shape

Array = NDArray[np.float64]

_ITERATIONS = 40
_FLOOR = 1e-3  # counts a point below which a level is not told from none

INDISTINCT = 0.1
"""Width in steps of the scan that no count tells from 0."""

_LEAST_SMOOTH = 0.3  # width in steps of the scan below which the likelihood has no curvature between two points


@dataclass(frozen=True)
class Counts:
    """Counts of k lines at n places.

    Parameters
    ----------
    distance : ndarray, shape (n,)
        In nm, rising.
    counts : ndarray, shape (n, k)
        NaN where missing.
    """

    distance: Array
    counts: Array

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which counts are there, shape (n, k)."""
        return np.isfinite(self.counts)

    @property
    def span(self) -> float:
        """Length of the scan in nm."""
        return float(np.ptp(self.distance))

    @property
    def step(self) -> float:
        """Smallest distance of two points in nm."""
        return float(np.min(np.diff(self.distance)))

    def lines(self, chosen: list[int]) -> Counts:
        """Return some of the lines."""
        return Counts(self.distance, self.counts[:, chosen])


@dataclass(frozen=True)
class InterfaceFit:
    """Maximum of the likelihood.

    Parameters
    ----------
    shape : Shape
    theta : ndarray, shape (q,)
        Parameters of the shape.
    levels : ndarray, shape (m, k)
        Counts a point, from the near to the far side.
    drift : float
        Change of the logarithm of the mass thickness over the scan.
    n_free : int
        Fitted parameters.
    covariance : ndarray, shape (q + m k + 1, q + m k + 1)
        Inverse Fisher information of theta, levels row by row, and drift; 0 for what was held.
    model : ndarray, shape (n, k)
        Expected counts.
    deviance : float
        Twice the distance of the log-likelihood from that of the data themselves.
    converged : bool
    """

    shape: Shape
    theta: Array
    levels: Array
    drift: float
    n_free: int
    covariance: Array
    model: Array
    deviance: float
    converged: bool

    @property
    def sigma(self) -> float:
        """Width s in nm."""
        return float(np.exp(self.theta[1]))

    @property
    def aic(self) -> float:
        """Akaike's criterion but for a constant: deviance plus twice the number of parameters."""
        return self.deviance + 2 * self.n_free

    @property
    def steps(self) -> Array:
        """Level on the far side less that on the near side, shape (k,)."""
        return np.asarray(self.levels[-1] - self.levels[0])

    @property
    def contrast(self) -> Array:
        """Steps of the lines in their standard uncertainties, shape (k,)."""
        q, k = self.shape.size, self.levels.shape[1]
        near, far = q + np.arange(k), q + (self.shape.n_levels - 1) * k + np.arange(k)
        c = self.covariance
        variance = c[near, near] + c[far, far] - 2 * c[near, far]
        return np.asarray(np.abs(self.steps) / np.sqrt(np.maximum(variance, 1e-300)))

    @property
    def share(self) -> float:
        """Share of all steps that is taken at the first of two interfaces; 0 for a shape with one."""
        if self.shape.n_levels == 2:
            return 0.0
        signs = np.sign(self.steps)
        return float(signs @ (self.levels[1] - self.levels[0]) / max(float(np.abs(self.steps).sum()), 1e-300))


def fit_interface(
    data: Counts, shape: Shape, starts: Array, *, held: tuple[int, float] | None = None, drift: bool = False
) -> InterfaceFit:
    """Fit a shape and its levels by damped Fisher scoring.

    Parameters
    ----------
    data : Counts
    shape : Shape
    starts : ndarray, shape (q, g)
        Parameters of the shape to start from; that which least squares prefer is taken.
    held : tuple of int and float, optional
        Place and value of a parameter of the shape that is not fitted.
    drift : bool
        Whether a change of mass thickness along the scan is fitted as well.

    Returns
    -------
    InterfaceFit
    """
    if held is not None:
        starts = starts.copy()
        starts[held[0]] = held[1]
    theta, levels = _best_start(data, shape, starts)
    q = shape.size
    parameters = np.concatenate([theta, levels.ravel(), [0.0]])
    low, high, reach = _limits(data, shape, len(parameters))
    free = np.ones(len(parameters), dtype=bool)
    free[-1] = drift
    if held is not None:
        free[held[0]] = False
        low[held[0]] = high[held[0]] = held[1]
    used = data.used
    filled = np.where(used, data.counts, 0.0)

    deviance, score, information, model = _evaluate(data.distance, filled, used, shape, parameters)
    damping, converged = 1e-3, False
    for _ in range(_ITERATIONS):
        stuck = ((parameters <= low) & (score < 0)) | ((parameters >= high) & (score > 0))
        move = _move(score, information, free & ~stuck, damping)
        trial = np.clip(parameters + np.clip(move, -reach, reach), low, high)
        new = _evaluate(data.distance, filled, used, shape, trial)
        if new[0] <= deviance:
            converged = deviance - new[0] < 1e-6 * (1 + deviance)
            parameters, (deviance, score, information, model), damping = trial, new, damping * 0.1
        else:
            damping *= 10
            converged = damping > 1e8
        if converged:
            break
    smooth = np.log(_LEAST_SMOOTH * data.step)
    if parameters[1] < smooth:
        blunt = np.concatenate([parameters[:1], [smooth], parameters[2:]])
        information = _evaluate(data.distance, filled, used, shape, blunt)[2]
    return InterfaceFit(
        shape=shape,
        theta=parameters[:q],
        levels=parameters[q:-1].reshape(shape.n_levels, -1),
        drift=float(parameters[-1]),
        n_free=int(free.sum()),
        covariance=_covariance(information, free),
        model=model,
        deviance=float(deviance),
        converged=bool(converged),
    )


def _best_start(data: Counts, shape: Shape, starts: Array) -> tuple[Array, Array]:
    """Return the least-squares best of some parameters with the levels that belong to it."""
    used = data.used
    filled = np.where(used, data.counts, 0.0)
    basis, _ = shape.basis(data.distance, starts)
    weight = used / np.maximum(filled.sum(axis=0) / np.maximum(used.sum(axis=0), 1), _FLOOR)
    m = shape.n_levels
    normal = np.empty((starts.shape[1], weight.shape[1], m, m))
    for a in range(m):
        for b in range(a, m):
            normal[:, :, a, b] = normal[:, :, b, a] = (basis[a] * basis[b]) @ weight
    right = np.stack([basis[a] @ (weight * filled) for a in range(m)], axis=-1)
    ridge = 1e-9 * np.trace(normal, axis1=2, axis2=3)[..., None, None] + 1e-300
    levels = np.maximum(np.linalg.solve(normal + ridge * np.eye(m), right[..., None])[..., 0], _FLOOR)
    explained = 2 * (levels * right).sum(axis=-1) - np.einsum("gka,gkab,gkb->gk", levels, normal, levels)
    best = int(np.argmax(explained.sum(axis=1)))
    return starts[:, best], levels[best].T


def _limits(data: Counts, shape: Shape, size: int) -> tuple[Array, Array, Array]:
    """Return lower and upper limits of the parameters and the longest step that one iteration may take."""
    low, high, reach = np.full(size, _FLOOR), np.full(size, np.inf), np.full(size, np.inf)
    low[0], high[0] = data.distance[0] - data.span, data.distance[-1] + data.span
    low[1], high[1] = np.log(INDISTINCT * data.step), np.log(2 * data.span)
    if shape.limits is not None:
        for place, limits in enumerate(shape.limits(data.step, data.span), start=2):
            low[place], high[place] = limits
    low[-1], high[-1] = -5.0, 5.0
    reach[: shape.size] = (0.2 * data.span, *[1.0] * (shape.size - 1))
    return low, high, reach


def _move(score: Array, information: Array, free: NDArray[np.bool_], damping: float) -> Array:
    move = np.zeros_like(score)
    part = information[np.ix_(free, free)]
    part = part + damping * np.diag(np.diag(part)) + 1e-12 * np.eye(len(part))
    move[free] = np.linalg.solve(part, score[free])
    return move


def _evaluate(
    distance: Array, filled: Array, used: NDArray[np.bool_], shape: Shape, parameters: Array
) -> tuple[float, Array, Array, Array]:
    """Return deviance, score, Fisher information and model."""
    from scipy.special import xlogy

    model, slopes = expectation(distance, shape, parameters, filled.shape[1])
    deviance = 2 * float(np.where(used, xlogy(filled, np.where(used, filled, 1.0) / model) - filled + model, 0.0).sum())
    flat = slopes.reshape(len(parameters), -1)
    scaled = flat * (used / model).ravel()
    return deviance, scaled @ (filled - model).ravel(), scaled @ flat.T, model


def expectation(distance: Array, shape: Shape, parameters: Array, n_lines: int) -> tuple[Array, Array]:
    """Return expected counts (n, k) and derivatives by theta, levels row by row, and drift (q + m k + 1, n, k)."""
    q, m, k = shape.size, shape.n_levels, n_lines
    levels = parameters[q:-1].reshape(m, k)
    basis, by_theta = shape.basis(distance, parameters[:q])
    place = (distance - 0.5 * (distance[0] + distance[-1])) / (distance[-1] - distance[0])
    factor = np.exp(parameters[-1] * place)
    model = np.maximum(factor[:, None] * (basis.T @ levels), 1e-9)
    slopes = np.zeros((len(parameters), len(distance), k))
    slopes[:q] = factor[:, None] * np.tensordot(by_theta, levels, (1, 0))
    weighted = factor * basis
    for line in range(k):
        slopes[q + line + k * np.arange(m), :, line] = weighted
    slopes[-1] = place[:, None] * model
    return model, slopes


def _covariance(information: Array, free: NDArray[np.bool_]) -> Array:
    part = information[np.ix_(free, free)]
    scale = np.sqrt(np.maximum(np.diag(part), 1e-100))
    scaled = part / np.outer(scale, scale) + 1e-12 * np.eye(len(scale))
    covariance = np.zeros_like(information)
    covariance[np.ix_(free, free)] = np.linalg.inv(scaled) / np.outer(scale, scale)
    return covariance


def erf_starts(data: Counts) -> Array:
    """Return a grid of centres and widths of an error function over the whole scan, shape (2, g)."""
    centres = data.distance[0] + data.span * np.linspace(0.04, 0.96, 24)
    widths = np.geomspace(data.step, max(0.5 * data.span, data.step), 8)
    return np.stack([grid.ravel() for grid in np.meshgrid(centres, np.log(widths))])


def fit_erf(data: Counts) -> InterfaceFit:
    """Fit an error function from the best of a grid of starts."""
    return fit_interface(data, SHAPES["erf"], erf_starts(data))
