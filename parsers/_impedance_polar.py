"""Modulus and phase against real and imaginary part: columns that say the same thing twice expose a misread table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .errors import AmbiguousContent, CorruptFile
from .findings import Finding

Complex = NDArray[np.complex128]
_TOLERANCE = 0.01
_SINGLE = 0.05


def from_polar(modulus: NDArray[np.float64], degrees: NDArray[np.float64]) -> Complex:
    """Return the complex impedance of a modulus and a phase in degrees."""
    return np.asarray(modulus * np.exp(1j * np.deg2rad(degrees)), dtype=np.complex128)


def compare_polar(cartesian: Complex, polar: Complex, *, beside: str = "|Z|, phase") -> list[Finding]:
    """Hold the impedance from Z', Z'' against the one from |Z|, phase, or from other columns.

    Parameters
    ----------
    cartesian, polar : numpy.ndarray
        Complex impedance in ohm from either pair of columns, shape (n,). NaN is ignored.
    beside : str
        What the other columns are called in messages.

    Returns
    -------
    list of Finding
        ``polar-mismatch`` when single rows differ by more than 5 %.

    Raises
    ------
    AmbiguousContent
        If they differ by the sign of the imaginary part.
    CorruptFile
        If they differ by more than 1 % in the median: decimal marks or columns have been misread.

    Examples
    --------
    >>> z = np.array([1 - 1j, 2 - 3j])
    >>> compare_polar(z, from_polar(np.abs(z), np.angle(z, deg=True)))
    []
    """
    difference = _relative(cartesian, polar)
    whole = np.isfinite(difference)
    if not whole.any():
        return []
    median = float(np.median(difference[whole]))
    if median > _TOLERANCE:
        if float(np.median(_relative(cartesian.conj(), polar)[whole])) < _TOLERANCE:
            raise AmbiguousContent(
                "the imaginary part and the phase have opposite signs",
                expected="one sign: Z'' and phase of a capacitor are both negative",
                remedy="check which of the two columns lacks a minus in its name",
            )
        raise CorruptFile(
            f"Z', Z'' and {beside} differ by {median:.1%} in the median",
            expected="the same impedance in both",
            remedy="check decimal marks, column names and the unit of the phase",
        )
    single = int(np.count_nonzero(difference[whole] > _SINGLE))
    if not single:
        return []
    worst = float(difference[whole].max())
    message = f"In {single} of {whole.sum()} rows Z', Z'' and {beside} differ by more than 5 %, at most by {worst:.0%}."
    return [Finding("polar-mismatch", "warning", message)]


def _relative(first: Complex, second: Complex) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(first - second) / np.abs(first))
