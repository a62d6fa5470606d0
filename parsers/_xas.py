"""From the columns of an X-ray absorption scan to a Dataset, whatever file they came from.

An absorption file holds an energy axis and any of the currents that were measured along it: before the sample (``i0``),
behind it (``itrans``), behind a reference foil (``irefer``), fluorescence (``ifluor``) and the electron yield. All the
signals of `SIGNALS` are proportional to the absorption up to a slowly varying function of energy; those that the file
gives already divided are kept, the others are derived.

References
----------
.. [1] B. Ravel, M. Newville, "XAFS Data Interchange: A single spectrum XAFS data file format", J. Phys.: Conf. Ser. 712
   (2016) 012148, doi:10.1088/1742-6596/712/1/012148; its dictionary of columns names the currents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import schema
from ._table import Column, fold
from .errors import AmbiguousContent, CorruptFile, UnsupportedContent
from .findings import Finding
from .units import conversion, normalise

Floats = NDArray[np.float64]

HC = 12398.419843320026
"""Photon energy in eV times wavelength in angstrom, exact since the SI of 2019."""

_SYMBOLS = """
H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru
Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At
Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf
"""
ELEMENTS = frozenset(_SYMBOLS.split())
EDGE = re.compile(r"K|L[123]?|M[1-5]?|N[1-7]?|O[1-7]?")

# The first spelling is the one of the XDI dictionary; the others are what beamlines write.
COLUMNS = (
    Column("energy", "energy", "eV"),
    Column(("angle", "bragg", "theta"), "angle", "degree"),
    Column(("i0", "io"), "i0"),
    Column(("itrans", "it", "i1"), "itrans"),
    Column(("irefer", "iref", "ir", "i2"), "irefer"),
    Column(("ifluor", "if", "fluor"), "ifluor"),
    Column(("ielectron", "itey", "iey", "tey", "sampledrain", "drain"), "ielectron"),
    Column("mutrans", "mu_transmission"),
    Column("mufluor", "mu_fluorescence"),
    Column(("mutey", "muey"), "mu_electron_yield"),
    Column(("murefer", "muref"), "mu_reference"),
    Column(("normtrans", "normfluor", "norm"), "mu_normalized"),
    Column(("mu", "xmu"), "mu"),
)
_COLUMN = {fold(spelling): column for column in COLUMNS for spelling in column.spellings}
CURRENTS = frozenset({"i0", "itrans", "irefer", "ifluor", "ielectron"})

MODES = {
    "transmission": "mu_transmission",
    "fluorescence": "mu_fluorescence",
    "electron yield": "mu_electron_yield",
}
"""Mode of a measurement, and the signal that is its absorption; in the order in which `mu` is chosen."""


@dataclass(frozen=True)
class Derivation:
    """How a signal follows from two currents: their ratio, or its natural logarithm."""

    name: str
    numerator: str
    denominator: str
    logarithm: bool

    def __str__(self) -> str:
        ratio = f"{self.numerator}/{self.denominator}"
        return f"ln({ratio})" if self.logarithm else ratio


SIGNALS = (
    Derivation("mu_transmission", "i0", "itrans", logarithm=True),
    Derivation("mu_fluorescence", "ifluor", "i0", logarithm=False),
    Derivation("mu_electron_yield", "ielectron", "i0", logarithm=False),
    Derivation("mu_reference", "itrans", "irefer", logarithm=True),
)


@dataclass
class Scan:
    """One absorption scan under the names of the vocabulary.

    Parameters
    ----------
    energy : xarray.Variable
        Photon energy in eV, from `energy_axis`.
    columns : dict of str to xarray.Variable
        Currents and signals of `COLUMNS` along it.
    mode : str, optional
        Key of `MODES` when the file says how the sample was measured.
    findings : list of Finding
        What was noticed so far.
    """

    energy: xr.Variable
    columns: dict[str, xr.Variable]
    mode: str | None = None
    findings: list[Finding] = field(default_factory=list)

    def note(self, code: str, severity: Any, message: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(code, severity, message))


def column_name(label: str) -> str | None:
    """Return the name of the vocabulary for a column label, or None when it has none.

    Examples
    --------
    >>> column_name("MuTrans"), column_name("I1"), column_name("OCR_AVG")
    ('mu_transmission', 'itrans', None)
    """
    column = _COLUMN.get(fold(label))
    return column.name if column else None


def is_standard(label: str) -> bool:
    """Whether a column label is the one that the XDI dictionary gives, so that nothing was inferred."""
    column = _COLUMN.get(fold(label))
    return column is not None and fold(label) == fold(column.spellings[0])


def current(values: Floats, unit: str) -> xr.Variable:
    """Return a measured current as a variable in ``count``, ``A`` or, when the file's unit is neither, ``1``."""
    attrs = {"units": "1"}
    if unit:
        try:
            ours, factor = conversion(unit)
        except UnsupportedContent:
            ours, factor = "", 1.0
        if ours in ("count", "A"):
            return xr.Variable(("energy",), values * factor, {"units": ours})
        attrs["original_units"] = unit
    return xr.Variable(("energy",), values, attrs)


