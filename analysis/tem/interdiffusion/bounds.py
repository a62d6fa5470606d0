"""Limits of the width of an error function from the profile of the likelihood, which few counts make lopsided."""

from __future__ import annotations

import math

import numpy as np

from .likelihood import INDISTINCT, Counts, InterfaceFit, fit_interface

_ROUNDS = 20
_CLOSE = 0.04  # in the root of the deviance, far below its scatter of 1


def root_deviance(data: Counts, best: InterfaceFit, sigma: float) -> float:
    """Return by how many standard uncertainties the counts disagree with a width in nm, centre and levels refitted."""
    held = max(sigma, INDISTINCT * data.step)
    spacing = max(0.5 * held, 0.25 * data.step)
    reach = max(best.sigma, held, data.step)
    centres = best.theta[0] + np.arange(-reach, reach + spacing, spacing)
    starts = np.stack([centres, np.full(len(centres), math.log(held))])
    fit = fit_interface(data, best.shape, starts, held=(1, math.log(held)), drift=best.drift != 0)
    return math.sqrt(max(fit.deviance - best.deviance, 0.0))


def profile_bound(data: Counts, best: InterfaceFit, rise: float) -> float:
    """Return the width in nm at which the counts disagree by `rise` standard uncertainties.

    Parameters
    ----------
    data : Counts
    best : InterfaceFit
        Of an error function.
    rise : float
        Above 0 for the upper bound, below 0 for the lower.

    Returns
    -------
    float
        In nm; 0 if no width is small enough for the counts to disagree, infinite if none within the scan is large
        enough.
    """
    wanted, upward = abs(rise), rise > 0
    smallest = INDISTINCT * data.step
    edge = data.span if upward else smallest
    if (upward and best.sigma >= edge) or (not upward and best.sigma <= edge):
        return math.inf if upward else 0.0
    # The root of the deviance is nearly straight in the logarithm of the width, so secants through 0 converge fast.
    start, end = math.log(max(best.sigma, smallest)), math.log(edge)
    inside, found_inside = start, 0.0
    outside, found_outside = end, math.nan
    place = start + math.copysign(wanted * math.sqrt(best.covariance[1, 1]), rise)
    for _ in range(_ROUNDS):
        if not min(start, end) < place < max(start, end):
            place = 0.5 * (inside + end)
        found = root_deviance(data, best, math.exp(place))
        if abs(found - wanted) < _CLOSE:
            return math.exp(place)
        if found < wanted:
            inside, found_inside = place, found
        else:
            outside, found_outside = place, found
        if not math.isnan(found_outside):
            share = (wanted - found_inside) / (found_outside - found_inside)
            place = inside + (outside - inside) * min(max(share, 0.05), 0.95)
        elif abs(end - inside) < 0.02:
            return math.inf if upward else 0.0
        else:
            place = start + (inside - start) * min(max(1.02 * wanted / max(found_inside, 1e-3), 1.05), 3.0)
    return math.exp(place)
