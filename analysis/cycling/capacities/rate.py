"""Rate capability: the capacity of blocks of cycles at one current, and what comes back at the first current."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ...quantity import Quantity, Result
from ...statistics import coverage_factor, half_width_95
from ..record.accuracy import GAIN_STABILITY, RATIO_STABILITY, Accuracy
from ..record.halves import Halves, halves_of
from ..record.intervals import Floats, Integers
from ..record.polarity import upright
from ..record.segmentation import SIGNS, Direction
from .formation import rate_tolerance
from .normalisation import Divisor, Geometry
from .summary import OPENED_BY, CellType, check_cell_type, ratio_stderr


@dataclass(frozen=True)
class Block:
    """Consecutive cycles at one current.

    Parameters
    ----------
    current : float
        Median of the cycles' currents, A.
    places : ndarray of int
        Half cycles that bear the capacities, after those that settle.
    settling : int
        Cycles left out at the start.
    """

    current: float
    places: Integers
    settling: int


def rate_capability(
    ds: xr.Dataset,
    *,
    cell_type: CellType,
    direction: Direction | None = None,
    reference_capacity: Quantity | None = None,
    settling_cycles: int = 1,
    active_mass: Quantity | None = None,
    area: Quantity | None = None,
    accuracy: Accuracy | None = None,
) -> Result:
    """Capacity at each rate of a rate test, and the recovery at the first rate.

    The current of a half cycle is the median of its magnitude weighted with the charge, so that a hold at constant
    voltage does not count. Two currents are one rate if they differ by less than 2 %, or than three times the scatter
    within the half cycles and their digitisation explain. Blocks are of consecutive cycles: a rate that comes back
    is a block of its own.

    Parameters
    ----------
    ds : xarray.Dataset
        A cycling record of the vocabulary.
    cell_type : {"full", "cathode_half", "anode_half", "anode_free"}
        See `interlayer.analysis.cycling.summarise`.
    direction : {"charge", "discharge"}, optional
        Half cycles whose rate and capacity are taken; the ones that return what the first ones stored if left out.
    reference_capacity : Quantity, optional
        Charge (A h) that 1 C passes in an hour. Without it rates are currents.
    settling_cycles : int
        Cycles left out of a block's mean where others remain; 1, since the first after a change still bears the state
        that the rate before left.
    active_mass, area : Quantity, optional
        Divisor of the capacities, as for `capacity_retention`.
    accuracy : Accuracy, optional
        What is stated of the cycler; usual limits if left out.

    Returns
    -------
    Result
        ``capacity_at_highest_rate`` (1), over that of the first block at the lowest current; ``capacity_recovery`` (1),
        the last block at the first current over the first block, where that current comes back; ``capacity_1``,
        ``capacity_2``, ... of the blocks in the order of the test. ``curves`` holds a table by ``block``. Uncertainties
        of blocks hold the scatter from cycle to cycle, pooled over blocks, apart from what all share.

    Raises
    ------
    NotAnalysable
        If fewer than two currents were used, or the cell is symmetric.
    UnitError
        If a fact bears another dimension.
    """
    check_cell_type(cell_type)
    ds = upright(ds, cell_type)
    opening = OPENED_BY[cell_type]
    if opening is None:
        raise NotAnalysable("a symmetric cell has no rate capability; take its polarisation")
    halves = halves_of(ds, starts_with=opening, accuracy=accuracy)
    sign = -SIGNS[opening] if direction is None else SIGNS[direction]
    chosen = np.flatnonzero((halves.direction == sign) & halves.complete & (halves.cycle > 0))
    current, tolerance = halves.current[chosen], rate_tolerance(halves, chosen)
    blocks = blocks_of(chosen, current, tolerance, settling_cycles)
    if len(blocks) < 2:
        found = f"; {'; '.join(halves.notes)}" if not blocks else f" {blocks[0].current:.3g} A in all {chosen.size}"
        raise NotAnalysable(
            f"found {len(blocks)} rates, expected two or more complete half cycles at two currents{found}"
        )
    divisor = Geometry.of(active_mass=active_mass, area=area).main()
    capacities, budget = _capacities(halves, blocks, divisor)
    ratios = _ratios(halves, blocks, tolerance)
    nominal = None if reference_capacity is None else reference_capacity.to("A h").value
    notes = [_told(index, block, halves, nominal) for index, block in enumerate(blocks, start=1)]
    if "capacity_recovery" not in {ratio.name for ratio in ratios}:
        notes.append("the first rate does not come back, so there is no recovery")
    if math.isinf(_pooled(halves, blocks)[1]):
        notes.append("each rate has a single cycle: the scatter from cycle to cycle is not known and not included")
    return Result(
        method=f"mean {'charge' if sign > 0 else 'discharge'} capacity of blocks of consecutive cycles at one current",
        quantities=(*ratios, *capacities),
        diagnostics={"n_blocks": float(len(blocks)), "n_half_cycles": float(chosen.size), "tolerance": tolerance},
        budget=budget,
        notes=(*notes, *divisor.notes, *halves.notes),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256", "format") if key in ds.attrs},
        curves=_table(blocks, capacities, halves, nominal, divisor),
    )


def blocks_of(chosen: Integers, current: Floats, tolerance: float, settling_cycles: int) -> list[Block]:
    """Return blocks of consecutive half cycles whose currents differ by no more than the tolerance.

    Parameters
    ----------
    chosen : ndarray of int, shape (n,)
        Places of half cycles, in order.
    current : ndarray, shape (n,)
        Magnitude of the current of each, A.
    tolerance : float
        Relative difference within one rate.
    settling_cycles : int
        Half cycles left out at the start of each block where others remain.
    """
    if chosen.size == 0:
        return []
    apart = np.abs(np.diff(np.log(current))) > tolerance
    blocks = []
    for members in np.split(np.arange(chosen.size), 1 + np.flatnonzero(apart)):
        settling = min(settling_cycles, members.size - 1)
        kept = members[settling:]
        blocks.append(Block(float(np.median(current[kept])), chosen[kept], settling))
    return blocks


def _pooled(halves: Halves, blocks: list[Block]) -> tuple[float, float]:
    """Return the relative scatter of capacities within blocks and its degrees of freedom; (0, inf) where unknown."""
    squares = [np.sum((halves.charge[b.places] / halves.charge[b.places].mean() - 1.0) ** 2) for b in blocks]
    degrees = sum(block.places.size - 1 for block in blocks)
    return (math.sqrt(sum(squares) / degrees), float(degrees)) if degrees else (0.0, math.inf)


def _own(halves: Halves, block: Block, scatter: float) -> float:
    """Return the relative standard uncertainty of a block's mean that it does not share with the others."""
    charge = halves.charge[block.places]
    instrument = float(np.mean((halves.random[block.places] / charge) ** 2)) + GAIN_STABILITY**2
    return math.sqrt(max(instrument, scatter**2) / block.places.size)