def energy_axis(values: Floats, unit: str) -> xr.Variable:
    """Return photon energies in eV.

    Parameters
    ----------
    values : array, shape (points,)
    unit : str
        As in the file, ``eV`` or ``keV``; "" when it names none.

    Raises
    ------
    UnsupportedContent
        If the unit is not one of energy.
    AmbiguousContent
        If there is no unit and the values may be keV as well as eV.
    CorruptFile
        If an energy is not positive and finite.
    """
    if unit:
        ours, factor = conversion(unit)
        if ours != "eV":
            raise UnsupportedContent(f"the energy axis is in {unit!r}", expected="eV or keV")
    else:
        factor = 1.0
        if len(values) and np.nanmax(values) < 120.0:
            raise AmbiguousContent(
                f"the energies up to {np.nanmax(values):g} bear no unit",
                expected="eV or keV",
                remedy="state the unit in the file, in XDI as `# Column.1: energy keV`",
            )
    _check_energies(values)
    attrs: dict[str, Any] = {"units": "eV"}
    if factor != 1.0:
        attrs["original_units"] = normalise(unit)
    return xr.Variable(("energy",), values * factor, attrs)


def energy_from_angle(angles: Floats, unit: str, d_spacing: float) -> xr.Variable:
    r"""Return photon energies in eV from the Bragg angle of the monochromator.

    .. math:: E = hc / (2 d \sin\theta)

    Parameters
    ----------
    angles : array, shape (points,)
        Bragg angle; in degrees unless the unit says ``rad`` or ``mrad``.
    d_spacing : float
        Lattice spacing of the crystal in angstrom.

    Raises
    ------
    CorruptFile
        If an angle is outside 0 to 90 degrees.

    Examples
    --------
    >>> energy_from_angle(np.array([12.7]), "degrees", 3.13553).values.round(2)
    array([8993.04])
    """
    factor = {"rad": 180.0 / np.pi, "radians": 180.0 / np.pi, "mrad": 0.18 / np.pi}.get(unit.strip().lower(), 1.0)
    theta = np.deg2rad(angles * factor)
    if not np.all((theta > 0) & (theta <= np.pi / 2)):
        raise CorruptFile("a Bragg angle lies outside 0 to 90 degrees", expected="angles of the monochromator")
    energies = HC / (2.0 * d_spacing * np.sin(theta))
    return xr.Variable(
        ("energy",),
        energies,
        {
            "units": "eV",
            "original_units": unit or "degrees",
            "derivation": f"Bragg angle with d = {d_spacing} angstrom",
        },
    )


def _check_energies(values: Floats) -> None:
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if wrong.size:
        raise CorruptFile(
            f"the energy of point {wrong[0] + 1} is {values[wrong[0]]:g}", expected="positive photon energies"
        )


