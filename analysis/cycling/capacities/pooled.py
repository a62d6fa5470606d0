r"""Pooled coulombic efficiency of lithium plated on a collector and stripped from it.

.. math:: \overline{CE} = \sum_n Q_{stripped,n} \Big/ \sum_n Q_{plated,n}

For a reservoir that is cycled in part and stripped in the end this is the average efficiency of Aurbach's protocol,
:math:`(n Q_c + Q_s) / (n Q_c + Q_T)`. Its single cycles say nothing: what one strips too little the next strips more.

References
----------
.. [1] D. Aurbach, Y. Gofer, J. Langzam, J. Electrochem. Soc. 136 (1989) 3198. https://doi.org/10.1149/1.2096425
.. [2] B. D. Adams, J. Zheng, X. Ren, W. Xu, J.-G. Zhang, Adv. Energy Mater. 8 (2018) 1702097.
   https://doi.org/10.1002/aenm.201702097
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ..record.accuracy import GAIN_STABILITY, Accuracy
from ..record.halves import Halves, halves_of
from ..record.intervals import Integers
from ..record.polarity import upright
from .summary import OPENED_BY, Cycles, cycles_of, summary_of
from .valued import Valued, valued


def pooled_efficiency(
    ds: xr.Dataset,
    *,
    cell_type: Literal["anode_half", "anode_free"],
    from_cycle: int = 1,
    accuracy: Accuracy | None = None,
) -> Result:
    """Charge stripped over charge plated, summed over all cycles.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    cell_type : {"anode_half", "anode_free"}
        ``anode_half`` for a collector against lithium, which plates on discharge; ``anode_free`` for a collector
        against a cathode, which plates on charge.
    from_cycle : int
        First cycle that counts; 2 leaves out one that conditions the collector.
    accuracy : Accuracy, optional
        What is stated of the cycler; usual limits if left out.

    Returns
    -------
    Result
        ``coulombic_efficiency_pooled`` (1), ``charge_plated`` and ``charge_stripped`` (A h) and ``cycles`` (1). The
        gain cancels in the efficiency but for its wander, an offset of the current does not. The summary is in
        ``curves``.

    Raises
    ------
    NotAnalysable
        If no cycle is complete, or one before the last complete is not.
    """
    if cell_type not in ("anode_half", "anode_free"):
        raise ValueError(f"found the cell type {cell_type!r}; lithium is plated in 'anode_half' and 'anode_free'")
    ds = upright(ds, cell_type)
    halves = halves_of(ds, starts_with=OPENED_BY[cell_type], accuracy=accuracy)
    plated, stripped = _pairs(halves, cycles_of(halves), from_cycle)
    number = halves.cycle[plated]
    found = [
        _efficiency(halves, stripped, plated),
        _total(halves, plated, "charge_plated"),
        _total(halves, stripped, "charge_stripped"),
        Valued(Quantity("cycles", float(number.size), None, "1", kind="measured"), {}),
    ]
    return Result(
        method="charge stripped over charge plated, summed over the cycles",
        quantities=tuple(entry.quantity for entry in found),
        diagnostics={"n_half_cycles": float(halves.number.size), "from_cycle": float(from_cycle)},
        budget={entry.quantity.name: entry.budget for entry in found if entry.budget},
        notes=(f"sum over cycles {number[0]} to {number[-1]}", *halves.notes),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=summary_of(halves, cell_type, ds),
    )


def _pairs(halves: Halves, cycles: Cycles, from_cycle: int) -> tuple[Integers, Integers]:
    """Return places of the half cycles that plate and strip, from a cycle to the last complete one."""
    whole = np.flatnonzero(cycles.complete & (cycles.number >= from_cycle))
    if whole.size == 0:
        raise NotAnalysable(f"no cycle from {from_cycle} on is complete: {'; '.join(halves.notes)}")
    chosen = np.flatnonzero((cycles.number >= from_cycle) & (cycles.number <= cycles.number[whole[-1]]))
    for place in chosen[~cycles.complete[chosen]]:
        why = halves.reasons[cycles.first[place]] or halves.reasons[cycles.second[place]]
        raise NotAnalysable(f"cycle {cycles.number[place]} is not complete: {why}; a sum over it would not be whole")
    return cycles.first[chosen], cycles.second[chosen]


def _efficiency(halves: Halves, top: Integers, bottom: Integers) -> Valued:
    over, under = float(halves.charge[top].sum()), float(halves.charge[bottom].sum())
    lever = halves.direction * halves.hours
    own = [(halves.charge[top] / over, halves.random[top] / over)]
    own.append((halves.charge[bottom] / under, halves.random[bottom] / under))
    relative = {
        "current_offset": halves.offset * abs(float(lever[top].sum()) / over - float(lever[bottom].sum()) / under),
        "gain_stability": GAIN_STABILITY * float(np.sqrt(sum(np.sum(share**2) for share, _ in own))),
        "random": float(np.sqrt(sum(np.sum(random**2) for _, random in own))),
    }
    return valued("coulombic_efficiency_pooled", over / under, "1", relative, halves.errors.rectangular)


def _total(halves: Halves, places: Integers, name: str) -> Valued:
    charge = halves.charge[places]
    total = float(charge.sum())
    relative = {
        "current_gain": halves.gain,
        "gain_stability": GAIN_STABILITY * float(np.sqrt(np.sum(charge**2))) / total,
        "current_offset": halves.offset * float(halves.hours[places].sum()) / total,
        "random": float(np.sqrt(np.sum(halves.random[places] ** 2))) / total,
    }
    return valued(name, total, "A h", relative, halves.errors.rectangular)
