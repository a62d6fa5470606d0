r"""Cell constant of interdigitated electrodes under or on a film on an insulating substrate.

In the middle of the comb the current of one finger to one side fills a rectangle of half a period times the thickness,
with the electrode along part of its lower edge and the middle of the gap, at half the voltage, as its right edge. The
map by Jacobi's sn to the upper half-plane gives its conductance over that of a square of the film,

.. math:: g_\text{in} = \frac{K(\kappa)}{K(\kappa')}, \qquad \kappa' = \mathrm{cd}(\eta K(k), k), \qquad
          \frac{K(k')}{K(k)} = \frac{2 t}{w + b}, \qquad \eta = \frac{b}{w + b}

with gap w, finger width b and thickness t. The outer half of the two end fingers lies beside an endless strip,

.. math:: \kappa' = \tanh\frac{\pi w}{4 t} \Big/ \tanh\frac{\pi (w + 2 b)}{4 t}

For a film much thinner than gap and finger both become :math:`t / (w/2 + (2 \ln 2/\pi) t)`, so that
:math:`\sigma = w / (R\,t\,L (N - 1))`; for a half-space the modulus is :math:`\sin(\pi\eta/2)`.

References
----------
.. [1] Wei, IEEE J. Quantum Electron. 13 (1977) 152.
.. [2] Olthuis, Streekstra, Bergveld, Sens. Actuators B 24 (1995) 252. https://doi.org/10.1016/0925-4005(95)85053-8
.. [3] Igreja, Dias, Sens. Actuators A 112 (2004) 291. https://doi.org/10.1016/j.sna.2004.01.040
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ...quantity import Quantity
from .propagation import VACUUM_PERMITTIVITY, Geometry, check_stated

EDGE = 2.0 * math.log(2.0) / math.pi
"""Length in film thicknesses that the current takes to turn from an electrode into the film."""

_ACROSS_GAP, _ALONG_FINGER = 4.0, 6.0  # thicknesses beyond which the field is uniform, or nothing, to 1e-7
_STEP = 1e-4
_THIN_ENOUGH = 0.02  # error of the thin-film limit above which it is said


@dataclass(frozen=True)
class Interdigitated:
    """Interdigitated electrodes; two parallel stripes are a comb of two fingers.

    Parameters
    ----------
    gap : Quantity
        Between neighbouring fingers, a length.
    finger_width : Quantity
        A length.
    overlap : Quantity
        Length over which neighbouring fingers run side by side.
    n_fingers : int
        Number of fingers of both combs together, at least 2.

    Raises
    ------
    ValueError
        With fewer than two fingers.

    Examples
    --------
    >>> um = (Quantity(name, 10.0, 0.2, "um") for name in ("gap", "finger_width"))
    >>> Interdigitated(*um, overlap=Quantity("overlap", 5.0, 0.05, "mm"), n_fingers=50).n_fingers
    50
    """

    gap: Quantity
    finger_width: Quantity
    overlap: Quantity
    n_fingers: int

    def __post_init__(self) -> None:
        if self.n_fingers < 2:
            raise ValueError(f"found {self.n_fingers} fingers; expected 2 or more")


def in_plane(comb: Interdigitated, thickness: Quantity) -> Geometry:
    """Return the geometry of a film under or on interdigitated electrodes.

    The capacitance of the empty cell is that of a half-space, the stray field through the substrate.

    Raises
    ------
    ValueError
        If a length is not above zero.
    UnitError
        If one is no length.
    """
    facts = {
        "gap": comb.gap,
        "finger_width": comb.finger_width,
        "overlap": comb.overlap,
        "thickness": thickness,
    }
    notes = check_stated(facts)
    lengths = {name: stated.to("cm").value for name, stated in facts.items()}

    def constant(**changed: float) -> float:
        gap, finger, overlap, film = {**lengths, **changed}.values()
        return 1.0 / (overlap * comb_conductance(gap, finger, film, comb.n_fingers))

    powers = {
        name: math.log(constant(**{name: size * math.exp(_STEP)}) / constant(**{name: size * math.exp(-_STEP)}))
        / (2.0 * _STEP)
        for name, size in lengths.items()
    }
    found = constant()
    thin = lengths["gap"] / (lengths["overlap"] * (comb.n_fingers - 1) * lengths["thickness"])
    return Geometry(
        cell_constant=found,
        powers=powers,
        relative={name: stated.relative for name, stated in facts.items()},
        vacuum_capacitance=VACUUM_PERMITTIVITY / constant(thickness=math.inf),
        notes=(*notes, *_notes(lengths, found, thin)),
    )


def comb_conductance(gap: float, finger: float, thickness: float, n_fingers: int) -> float:
    """Return conductance over conductivity and overlap of a comb; lengths in one unit, thickness up to infinity.

    Examples
    --------
    >>> thin = 19 * 0.05 / 10.0  # (N - 1) t / w
    >>> round(comb_conductance(10.0, 5.0, 0.05, 20) / thin, 4), round(comb_conductance(10.0, 5.0, 50.0, 20), 2)
    (0.9956, 7.61)
    """
    inner = _sheet(gap, finger, thickness, _inner)
    outer = _sheet(gap, finger, thickness, _outer)
    if n_fingers == 2:
        return outer / 2.0
    return (n_fingers - 3) * inner / 2.0 + 2.0 * inner * outer / (inner + outer)


def _sheet(gap: float, finger: float, thickness: float, half_cell: Callable[[float, float, float], float]) -> float:
    """Return the conductance of half a finger to the middle of its gap.

    Where gap or finger are many thicknesses long, the field in most of the length is uniform, or nothing.
    """
    near = min(0.5 * gap, _ACROSS_GAP * thickness)
    rest = (0.5 * gap - near) / thickness
    return 1.0 / (rest + 1.0 / half_cell(2.0 * near, min(finger, 2.0 * _ALONG_FINGER * thickness), thickness))


def _inner(gap: float, finger: float, thickness: float) -> float:
    from scipy.special import ellipj, ellipkm1

    share, complement = finger / (gap + finger), _complementary_parameter(2.0 * thickness / (gap + finger))
    sn, _, dn, _ = ellipj(share * float(ellipkm1(complement)), 1.0 - complement)
    return _conductance(complement * float(sn / dn) ** 2)


def _outer(gap: float, finger: float, thickness: float) -> float:
    if math.isinf(thickness):
        return _conductance(1.0 - (gap / (gap + 2.0 * finger)) ** 2)
    near, far = (0.25 * math.pi * length / thickness for length in (gap, gap + 2.0 * finger))
    return _conductance((math.cosh(near) ** -2 - math.cosh(far) ** -2) / math.tanh(far) ** 2)


def _conductance(parameter: float) -> float:
    """Return K(m) / K(1 - m)."""
    from scipy.special import ellipk, ellipkm1

    return float(ellipk(parameter) / ellipkm1(parameter))


def _complementary_parameter(ratio: float) -> float:
    """Return 1 - m of the elliptic functions with K(1 - m) / K(m) equal to a ratio, from theta functions."""
    if math.isinf(ratio):
        return 1.0
    nome = math.exp(-math.pi * max(ratio, 1.0 / ratio))
    second = 2.0 * nome**0.25 * (1.0 + nome**2 + nome**6)
    third = 1.0 + 2.0 * (nome + nome**4 + nome**9)
    parameter = float((second / third) ** 4)
    return parameter if ratio < 1.0 else 1.0 - parameter


def _notes(lengths: Mapping[str, float], found: float, thin: float) -> Iterator[str]:
    yield (
        "the substrate counts as insulating, and the capacitance beside the film as its stray field: arcs are not "
        "assigned to processes by capacitance"
    )
    if abs(thin / found - 1.0) > _THIN_ENOUGH:
        yield (
            f"the film is {lengths['thickness'] / lengths['gap']:.2g} gaps thick: the cell constant is from conformal "
            f"mapping, that of a thin film would be {100 * (thin / found - 1.0):+.0f} % off"
        )
