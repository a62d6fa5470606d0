"""What to say of an amount that may be nothing: the detection limit and the upper limit."""

from __future__ import annotations

import math

DETECTION_LIMIT = 3.29
"""Detection limit in standard uncertainties of the blank: 5 % false positives and 5 % false negatives (Currie 1968)."""


def upper_limit(estimate: float, stderr: float) -> float:
    """Return the one-sided 95 % upper limit of an amount that cannot be negative.

    The normal likelihood about the unconstrained estimate, which may be negative, is cut at zero and 95 % of what
    remains lies below the limit. For estimates far above zero this is ``estimate + 1.645 stderr``; for negative ones it
    stays positive, and it covers the truth in at least 95 % of repetitions.

    Parameters
    ----------
    estimate : float
        The estimate without the bound at zero.
    stderr : float
        Its standard uncertainty, above 0.

    References
    ----------
    .. [1] Currie, Anal. Chem. 40 (1968) 586. https://doi.org/10.1021/ac60259a007

    Examples
    --------
    >>> round(upper_limit(0.0, 1.0), 3), round(upper_limit(10.0, 1.0), 3)
    (1.96, 11.645)
    """
    from scipy.special import log_ndtr, ndtri_exp

    ratio = max(estimate / stderr, -30.0)
    return max(estimate, -30.0 * stderr) - stderr * float(ndtri_exp(math.log(0.05) + float(log_ndtr(ratio))))