def _quantity(
    name: str, value: float, unit: str, shared: Mapping[str, float], own: float, degrees: float, halves: Halves
) -> Quantity:
    """Return a quantity from relative uncertainties, with Student's t for the part that is estimated from scatter."""
    rectangular = [u for source, u in shared.items() if source in halves.errors.rectangular]
    normal = math.hypot(*(u for source, u in shared.items() if source not in halves.errors.rectangular))
    widened = own * coverage_factor(degrees) / coverage_factor(math.inf)
    half = half_width_95(math.hypot(normal, widened), rectangular) * value
    stderr = math.hypot(own, *shared.values()) * value
    return Quantity(name, value, stderr, unit, (value - half, value + half), kind="derived")


def _capacities(
    halves: Halves, blocks: list[Block], divisor: Divisor
) -> tuple[list[Quantity], dict[str, dict[str, float]]]:
    scatter, degrees = _pooled(halves, blocks)
    quantities, budget = [], {}
    for index, block in enumerate(blocks, start=1):
        charge = float(halves.charge[block.places].mean())
        shared = {
            "current_gain": halves.gain,
            "current_offset": halves.offset * float(halves.hours[block.places].mean()) / charge,
        }
        shared |= dict(divisor.relative)
        own, value = _own(halves, block, scatter), charge * divisor.factor
        name = f"capacity_{index}"
        budget[name] = {source: u * value for source, u in {**shared, "scatter": own}.items()}
        quantities.append(_quantity(name, value, divisor.unit, shared, own, degrees, halves))
    return quantities, budget


