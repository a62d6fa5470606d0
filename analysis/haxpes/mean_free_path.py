"""Inelastic mean free paths of photoelectrons from the relativistic TPP-2M equation."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ..errors import NotAnalysable
from ..quantity import Quantity

# Electron rest energy in eV (CODATA 2018).
_REST_ENERGY = 510998.95
# Relative standard uncertainty of the equation: its scatter about optical mean free paths of elemental solids.
_RELATIVE_STDERR = 0.10
_VALID = (50.0, 200e3)


@dataclass(frozen=True)
class Material:
    """What TPP-2M needs to know of a material.

    Parameters
    ----------
    name : str
        Formula or name.
    density : float
        In g cm-3.
    molar_mass : float
        Of the formula unit, g mol-1.
    valence_electrons : float
        Per formula unit.
    band_gap : float
        In eV, 0 for metals.
    """

    name: str
    density: float
    molar_mass: float
    valence_electrons: float
    band_gap: float


def material(name: str) -> Material:
    """Return a material of the table by name or alias.

    Raises
    ------
    NotAnalysable
        If the table does not have it.

    Examples
    --------
    >>> material("LCO").density
    5.05
    """
    table = _materials()
    if name not in table:
        known = sorted({entry.name for entry in table.values()})
        raise NotAnalysable(f"the material {name!r} is not in the table {known}; pass a Material with its density")
    return table[name]


@cache
def _materials() -> dict[str, Material]:
    rows = tomllib.loads(files(__package__).joinpath("materials.toml").read_text(encoding="utf-8"))
    table: dict[str, Material] = {}
    for name, row in rows.items():
        aliases = row.pop("aliases")
        table |= dict.fromkeys([name, *aliases], Material(name, **row))
    return table


def inelastic_mean_free_path(material: str | Material, kinetic_energy: float | Quantity) -> Quantity:
    r"""Return the inelastic mean free path of electrons in a material.

    .. math:: \lambda = \frac{\alpha E}{E_p^2\,[\beta\ln(\gamma\alpha E) - C/E + D/E^2]}, \qquad
              \alpha = \frac{1 + E/2mc^2}{(1 + E/mc^2)^2}

    with :math:`U = N_v\rho/M`, :math:`E_p = 28.816\sqrt U`,
    :math:`\beta = -1.0 + 9.44/\sqrt{E_p^2 + E_g^2} + 0.69\rho^{0.1}`, :math:`\gamma = 0.191\rho^{-1/2}`,
    :math:`C = 19.7 - 9.1U`, :math:`D = 534 - 208U`; energies in eV, :math:`\rho` in g cm-3, :math:`\lambda` in nm.

    Parameters
    ----------
    material : str or Material
        Name in the table of materials, or the material itself.
    kinetic_energy : float or Quantity
        In eV, or a quantity of that dimension.

    Returns
    -------
    Quantity
        ``inelastic_mean_free_path`` in nm with a standard uncertainty of 10 %, that of the equation. It is common to
        all energies in a material, so it does not average out over a series.

    Raises
    ------
    NotAnalysable
        If the energy is outside 50 eV to 200 keV or the material is not known.

    References
    ----------
    .. [1] Tanuma, Powell, Penn, Surf. Interface Anal. 21 (1994) 165. https://doi.org/10.1002/sia.740210302
    .. [2] Shinotsuka, Tanuma, Powell, Penn, Surf. Interface Anal. 47 (2015) 871. https://doi.org/10.1002/sia.5789

    Examples
    --------
    >>> print(inelastic_mean_free_path("Al2O3 ALD", 6000.0))
    inelastic_mean_free_path = 10.8 ± 1.1 nm
    """
    entry = material if isinstance(material, Material) else _named(material)
    energy = kinetic_energy.to("eV").value if isinstance(kinetic_energy, Quantity) else float(kinetic_energy)
    if not _VALID[0] <= energy <= _VALID[1]:
        raise NotAnalysable(f"the kinetic energy is {energy:g} eV; TPP-2M holds from 50 eV to 200 keV")
    density = entry.density
    u = entry.valence_electrons * density / entry.molar_mass
    plasmon = 28.816 * math.sqrt(u)
    beta = -1.0 + 9.44 / math.hypot(plasmon, entry.band_gap) + 0.69 * density**0.1
    gamma = 0.191 / math.sqrt(density)
    c, d = 19.7 - 9.1 * u, 534.0 - 208.0 * u
    alpha = (1 + energy / (2 * _REST_ENERGY)) / (1 + energy / _REST_ENERGY) ** 2
    length = alpha * energy / (plasmon**2 * (beta * math.log(gamma * alpha * energy) - c / energy + d / energy**2))
    return Quantity("inelastic_mean_free_path", length, _RELATIVE_STDERR * length, "nm", kind="derived")


def _named(name: str) -> Material:
    return material(name)
