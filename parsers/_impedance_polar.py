"""Modulus and phase against real and imaginary part: columns that say the same thing twice expose a misread table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .errors import AmbiguousContent, CorruptFile
from .findings import Finding

Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]
_TOLERANCE = 0.01
_SINGLE = 0.05
_ROUNDING = 20.0
_EXACT = 1e-6


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
        What `mismatch` says of single rows.

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
    difference = relative_difference(cartesian, polar)
    whole = np.isfinite(difference)
    if not whole.any():
        return []
    median = float(np.median(difference[whole]))
    if median > _TOLERANCE:
        if float(np.median(relative_difference(cartesian.conj(), polar)[whole])) < _TOLERANCE:
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
    return mismatch(difference, beside=beside)


def mismatch(difference: Floats, *, beside: str = "|Z|, phase") -> list[Finding]:
    """Return ``polar-mismatch`` if single rows differ by more than the digits in which the file is written explain.

    Parameters
    ----------
    difference : numpy.ndarray
        Relative difference of two impedances that should be the same, shape (n,). NaN is ignored.
    beside : str
        What the other columns are called in the message.

    Examples
    --------
    >>> rounded = np.array([1e-5, 3e-5, 2e-5, 1e-5, 4e-5])
    >>> mismatch(rounded), mismatch(np.append(rounded, 0.004))[0].code
    ([], 'polar-mismatch')
    """
    known = difference[np.isfinite(difference)]
    if not np.any(known > _EXACT):
        return []
    # Rounding alone leaves no row further off than some ten times the median.
    tolerance = min(max(_ROUNDING * float(np.median(known)), _EXACT), _SINGLE)
    single = int(np.count_nonzero(known > tolerance))
    if not single:
        return []
    message = (
        f"In {single} of {len(known)} rows Z', Z'' and {beside} differ by more than {tolerance:.2g} of |Z|, "
        f"at most by {float(known.max()):.2g}."
    )
    return [Finding("polar-mismatch", "warning", message)]


def relative_difference(first: Complex, second: Complex) -> Floats:
    """Return how far two impedances differ, as a fraction of the first's modulus; NaN where either is unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(first - second) / np.abs(first))
