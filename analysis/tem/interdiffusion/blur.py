r"""What the instrument adds to the width of an interface, as a variance to be taken off.

A probe, the spread of the beam in the foil and an interface that leans widen a profile by folding. Variances of folded
shapes add up whatever the shapes are:

.. math:: s_\mathrm{meas}^2 = s^2 + s_\mathrm{probe}^2 + s_\mathrm{broadening}^2 + (f \tan\alpha)^2 / 12
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...errors import NotAnalysable
from ...quantity import Quantity

_GAUSS_90 = 2 * math.sqrt(2 * math.log(10))  # diameter with 90 % of a round Gaussian, in its standard deviations
_FWHM = 2 * math.sqrt(2 * math.log(2))  # also the diameter with half of it

PROBE_DEFINITIONS: Mapping[str, float] = {
    "probe_sigma": 1.0,
    "probe_fwhm": _FWHM,
    "probe_d50": _FWHM,
    "probe_d90": _GAUSS_90,
    "probe_10_90": 2.5631031310892007,
}
"""Names under which a probe size may be given, and the size in standard deviations of a Gaussian probe."""

_REED = 7.21e5  # cm^(1/2) g^(-1/2) mol^(1/2) eV
_MODEL = 0.3  # relative standard uncertainty of the broadening: single scattering and the mean of a compound


@dataclass(frozen=True)
class Blur:
    """Variances that the instrument adds to a profile.

    Parameters
    ----------
    variances : mapping of str to float
        In nm2 by source.
    uncertainties : mapping of str to float
        Standard uncertainties of the variances in nm2, independent of each other.
    """

    variances: Mapping[str, float] = field(default_factory=dict)
    uncertainties: Mapping[str, float] = field(default_factory=dict)

    @property
    def variance(self) -> float:
        """Sum of the variances in nm2."""
        return math.fsum(self.variances.values())

    @property
    def stderr(self) -> float:
        """Standard uncertainty of the sum in nm2."""
        return math.hypot(*self.uncertainties.values())

    @property
    def sigma(self) -> Quantity:
        """Standard deviation of everything together."""
        sigma = math.sqrt(self.variance)
        return Quantity("blur_sigma", sigma, self.stderr / (2 * sigma) if sigma else 0.0, "nm", kind="derived")


def beam_broadening(foil_thickness: Quantity, beam_energy: Quantity, *, formula: str, density: Quantity) -> Quantity:
    r"""Diameter into which single elastic scattering spreads 90 % of a beam at the exit of a foil.

    .. math:: b = 7.21 \cdot 10^5\, \frac{Z}{E_0} \left(\frac{\rho}{A}\right)^{1/2} f^{3/2}

    Parameters
    ----------
    foil_thickness : Quantity
        A length.
    beam_energy : Quantity
        In eV or keV.
    formula : str
        Such as ``"LiCoO2"``. Z and A are means over its atoms.
    density : Quantity
        A mass per volume.

    Returns
    -------
    Quantity
        ``beam_broadening`` in nm. The standard uncertainty holds those of the inputs and 30 % for the formula, which
        knows one scattering event and, for a compound, the mean atom only.

    Raises
    ------
    UnitError
        If an input bears another dimension.
    ValueError
        If the formula cannot be read.

    References
    ----------
    .. [1] Goldstein, Costley, Lorimer, Reed, in: Scanning Electron Microscopy 1977, vol. 1, 315.
    .. [2] Reed, Ultramicroscopy 7 (1982) 405, doi:10.1016/0304-3991(82)90266-0.

    Examples
    --------
    >>> given = Quantity("foil_thickness", 80.0, 5.0, "nm"), Quantity("beam_energy", 200.0, None, "keV")
    >>> print(beam_broadening(*given, formula="LiCoO2", density=Quantity("density", 5.05, None, "g cm-3")))
    beam_broadening = 4.3 ± 1.3 nm
    """
    import xraydb

    atoms = xraydb.chemparse(formula)
    total = math.fsum(atoms.values())
    mean_z = math.fsum(n * xraydb.atomic_number(element) for element, n in atoms.items()) / total
    mean_a = math.fsum(n * xraydb.atomic_mass(element) for element, n in atoms.items()) / total
    foil, energy, mass = foil_thickness.to("cm").value, beam_energy.to("eV").value, density.to("g cm-3").value
    if min(foil, energy, mass) <= 0:
        raise NotAnalysable("foil thickness, beam energy and density must be above 0")
    broadening = _REED * mean_z / energy * math.sqrt(mass / mean_a) * foil**1.5 * 1e7
    relative = math.hypot(_MODEL, 1.5 * foil_thickness.relative, beam_energy.relative, 0.5 * density.relative)
    return Quantity("beam_broadening", broadening, broadening * relative, "nm", kind="derived")


def instrument_blur(
    *,
    probe: Quantity | None = None,
    broadening: Quantity | None = None,
    foil_thickness: Quantity | None = None,
    tilt: Quantity | None = None,
) -> Blur:
    r"""Collect what the instrument adds to the variance of a profile.

    Parameters
    ----------
    probe : Quantity
        Size of the probe at the entrance of the foil; its name says by which definition, see `PROBE_DEFINITIONS`.
    broadening : Quantity
        Diameter with 90 % of the beam at the exit of the foil, from `beam_broadening`. X-rays come from all depths;
        the variance grows with the third power of the depth, so its mean is a quarter of that at the exit.
    foil_thickness, tilt : Quantity
        Both or neither: an interface that leans by the angle tilt to the beam is seen as a box of width f tan(tilt).
        A tilt of 0 with an uncertainty adds the variance that is to be expected from that uncertainty.

    Returns
    -------
    Blur

    Raises
    ------
    ValueError
        If the probe bears a name that is no definition, or only one of foil thickness and tilt is given.
    UnitError
        If an input bears another dimension.
    """
    variances: dict[str, float] = {}
    uncertainties: dict[str, float] = {}
    if probe is not None:
        if probe.name not in PROBE_DEFINITIONS:
            raise ValueError(f"the probe size is named {probe.name!r}; expected one of {sorted(PROBE_DEFINITIONS)}")
        _add(variances, uncertainties, "probe", probe.to("nm").value / PROBE_DEFINITIONS[probe.name], probe.relative)
    if broadening is not None:
        sigma = broadening.to("nm").value / (2 * _GAUSS_90)
        _add(variances, uncertainties, "broadening", sigma, broadening.relative)
    if (foil_thickness is None) != (tilt is None):
        raise ValueError("found one of foil_thickness and tilt; a leaning interface needs both")
    if foil_thickness is not None and tilt is not None:
        variances["tilt"], uncertainties["tilt"] = _tilt_variance(foil_thickness.to("nm"), tilt.to("degree"))
    return Blur(variances, uncertainties)


def _add(
    variances: dict[str, float], uncertainties: dict[str, float], source: str, sigma: float, relative: float
) -> None:
    if sigma < 0:
        raise ValueError(f"the size of {source} is negative")
    variances[source] = sigma**2
    uncertainties[source] = 2 * sigma**2 * relative


def _tilt_variance(foil: Quantity, tilt: Quantity) -> tuple[float, float]:
    """Return mean and standard uncertainty of (f tan a)^2 / 12 for a normally distributed angle."""
    scale = foil.value**2 / 12
    slope, spread = math.tan(math.radians(tilt.value)), math.radians(tilt.stderr or 0.0)
    spread *= 1 + slope**2
    mean = scale * (slope**2 + spread**2)
    of_angle = scale * math.sqrt(4 * slope**2 * spread**2 + 2 * spread**4)
    return mean, math.hypot(of_angle, 2 * mean * foil.relative)
