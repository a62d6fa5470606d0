"""What the reader of a width should know of the fit behind it, as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .blur import Blur
from .choice import SUPPORT
from .flat_layer import LayerTest
from .goodness import Goodness
from .likelihood import Counts, InterfaceFit

_Z90 = 1.2815515655446004
_DISAGREE = 1e-3  # probability below which centres and widths of the lines are taken to differ
_DRIFT = 10.0  # gain in Akaike's criterion from which all lines are taken to drift together
_BACKGROUND = 0.5  # lower level, as a share of the step, from which it is worth a word


def fit_notes(
    data: Counts,
    fit: InterfaceFit,
    quality: Goodness,
    others: Mapping[str, InterfaceFit],
    names: Sequence[str],
    tau: float,
    probability: float,
    blur: Blur,
    layer: LayerTest | None,
) -> tuple[str, ...]:
    """Return the definition of the widths and all that casts doubt on them, first that no shape fits."""
    notes = _alarm(fit, quality)
    notes += [
        f"10-90 %: from 10 to 90 % of the step of the counts; coexistence at tau = {tau:g}: where a falling and a "
        f"rising element both exceed {tau:.3g} of their own step between their two levels."
    ]
    notes += _shape_notes(fit, others)
    notes += _layer_notes(layer, others)
    if probability < _DISAGREE:
        notes.append("The lines have different centres or widths; look at them one by one.")
    if not fit.converged:
        notes.append("The fit did not converge.")
    reach = _Z90 * np.sqrt(fit.shape.variance(fit.theta, fit.share))
    if fit.theta[0] - reach < data.distance[0] or fit.theta[0] + reach > data.distance[-1]:
        notes.append("The scan ends within the interface: the width rests on the assumed shape. Measure a longer scan.")
    finite = data.counts[data.used]
    if not np.array_equal(finite, np.round(finite)):
        notes.append("The counts are not whole numbers: they were scaled or corrected, and so is their uncertainty.")
    notes += _background_notes(fit, names)
    if "probe" not in blur.variances:
        notes.append("The size of the probe is not taken off; the width bounds that of the interdiffusion from above.")
    return tuple(notes)


def _shape_notes(fit: InterfaceFit, others: Mapping[str, InterfaceFit]) -> list[str]:
    notes = []
    if others and fit is not others["erf"] and fit.shape.name != "erf":
        gain = others["erf"].aic - fit.aic
        notes.append(
            f"An error function is not the shape of this interface: Akaike's criterion prefers "
            f"{_article(fit.shape.title)} by {gain:.0f} (above {SUPPORT:g}); widths are those of this shape."
        )
    if others and others["erf"].aic - others["drift"].aic > _DRIFT:
        change = np.expm1(others["drift"].drift)
        word = "was taken into account" if fit.drift != 0 else "was not taken into account; try mass_thickness='linear'"
        notes.append(f"All lines change together by {change:+.0%} along the scan (thickness of the foil); this {word}.")
    return notes


def _alarm(fit: InterfaceFit, quality: Goodness) -> list[str]:
    if not quality.alarm:
        return []
    return [
        f"The deviance is {quality.excess:.1f} standard deviations above its expectation ({quality.per_dof:.2f} "
        f"per degree of freedom) and runs of residuals have a probability of {quality.runs_p_value:.1g}: "
        f"{_article(fit.shape.title)} is not the shape of this interface; the width is no measure of it. Its "
        "uncertainty holds how far the widths by other shapes lie from it."
    ]


def _layer_notes(layer: LayerTest | None, others: Mapping[str, InterfaceFit]) -> list[str]:
    if layer is None:
        return []
    if layer.suspected and layer.aic < others["drift"].aic:  # else the foil explains the counts as well
        return [
            f"A flat layer of {layer.thickness:.1f} ± {layer.stderr:.1f} nm describes the counts better than an error "
            f"function (deviance lower by {layer.gain:.0f}, p = {layer.p_erf:.1g}), though not by enough to take its "
            "shape; the widths are those of an error function."
        ]
    if layer.possible:
        return [
            f"The counts do not tell interdiffusion from a reaction layer: a flat layer up to {layer.longest:.2g} nm "
            "(95 %) is not excluded."
        ]
    return []


def _article(title: str) -> str:
    return f"{'an' if title[0] in 'aeiou' else 'a'} {title}"


def _background_notes(fit: InterfaceFit, names: Sequence[str]) -> list[str]:
    notes = []
    lower = np.minimum(fit.levels[0], fit.levels[-1])
    for name, low, step, contrast in zip(names, lower, np.abs(fit.steps), fit.contrast, strict=True):
        if contrast >= 3 and low > _BACKGROUND * step:
            notes.append(
                f"{name}: the lower level is {low / step:.0%} of the step; background and a rest of the element are "
                "not told apart, and shares are counted from this level."
            )
    return notes
