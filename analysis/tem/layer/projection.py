r"""What a micrograph makes of a layer that is not seen edge on or not cut through the middle of its particle.

A layer inclined by :math:`\alpha` to the direction of view appears as :math:`t / \cos\alpha`, its edges blurred over
:math:`f \tan\alpha` in a foil of thickness f. A sphere of radius R cut at height h above its centre shows

.. math:: t' = \sqrt{(R + t)^2 - h^2} - \sqrt{R^2 - h^2}.

Both make layers look thicker, never thinner.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import ONE_SIDED_95

TILT, SECTION_HEIGHT = "tilt", "section height"
UNCORRECTED = "Tilt of the interface and sections off the centre of a particle are not corrected."

_SCALED = ("layer_thickness", "layer_thickness_field", "interface_roughness", "layer_thickness_sd")
_NORMAL95 = 1.959963984540054


@dataclass(frozen=True)
class _Correction:
    """Factor from apparent to true thickness with its standard uncertainty, for one source."""

    source: str
    factor: float
    stderr: float
    note: str


def correct_projection(
    result: Result,
    *,
    tilt: Quantity | None = None,
    foil_thickness: Quantity | None = None,
    particle_radius: Quantity | None = None,
    section_height: Quantity | None = None,
) -> Result:
    r"""Correct a thickness for tilt and section height, as far as these are known.

    Parameters
    ----------
    result : Result
        From `layer_thickness` or `combine_layers`, of the apparent thickness.
    tilt : Quantity, optional
        Angle between the interface and the direction of view, 0 for edge on. With relation ``"<"`` all angles up to
        the limit are taken as equally likely. Left out, the foil thickness bounds it.
    foil_thickness : Quantity, optional
        Of the lamella. The edges in the image are at least as wide as tilt blurs them, so their width w bounds a tilt
        that is not stated: :math:`\tan\alpha < \sqrt{12}\, w / f`.
    particle_radius : Quantity, optional
        Of a spherical particle under the layer, not of the circle in the section.
    section_height : Quantity, optional
        Distance of the section from the centre of the particle, see `section_height`; with relation ``"<"`` all heights
        up to the limit are taken as equally likely.

    Returns
    -------
    Result
        Thicknesses and roughness multiplied by the same factor; ``tilt`` and ``section height`` join the budget.
        ``projection_blur`` in nm is the width over which tilt spreads each edge. A limit stays as it is, for the true
        thickness is smaller still.

    Raises
    ------
    NotAnalysable
        If nothing that corrects or bounds is given, or the facts contradict each other.
    UnitError
        If a fact has another dimension than its name says.

    Examples
    --------
    >>> apparent = Result(method="ruler", quantities=(Quantity("layer_thickness", 17.0, 0.4, "nm"),))
    >>> true = correct_projection(apparent, tilt=Quantity("tilt", 10.0, 1.0, "degree"))
    >>> print(true["layer_thickness"])
    layer_thickness = 16.74 ± 0.40 nm
    """
    corrections, extra = [], []
    tilt = _bounded_tilt(result, foil_thickness) if tilt is None else tilt.to("rad")
    if tilt is not None:
        corrections.append(_tilt_correction(tilt))
        if foil_thickness is not None:
            extra.append(_blur(tilt, foil_thickness.to("nm")))
    if (particle_radius is None) != (section_height is None):
        raise NotAnalysable("the radius of the particle and the height of the section correct only together")
    if particle_radius is not None and section_height is not None:
        thickness = result["layer_thickness"].value
        corrections.append(_height_correction(thickness, particle_radius.to("nm"), section_height.to("nm")))
    if not corrections:
        raise NotAnalysable("give a tilt, a foil thickness, or the radius of the particle with the section height")
    return _corrected(result, corrections, tuple(extra))


def section_height(particle_radius: Quantity, section_radius: Quantity) -> Quantity:
    r"""Return how far from the centre a sphere was cut, from its radius and that of the circle in the section.

    .. math:: h = \sqrt{R^2 - r^2}

    Parameters
    ----------
    particle_radius : Quantity
        R, from the size distribution of the powder or an image of the whole particle.
    section_radius : Quantity
        r, of the same surface in the section; for example ``interface_radius`` among the diagnostics of a layer.

    Returns
    -------
    Quantity
        In nm; relation ``"<"`` where the two radii do not differ within their uncertainties.

    Raises
    ------
    NotAnalysable
        If the circle is larger than the particle by more than three standard uncertainties.

    Examples
    --------
    >>> print(section_height(Quantity("radius", 500.0, 5.0, "nm"), Quantity("radius", 400.0, 4.0, "nm")))
    section_height = 300.0 ± 9.9 nm
    """
    whole, cut = particle_radius.to("nm"), section_radius.to("nm")
    squared = whole.value**2 - cut.value**2
    error = 2.0 * math.hypot(whole.value * (whole.stderr or 0.0), cut.value * (cut.stderr or 0.0))
    if squared < -3.0 * error or min(whole.value, cut.value) <= 0:
        raise NotAnalysable(f"a particle with {whole} has no section with {cut}")
    if squared <= 2.0 * error:
        limit = math.sqrt(max(squared, 0.0) + ONE_SIDED_95 * error)
        return Quantity("section_height", limit, None, "nm", relation="<", kind="derived")
    height = math.sqrt(squared)
    return Quantity("section_height", height, 0.5 * error / height, "nm", kind="derived")


def _bounded_tilt(result: Result, foil_thickness: Quantity | None) -> Quantity | None:
    """Return the largest tilt that leaves edges as sharp as they are, None where no foil thickness is given."""
    if foil_thickness is None:
        return None
    if "edge_width" not in result.diagnostics:
        raise NotAnalysable("the result does not tell how wide its edges are; state the tilt")
    foil = foil_thickness.to("nm")
    thinnest = foil.value - ONE_SIDED_95 * (foil.stderr or 0.0)
    if thinnest <= 0:
        raise NotAnalysable(f"{foil} may be 0 and bounds no tilt")
    largest = math.atan(math.sqrt(12.0) * result.diagnostics["edge_width"] / thinnest)
    return Quantity("tilt", largest, None, "rad", relation="<", kind="derived")


def _tilt_correction(tilt: Quantity) -> _Correction:
    """Return mean and standard deviation of cos(tilt) over what is known of the tilt."""
    angle, error = abs(tilt.value), tilt.stderr or 0.0
    if angle + error >= 0.5 * math.pi:
        raise NotAnalysable(f"found a tilt of {math.degrees(angle):.3g} degree; a layer is measured below 90 degree")
    if tilt.relation == "<":
        mean, square = _sinc(angle), 0.5 + 0.5 * _sinc(2.0 * angle)
        note = (
            f"The tilt is bounded to {math.degrees(angle):.2g} degree: the layer may be {1 - math.cos(angle):.2%} "
            "thinner than it appears; the mean over all tilts up to there is taken off, their spread is an uncertainty."
        )
    else:
        mean = math.cos(angle) * math.exp(-0.5 * error**2)
        square = 0.5 * (1.0 + math.exp(-2.0 * error**2) * math.cos(2.0 * angle))
        note = f"Corrected for a tilt of {math.degrees(angle):.2g} degree."
    return _Correction(TILT, mean, math.sqrt(max(square - mean**2, 0.0)), note)


def _sinc(x: float) -> float:
    return math.sin(x) / x if x else 1.0


def _blur(tilt: Quantity, foil: Quantity) -> Quantity:
    """Return the width over which the tilt spreads an edge through the foil."""
    width = foil.value * math.tan(tilt.value)
    if tilt.relation == "<":
        return Quantity("projection_blur", width, None, "nm", relation="<", kind="derived")
    slope = foil.value / math.cos(tilt.value) ** 2
    error = math.hypot(math.tan(tilt.value) * (foil.stderr or 0.0), slope * (tilt.stderr or 0.0))
    return Quantity("projection_blur", abs(width), error, "nm", kind="derived")


def _height_correction(thickness: float, radius: Quantity, height: Quantity) -> _Correction:
    """Return the factor for a section at some height through a sphere."""

    def factor(radius: float, height: float) -> float:
        cut = radius**2 - height**2
        if cut <= 0 or radius <= 0:
            raise NotAnalysable(f"a section at {height:.4g} nm misses a particle with a radius of {radius:.4g} nm")
        return (math.sqrt((math.sqrt(cut) + thickness) ** 2 + height**2) - radius) / thickness

    if height.relation == "<":
        mean, spread = _over_heights(lambda h: factor(radius.value, h), height.value)
        note = f"The section lies within {height.value:.3g} nm of the centre of the particle; all heights up to there "
        return _Correction(SECTION_HEIGHT, mean, spread, note + "were taken as equally likely.")
    middle = factor(radius.value, height.value)
    parts = [
        factor(radius.value + (radius.stderr or 0.0), height.value) - middle,
        factor(radius.value, max(height.value - (height.stderr or 0.0), 0.0)) - middle,
    ]
    note = f"Corrected for a section {height.value:.3g} nm from the centre of the particle."
    return _Correction(SECTION_HEIGHT, middle, math.hypot(*parts), note)


def _over_heights(factor: Callable[[float], float], highest: float) -> tuple[float, float]:
    """Return mean and standard deviation of a factor over heights from 0 to the highest."""
    values = [factor(highest * (k + 0.5) / 200) for k in range(200)]
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def _corrected(result: Result, corrections: list[_Correction], extra: tuple[Quantity, ...]) -> Result:
    notes = tuple(note for note in result.notes if note != UNCORRECTED)
    if result["layer_thickness"].relation != "=":
        told = "The limit is that of the apparent thickness; tilt and section height only make the true one smaller."
        return replace(result, notes=(*notes, told))
    factor = math.prod(correction.factor for correction in corrections)
    relative = {correction.source: correction.stderr / correction.factor for correction in corrections}
    quantities = tuple(_scaled(q, factor, relative) if q.name in _SCALED else q for q in result.quantities)
    budget = {}
    for quantity in quantities:
        if quantity.name in _SCALED[:2]:
            parts = {name: part * factor for name, part in result.budget.get(quantity.name, {}).items()}
            budget[quantity.name] = parts | {name: quantity.value * part for name, part in relative.items()}
    return replace(
        result,
        quantities=quantities + extra,
        correlation=None,
        budget=dict(result.budget) | budget,
        notes=(*notes, *(correction.note for correction in corrections)),
    )


def _scaled(quantity: Quantity, factor: float, relative: dict[str, float]) -> Quantity:
    """Return a length times a factor of which the relative uncertainties are added in quadrature."""
    value = quantity.value * factor
    if quantity.relation != "=" or quantity.stderr is None or quantity.interval95 is None:
        return replace(quantity, value=value)
    added = value * math.hypot(*relative.values())
    low, high = (
        value + math.copysign(math.hypot((bound - quantity.value) * factor, _NORMAL95 * added), bound - quantity.value)
        for bound in quantity.interval95
    )
    return replace(
        quantity,
        value=value,
        stderr=math.hypot(quantity.stderr * factor, added),
        interval95=(low, high),
        kind="derived",
    )
