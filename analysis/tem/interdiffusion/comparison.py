r"""Whether two interfaces differ in width: difference and ratio by one definition, without what both share.

The distance scale and the instrument widen or shift both widths in the same direction. What one uncertainty u_s of a
shared source does to a ratio a / b is the difference of what it does to ln a and ln b, so a common scale cancels:

.. math:: u^2\!\left(\ln\frac{b}{a}\right) = \sum_\mathrm{own} \left[\frac{u_i(a)^2}{a^2} + \frac{u_i(b)^2}{b^2}\right]
          + \sum_\mathrm{shared} \left[\frac{u_s(b)}{b} - \frac{u_s(a)}{a}\right]^2
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import ONE_SIDED_95, coverage_factor

Definition = Literal["interdiffusion_width", "interdiffusion_sigma", "coexistence_width"]

SHARED = ("calibration", "probe", "broadening", "tilt")
"""Sources of uncertainty that two samples share if they were measured alike."""

_NORMAL95 = coverage_factor(math.inf)
_TITLES = {
    "interdiffusion_width": "10-90 % width",
    "interdiffusion_sigma": "standard deviation of the transition",
    "coexistence_width": "coexistence zone at tau = {tau}",
}


def compare_widths(
    reference: Result,
    other: Result,
    *,
    definition: Definition = "interdiffusion_width",
    shared: Sequence[str] = SHARED,
) -> Result:
    """Compare the widths of two interfaces by the same definition.

    Parameters
    ----------
    reference, other : Result
        From `interdiffusion_width`, for example of a bare and of a coated sample.
    definition : str
        Which width is compared.
    shared : sequence of str
        Sources of uncertainty that are the same for both, and so largely cancel: by default scale, probe, beam
        broadening and tilt, as for two scans on one microscope at one magnification. Leave out what was not the same.

    Returns
    -------
    Result
        ``width_ratio`` (other over reference), ``width_difference`` (other less reference, nm) and
        ``confidence_that_widths_differ``, one less the two-sided probability of such a ratio by chance if the widths
        were equal. Intervals and confidence follow the lopsided intervals of the widths. Where one width is an upper
        limit, ratio and difference are limits, and the confidence is left out.

    Raises
    ------
    NotAnalysable
        If the results hold no such width, were made with another tau, or are both limits.
    ValueError
        If `definition` is none of those of `interdiffusion_width`.
    """
    if definition not in _TITLES:
        raise ValueError(f"definition is {definition!r}; expected one of {sorted(_TITLES)}")
    for result in (reference, other):
        if definition not in result or "tau" not in result.provenance:
            raise NotAnalysable("the results hold no interdiffusion widths; give two of interdiffusion_width")
    taus = [result.provenance["tau"] for result in (reference, other)]
    if definition == "coexistence_width" and taus[0] != taus[1]:
        raise NotAnalysable(f"the coexistence zones are at tau = {taus[0]} and {taus[1]}; compare at one threshold")
    title = _TITLES[definition].format(tau=taus[0])
    a, b = reference[definition], other[definition]
    if "=" not in (a.relation, b.relation):
        raise NotAnalysable(f"both widths are upper limits, {a.number()} and {b.number()} nm; neither bounds the other")
    if a.relation == "=" and _interval(a)[0] <= 0:  # then the ratio has no upper bound
        a = replace(a, value=_interval(a)[1], stderr=None, interval95=None, relation="<")
    notes = [f"Both widths are the {title}; {_both(reference, other)}."]
    notes += _doubts(reference, other)
    budget: dict[str, dict[str, float]] = {}
    if a.relation != "=" or b.relation != "=":
        quantities = _limits(a, b)
    else:
        quantities, budget = _measured(reference, other, definition, shared)
    return Result(
        method=f"{title}, second sample against the first",
        quantities=quantities,
        diagnostics={"reference": a.value, "other": b.value},
        budget=budget,
        notes=tuple(notes),
        provenance={"definition": definition, "tau": taus[0], "shared": ", ".join(shared)},
    )


@dataclass(frozen=True)
class _Spread:
    """95 % half widths towards smaller and larger values, and the standard uncertainty by source."""

    down: float
    up: float
    sources: Mapping[str, float]


def _measured(
    reference: Result, other: Result, definition: str, shared: Sequence[str]
) -> tuple[tuple[Quantity, ...], dict[str, dict[str, float]]]:
    a, b = reference[definition], other[definition]
    of_a, of_b = reference.budget[definition], other.budget[definition]
    relative = _spread(_logarithmic(a, of_a), _logarithmic(b, of_b), shared)
    absolute = _spread(_linear(a, of_a), _linear(b, of_b), shared)
    ratio = b.value / a.value
    towards_one = relative.up if ratio < 1 else relative.down
    confidence = math.erf(_NORMAL95 * abs(math.log(ratio)) / towards_one / math.sqrt(2.0))
    difference = b.value - a.value
    quantities = (
        Quantity(
            "width_ratio",
            ratio,
            ratio * math.hypot(*relative.sources.values()),
            "1",
            (ratio * math.exp(-relative.down), ratio * math.exp(relative.up)),
            kind="derived",
        ),
        Quantity(
            "width_difference",
            difference,
            math.hypot(*absolute.sources.values()),
            "nm",
            (difference - absolute.down, difference + absolute.up),
            kind="derived",
        ),
        Quantity("confidence_that_widths_differ", confidence, None, "1", kind="derived"),
    )
    return quantities, {
        "width_ratio": {source: ratio * part for source, part in relative.sources.items()},
        "width_difference": dict(absolute.sources),
    }


def _linear(width: Quantity, sources: Mapping[str, float]) -> _Spread:
    low, high = _interval(width)
    return _Spread(width.value - low, high - width.value, sources)


def _logarithmic(width: Quantity, sources: Mapping[str, float]) -> _Spread:
    low, high = _interval(width)
    return _Spread(
        math.log(width.value / low) if low > 0 else math.inf,
        math.log(high / width.value),
        {source: part / width.value for source, part in sources.items()},
    )


def _interval(width: Quantity) -> tuple[float, float]:
    return width.interval95 or (width.value, width.value)


def _spread(a: _Spread, b: _Spread, shared: Sequence[str]) -> _Spread:
    """Return the spread of b less a.

    What each has of its own is added in quadrature side by side: b less a is small where b is small and a large.
    """
    sources: dict[str, float] = {}
    for source in dict.fromkeys((*a.sources, *b.sources)):
        first, second = a.sources.get(source, 0.0), b.sources.get(source, 0.0)
        sources[source] = abs(second - first) if source in shared else math.hypot(first, second)
    common = _NORMAL95 * math.hypot(*(part for source, part in sources.items() if source in shared))
    down_a, up_a, down_b, up_b = (_without(half, side, shared) for side in (a, b) for half in (side.down, side.up))
    return _Spread(math.hypot(down_b, up_a, common), math.hypot(up_b, down_a, common), sources)


def _without(half: float, side: _Spread, shared: Sequence[str]) -> float:
    """Return a half width without the sources that both samples share."""
    taken = _NORMAL95 * math.hypot(*(part for source, part in side.sources.items() if source in shared))
    return math.sqrt(max(half**2 - taken**2, 0.0))


def _limits(a: Quantity, b: Quantity) -> tuple[Quantity, ...]:
    """Return limits of ratio and difference where one width is an upper limit.

    The measured width enters with its one-sided bound, so each limit errs on the safe side.
    """
    if b.relation == "<":
        low = max(a.value - ONE_SIDED_95 * (a.stderr or 0.0), 0.0)
        ratio, difference = b.value / max(low, 1e-9), b.value - low
        return (
            Quantity("width_ratio", ratio, None, "1", relation="<", kind="derived"),
            Quantity("width_difference", difference, None, "nm", relation="<", kind="derived"),
        )
    low = max(b.value - ONE_SIDED_95 * (b.stderr or 0.0), 0.0)
    return (
        Quantity("width_ratio", low / a.value, None, "1", relation=">", kind="derived"),
        Quantity("width_difference", low - a.value, None, "nm", relation=">", kind="derived"),
    )


def _both(reference: Result, other: Result) -> str:
    shapes = [result.provenance.get("shape", "?") for result in (reference, other)]
    lines = [result.provenance.get("lines", "?") for result in (reference, other)]
    shape = f"shape {shapes[0]}" if shapes[0] == shapes[1] else f"shapes {shapes[0]} and {shapes[1]}"
    return f"{shape}; lines {lines[0]}" + ("" if lines[0] == lines[1] else f" and {lines[1]}")


def _doubts(reference: Result, other: Result) -> list[str]:
    doubts = []
    for name, result in (("first", reference), ("second", other)):
        if not result.diagnostics.get("shape_describes_counts", 1.0):
            doubts.append(f"The counts of the {name} sample do not follow the fitted shape; its width is in doubt.")
    for key, words in (
        ("shape", "The shapes differ: a layer and a graded interface have a width in common, not a mechanism."),
        ("lines", "The widths rest on different lines."),
        ("mass_thickness", "A change of thickness along the scan was taken into account for one of them only."),
    ):
        if reference.provenance.get(key) != other.provenance.get(key):
            doubts.append(words)
    if (float(reference.provenance.get("blur_variance", "0")) > 0) != (
        float(other.provenance.get("blur_variance", "0")) > 0
    ):
        doubts.append("The instrument's width was taken off one of them only.")
    return doubts
