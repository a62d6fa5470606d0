"""What tells whether a circuit fit can be believed: diagnostics, notes, and the curves to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from ...statistics import runs_p_value
from ..spectrum import origin
from .assignment import FILM, Assigned, Electrodes
from .selection import Choice, relaxation

PLAUSIBLE_PERMITTIVITY = (2.0, 200.0)
"""Of dense inorganic electrolytes; grain boundaries and interfaces appear far above when set against the whole film."""

_RUNS_P = 0.01
_CAPACITOR_ABOVE = 0.998
_ILL_CONDITIONED = 1e5
_LEADS_MATTER = 0.05
_SPANS = 0.02


def diagnostics(ds: xr.Dataset, choice: Choice) -> dict[str, float]:
    """Return the figures that tell whether the model is right."""
    found = choice.fit
    figures = {
        "reduced_chi_square": found.reduced_chi_square,
        "n_points": float(found.spectrum.frequency.size),
        "n_masked": float(found.spectrum.n_masked),
        "n_parameters": float(found.theta.size),
        "n_arcs": float(choice.n_arcs),
        "runs_p_value": runs_p_value(*found.residual),
        "condition_number": found.condition_number,
    }
    figures |= {f"aicc_{n}_arcs": aicc for n, aicc in choice.aicc.items()}
    for name in (f"CPE{number}_n" for number in range(1, choice.n_arcs + 1 + choice.has_electrode)):
        if name in found:
            figures[name] = found.value(name)
    if "temperature" in ds.coords and np.isfinite(temperature := ds["temperature"].values).any():
        figures["temperature"] = float(np.nanmean(temperature))
    return figures


def fit_notes(choice: Choice) -> Iterator[str]:
    """Yield what the reader must know of data and fit."""
    found = choice.fit
    yield from found.spectrum.notes
    if runs_p_value(*found.residual) < _RUNS_P:
        yield (
            "the residuals are not random (runs test): the circuit does not describe all of the spectrum, or the cell "
            "drifted; the uncertainty of the fit is a lower bound"
        )
    if found.condition_number > _ILL_CONDITIONED:
        yield f"a combination of parameters is not determined (condition number {found.condition_number:.0e})"
    for parameter in found.circuit.parameters:
        if parameter.name.endswith("_n") and found.value(parameter.name) > _CAPACITOR_ABOVE:
            yield f"{parameter.name} is at its bound of 1: the element is an ideal capacitor"
        elif not np.isfinite(found.spread(parameter.name)):
            yield f"the data do not determine {parameter.name}"
    for name, what in (("R0", "series resistance"), ("L0", "inductance")):
        if name not in found:
            yield f"the data hold no {what} {name}; it is left out"


def film_notes(choice: Choice, numbers: Mapping[str, float], electrodes: Electrodes | None = None) -> Iterator[str]:
    """Yield what the reader must know before taking the arcs for the film's.

    Parameters
    ----------
    choice : Choice
        With at least one arc.
    numbers : mapping of str to float
        Values of the quantities by name.
    electrodes : {"blocking", "non-blocking"} or None
        As stated by the user.
    """
    yield _why_so_many(choice)
    if not choice.has_electrode and electrodes != "non-blocking":
        yield (
            "no blocking electrode is seen in the window: the resistance may hold electronic leakage or the "
            "electrode's own"
        )
    if choice.has_electrode and electrodes == "non-blocking":
        yield (
            "the spectrum rises to low frequency as with blocking electrodes, though they are stated not to block: "
            "diffusion, or a lost contact"
        )
    highest, lowest = choice.fit.spectrum.frequency[[0, -1]]
    for number in range(1, choice.n_arcs + 1):
        peak = 1.0 / (2.0 * np.pi * relaxation(choice.fit, number))
        if not lowest <= peak <= highest:
            side = "above" if peak > highest else "below"
            yield f"arc {number} relaxes at {peak:.3g} Hz, {side} the measured window; its size rests on the model"
    yield from _series_or_parallel(numbers)
    permittivity = numbers.get("relative_permittivity")
    if permittivity is not None and permittivity < PLAUSIBLE_PERMITTIVITY[0]:
        yield f"an effective permittivity of {permittivity:.3g} is too small for a solid: check thickness and area"
    if permittivity is not None and permittivity > PLAUSIBLE_PERMITTIVITY[1]:
        yield (
            f"an effective permittivity of {permittivity:.3g} is too large for the bulk of a film: the arc may be that "
            "of grain boundaries or of an interface"
        )
        if "R0" in choice.fit and choice.fit.value("R0") > _LEADS_MATTER * numbers["ionic_resistance"]:
            yield "the series resistance R0 may hold the film's bulk, which is faster than the window"


def _series_or_parallel(numbers: Mapping[str, float]) -> Iterator[str]:
    """Yield by how much the resistance would differ if the film's capacitance spanned film and electrodes.

    For capacitors p(C, R - C_e) and p(C', R') - C_e' are the same impedance, with R = R' (1 + C/C_e)^2.
    """
    needed = ("capacitance", "electrode_capacitance", "area_specific_resistance", "ionic_resistance")
    if not all(name in numbers for name in needed):
        return
    area = numbers["area_specific_resistance"] / numbers["ionic_resistance"]
    more = (1.0 + numbers["capacitance"] / (numbers["electrode_capacitance"] * area)) ** 2 - 1.0
    if more > _SPANS:
        yield (
            f"the electrodes' capacitance is not far above the film's: if the film's spans the whole cell (circuit of "
            f"Huggins), the resistance is {100 * more:.2g} % higher and the conductivity as much lower; this is not in "
            "the uncertainty"
        )


def _why_so_many(choice: Choice) -> str:
    words = ("no arc", "one arc", "two arcs", "three arcs")
    text, aicc = words[choice.n_arcs], choice.aicc
    if choice.n_arcs > 1:
        text += f" (AICc falls by {aicc[choice.n_arcs - 1] - aicc[choice.n_arcs]:.0f} with the last)"
    if choice.n_arcs + 1 not in aicc:
        return text
    gain = aicc[choice.n_arcs] - aicc[choice.n_arcs + 1]
    if gain > 0:
        return f"{text}; one more lowers AICc by {gain:.0f} but is not decisive or not determined"
    return f"{text}; one more does not lower AICc"


def arc_figures(assigned: Sequence[Assigned]) -> dict[str, float]:
    """Return how sure the process of each arc is, from 0 to 1."""
    return {
        f"arc_{number}_confidence": arc.confidence
        for number, arc in enumerate(assigned, start=1)
        if not arc.stated and arc.process != "unknown"
    }


def arc_notes(assigned: Sequence[Assigned]) -> Iterator[str]:
    """Yield what each arc is taken for, and why."""
    for number, arc in enumerate(assigned, start=1):
        process = arc.process.replace("_", " ")
        if arc.stated:
            yield f"arc {number} is taken for {process}, as stated"
        elif arc.process == "unknown":
            yield f"the process of arc {number} is not known: {arc.reason}"
        elif arc.confident:
            yield f"arc {number} is taken for {process} (confidence {arc.confidence:.2f}): {arc.reason}"
        else:
            yield (
                f"arc {number} is probably {process}, but that is doubtful (confidence {arc.confidence:.2f}): "
                f"{arc.reason}"
            )
    counted = [str(number) for number, arc in enumerate(assigned, start=1) if arc.process in FILM]
    if len(assigned) > 1 and counted:
        yield f"the film's resistance is that of arc {' and '.join(counted)} of {len(assigned)}"


def provenance(ds: xr.Dataset, choice: Choice, assigned: Sequence[Assigned]) -> dict[str, str]:
    """Return where the spectrum comes from, what was fitted to it, and the process of each arc with who says so."""
    arcs = {f"arc_{number}": arc.process for number, arc in enumerate(assigned, start=1)}
    stated = [name for name, arc in zip(arcs, assigned, strict=True) if arc.stated]
    by_user = {"assignment": f"{', '.join(stated)} stated"} if stated else {}
    return origin(ds) | {"circuit": str(choice.fit.circuit)} | arcs | by_user