def _ratios(halves: Halves, blocks: list[Block], tolerance: float) -> list[Quantity]:
    currents = np.array([block.current for block in blocks])
    # Of several blocks at one rate the first, at which the cell is as it was.
    slowest = int(np.flatnonzero(np.log(currents / currents.min()) <= tolerance)[0])
    fastest = int(np.flatnonzero(np.log(currents.max() / currents) <= tolerance)[0])
    ratios = [_ratio(halves, blocks, fastest, slowest, "capacity_at_highest_rate")]
    back = np.flatnonzero(np.abs(np.log(currents / currents[0])) <= tolerance)
    if back[-1] > 0:
        ratios.append(_ratio(halves, blocks, int(back[-1]), 0, "capacity_recovery"))
    return ratios


def _ratio(halves: Halves, blocks: list[Block], top: int, bottom: int, name: str) -> Quantity:
    scatter, degrees = _pooled(halves, blocks)
    means = [float(halves.charge[blocks[index].places].mean()) for index in (top, bottom)]
    offset, _ = ratio_stderr(halves, int(blocks[top].places[0]), int(blocks[bottom].places[0]))
    own = math.hypot(*(_own(halves, blocks[index], scatter) for index in (top, bottom)))
    shared = {"current_offset": float(offset), "gain_stability": RATIO_STABILITY}
    return _quantity(name, means[0] / means[1], "1", shared, own, degrees, halves)


def _told(index: int, block: Block, halves: Halves, nominal: float | None) -> str:
    cycle: NDArray[np.integer] = halves.cycle[block.places]
    rate = "" if nominal is None else f" ({block.current / nominal:.3g} C)"
    settled = f", {block.settling} before left to settle" if block.settling else ""
    return f"block {index}: {block.current:.4g} A{rate}, cycles {cycle[0]} to {cycle[-1]}, n = {cycle.size}{settled}"


def _table(
    blocks: list[Block], capacities: list[Quantity], halves: Halves, nominal: float | None, divisor: Divisor
) -> xr.Dataset:
    """Return the blocks as a table, with the capacity of every cycle beside it."""
    spread = [
        float(np.std(halves.charge[b.places], ddof=1)) * divisor.factor if b.places.size > 1 else math.nan
        for b in blocks
    ]
    columns: dict[str, tuple[list[float], str]] = {
        "current": ([block.current for block in blocks], "A"),
        "capacity": ([quantity.value for quantity in capacities], divisor.unit),
        "capacity_stderr": ([quantity.stderr or 0.0 for quantity in capacities], divisor.unit),
        "capacity_spread": (spread, divisor.unit),
        "first_cycle": ([float(halves.cycle[block.places[0]]) for block in blocks], "1"),
        "last_cycle": ([float(halves.cycle[block.places[-1]]) for block in blocks], "1"),
        "n_cycles": ([float(block.places.size) for block in blocks], "1"),
    }
    if nominal is not None:
        columns["c_rate"] = ([block.current / nominal for block in blocks], "h-1")
    table = xr.Dataset(
        {name: xr.Variable(("block",), values, {"units": unit}) for name, (values, unit) in columns.items()}
    )
    table["capacity"].attrs["ancillary_variables"] = "capacity_stderr"
    places = np.concatenate([block.places for block in blocks])
    of_cycle = {
        "capacity_of_cycle": (halves.charge[places] * divisor.factor, divisor.unit),
        "block_of_cycle": (np.repeat(np.arange(1, len(blocks) + 1), [block.places.size for block in blocks]), "1"),
    }
    return table.assign_coords(block=np.arange(1, len(blocks) + 1), cycle=halves.cycle[places]).assign(
        {name: xr.Variable(("cycle",), values, {"units": unit}) for name, (values, unit) in of_cycle.items()}
    )