def dataset(scan: Scan, attrs: Mapping[str, Any]) -> xr.Dataset:
    """Return the Dataset of a scan, with every signal that its columns allow; findings are added to the scan.

    `mu` is the declared column of that name, or the signal of the stated mode, or the first of `MODES` that there is,
    or the normalised absorption.

    Raises
    ------
    UnsupportedContent
        If no absorption can be formed.
    """
    values = dict(scan.columns)
    for derivation in SIGNALS:
        _derive(scan, derivation, values)
    name, alone = _primary(scan, values)
    if name != "mu":
        values["mu"] = values[name].copy()
    for key, variable in values.items():
        if key not in CURRENTS:
            variable.attrs.setdefault("derivation", "as stored")
    mode = scan.mode or next((mode for mode, signal in MODES.items() if signal == name and alone), None)
    _look_at_axis(scan)
    return schema.build("xanes", {"energy": scan.energy} | values, **(dict(attrs) | {"mode": mode}))


def _derive(scan: Scan, derivation: Derivation, values: dict[str, xr.Variable]) -> None:
    """Add one signal, or compare it with the one that the file gives."""
    if derivation.numerator not in scan.columns or derivation.denominator not in scan.columns:
        return
    over = scan.columns[derivation.numerator].values.astype(float)
    under = scan.columns[derivation.denominator].values.astype(float)
    usable = np.isfinite(over) & (under > 0) & ((over > 0) if derivation.logarithm else True)
    signal = np.full(over.shape, np.nan)
    np.divide(over, under, out=signal, where=usable)
    if derivation.logarithm:
        np.log(signal, out=signal, where=usable)
    if derivation.name in values:
        _compare(scan, derivation, values[derivation.name].values, signal)
        return
    if (missing := int(np.count_nonzero(~usable))) > 0:
        whole = missing == usable.size
        scan.note(
            "nonpositive-intensity",
            "error" if whole else "warning",
            f"{derivation} has no value at {missing} of {usable.size} points, where an intensity is not positive"
            + ("; it was left out." if whole else "; they are NaN."),
        )
        if whole:
            return
    values[derivation.name] = xr.Variable(("energy",), signal, {"derivation": str(derivation)})


def _compare(scan: Scan, derivation: Derivation, stored: Floats, derived: Floats) -> None:
    both = np.isfinite(stored) & np.isfinite(derived)
    if not both.any():
        return
    span = float(np.ptp(stored[both])) or float(np.abs(stored[both]).max()) or 1.0
    apart = float(np.abs(stored[both] - derived[both]).max())
    if apart > 1e-3 * span:
        scan.note(
            "declared-signal-differs",
            "info",
            f"The column {derivation.name} differs from {derivation} by up to {apart:.4g}; the column was kept.",
        )


def _primary(scan: Scan, values: Mapping[str, xr.Variable]) -> tuple[str, bool]:
    """Return the signal that is the sample's absorption, and whether it is the only candidate."""
    if "mu" in values:
        return "mu", True
    stated = MODES.get(scan.mode or "")
    if stated in values:
        return str(stated), True
    found = [name for name in (*MODES.values(), "mu_normalized") if name in values]
    if not found:
        raise UnsupportedContent(
            f"no absorption can be formed from the columns {sorted(scan.columns)}",
            expected="mutrans, mufluor, or i0 with itrans or ifluor",
            remedy="name the columns as the XDI dictionary does",
        )
    several = [signal for signal in found if signal in MODES.values()]
    if len(several) > 1:
        scan.note(
            "several-signals",
            "info",
            f"The file has {' and '.join(several)} and does not say which is the sample's; mu is {found[0]}.",
        )
    return found[0], len(several) < 2


def _look_at_axis(scan: Scan) -> None:
    steps = np.diff(scan.energy.values)
    if steps.size == 0:
        return
    against = int(min(np.count_nonzero(steps <= 0), np.count_nonzero(steps >= 0)))
    if against:
        scan.note(
            "energy-not-monotonic",
            "warning",
            f"The energy turns or repeats at {against} of {steps.size + 1} points; the order of the file was kept.",
        )
