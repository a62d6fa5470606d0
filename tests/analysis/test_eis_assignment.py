"""Which process an arc belongs to: simulated films and pellets of known make-up, a real series, the user's word."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from interlayer.analysis import Quantity, eis
from interlayer.analysis.errors import NotAnalysable
from interlayer.parsers import schema

VACUUM = 8.8541878188e-14  # F/cm
REAL_SERIES = range(140, 201, 10)
REAL_GEOMETRY = {
    "thickness": Quantity("thickness", 0.21, 0.003, "cm"),
    "area": Quantity("area", math.pi * 0.4**2, 0.01, "cm2"),
}


@dataclass(frozen=True)
class Cell:
    """One cell: processes from the fastest with resistance (ohm) and capacitance (F), and how it is measured."""

    ds: xr.Dataset
    processes: tuple[str, ...]
    thickness: Quantity
    area: Quantity
    electrodes: str | None
    film_resistance: float


def zarc(s: np.ndarray, resistance: float, capacitance: float, exponent: float) -> np.ndarray:
    return resistance / (1.0 + (s * resistance * capacitance) ** exponent)


def draw(seed: int) -> Cell:
    """Return a random cell whose arcs lie inside the window, at least a decade apart, and none hidden by another.

    Grain boundaries follow the brick-layer model: C_gb = C_bulk D / delta with grains of at most a fifth of the
    thickness. Interfaces hold 1 to 20 uF/cm2, in pellets from 0.05 uF/cm2. Half the users say what the electrodes are.
    """
    random = np.random.default_rng(seed)
    while True:
        film = random.random() < 0.5
        d = 10 ** random.uniform(-5.3, -4.3) if film else random.uniform(0.05, 0.3)
        area = 10 ** random.uniform(-3.0, -1.5) if film else random.uniform(0.2, 1.5)
        permittivity, conductivity = random.uniform(8.0, 60.0), 10 ** random.uniform(-8.5, -4.0)
        resistance, capacitance = d / (conductivity * area), VACUUM * permittivity * area / d
        arcs = [("bulk", resistance, capacitance, random.uniform(0.92, 1.0))]
        if random.random() < 0.5:
            grain = min(10 ** random.uniform(-6.0, -4.5), d / 5.0) if film else 10 ** random.uniform(-5.0, -3.0)
            ratio = grain / 10 ** random.uniform(-7.0, -6.3)
            size = resistance * 10 ** random.uniform(-0.5, 1.0)
            arcs.append(("grain_boundary", size, capacitance * ratio, random.uniform(0.85, 0.97)))
        blocking = random.random() < 0.6
        if random.random() < (0.2 if blocking and not film else 0.0 if blocking else 0.8):
            per_area = 10 ** random.uniform(-6.0 if film or not blocking else -7.3, -4.7)
            size = resistance * 10 ** random.uniform(-0.5, 1.0)
            arcs.append(("interface", size, per_area * area, random.uniform(0.8, 0.95)))
        times = [r * c for _, r, c, _ in arcs]
        if times[0] < 10 / 4e7 or times[-1] > 1 / 6.0:
            continue
        if all(later > 10 * earlier for earlier, later in pairwise(times)):
            break
    frequency = np.logspace(7 if not film else 6, -1, 81)
    s = 2j * np.pi * frequency
    z = random.uniform(1, 20) + random.uniform(0.1, 1) * 1e-6 * s * (1.0 if film else 0.1)
    z = z + sum(zarc(s, r, c, n) for _, r, c, n in arcs)
    if blocking:
        z = z + 1.0 / (10 ** random.uniform(-5.3, -4.7) * area * s ** random.uniform(0.85, 0.95))
    noise = random.uniform(0.003, 0.01)
    z = z + noise * np.abs(z) * (random.standard_normal(z.size) + 1j * random.standard_normal(z.size))
    return Cell(
        schema.build("eis", {"frequency": frequency, "impedance": z}),
        tuple(name for name, *_ in arcs),
        Quantity("thickness", 1e7 * d * (1 + 0.03 * random.standard_normal()), 3e5 * d, "nm"),
        Quantity("area", area * (1 + 0.03 * random.standard_normal()), 0.03 * area, "cm2"),
        ("blocking" if blocking else "non-blocking") if random.random() < 0.5 else None,
        sum(r for name, r, *_ in arcs if name != "interface"),
    )


def analysed(cell: Cell):
    return eis.film_conductivity(cell.ds, thickness=cell.thickness, area=cell.area, electrodes=cell.electrodes)


def processes(result) -> tuple[str, ...]:
    return tuple(result.provenance[f"arc_{number}"] for number in range(1, int(result.diagnostics["n_arcs"]) + 1))


@pytest.mark.slow
def test_arcs_are_assigned_right():
    """95 % of random cells have every arc right, 96 % of those that claim to be sure; intervals of R hold."""
    right, sure_and_right, sure, covered = 0, 0, 0, 0
    n = 400
    for seed in range(2000, 2000 + n):
        cell = draw(seed)
        result = analysed(cell)
        correct = processes(result) == cell.processes
        right += correct
        if all(result.diagnostics[f"arc_{k + 1}_confidence"] >= 0.8 for k in range(len(processes(result)))):
            sure += 1
            sure_and_right += correct
        if correct:
            low, high = result["ionic_resistance"].interval95
            covered += low <= cell.film_resistance <= high
    assert right >= 0.95 * n, right / n
    assert sure_and_right >= 0.96 * sure > 0.96 * 0.7 * n, (sure_and_right, sure)
    assert 0.93 <= covered / right <= 0.97, covered / right


def make(celsius: float, *, film: bool, seed: int) -> xr.Dataset:
    """Return one temperature of a cell with bulk, grain boundaries and blocking electrode, activated by 0.45 eV."""
    random = np.random.default_rng(seed)
    d, area, permittivity, ratio = (5e-5, 5e-3, 20.0, 40.0) if film else (0.1, 0.8, 25.0, 300.0)
    rise = math.exp(-0.45 / 8.617333e-5 * (1 / (celsius + 273.15) - 1 / 333.15))
    resistance, capacitance = d / (1e-7 * rise * area), VACUUM * permittivity * area / d
    frequency = np.logspace(6, -1, 71)
    s = 2j * np.pi * frequency
    z = 8 + 2e-7 * s + zarc(s, resistance, capacitance, 0.97)
    z = z + zarc(s, 2 * resistance, ratio * capacitance, 0.92) + 1 / (1e-5 * area * s**0.9)
    return schema.build(
        "eis",
        {
            "frequency": frequency,
            "impedance": z * (1 + 0.005 * (random.standard_normal(71) + 1j * random.standard_normal(71))),
        },
    )


@pytest.mark.slow
@pytest.mark.parametrize("film", [True, False])
def test_labels_are_stable_over_temperature(film):
    """In an Arrhenius plot one process must not be joined with another: peers swap the arcs of one series in three."""
    d, area = (Quantity("thickness", 500.0, 15.0, "nm"), Quantity("area", 5e-3, 1e-4, "cm2")) if film else (
        Quantity("thickness", 1.0, 0.02, "mm"), Quantity("area", 0.8, 0.01, "cm2"))  # fmt: skip
    for seed in range(10):
        for celsius in (30, 45, 60, 75, 90):
            result = eis.film_conductivity(make(celsius, film=film, seed=100 * seed + celsius), thickness=d, area=area)
            assert processes(result) == ("bulk", "grain_boundary"), (seed, celsius)
            assert {"bulk_resistance", "grain_boundary_resistance"} <= {q.name for q in result.quantities}


def real(corpus, celsius: int) -> xr.Dataset:
    frequency, re, im = np.loadtxt(corpus / f"eis/EISFitpython/s04147-{celsius}deg.txt", skiprows=3, unpack=True)
    return schema.build("eis", {"frequency": frequency, "impedance": re + 1j * im})


@pytest.mark.parametrize("celsius", REAL_SERIES)
def test_labels_of_a_real_series(corpus, celsius):
    """A garnet pellet whose arcs its authors call bulk and grain boundary is read the same at every temperature."""
    result = eis.film_conductivity(real(corpus, celsius), **REAL_GEOMETRY)
    assert processes(result) == ("bulk", "grain_boundary")
    assert result.diagnostics["arc_1_confidence"] > 0.9
    assert result.diagnostics["arc_2_confidence"] > 0.8
    bulk, boundary = result["bulk_resistance"], result["grain_boundary_resistance"]
    assert result["bulk_conductivity"].value == pytest.approx(0.21 / (bulk.value * math.pi * 0.16), rel=1e-9)
    assert result["grain_boundary_conductivity"].value == pytest.approx(
        0.21 / (boundary.value * math.pi * 0.16), rel=1e-9
    )


def lithium_cell(interface: float = 40.0, seed: int = 0) -> xr.Dataset:
    """Return a 1 mm pellet of 1e-5 S/cm between lithium: bulk of 10 kohm, interface of 2 uF/cm2, no spur."""
    random = np.random.default_rng(seed)
    frequency = np.logspace(7, -1, 81)
    s = 2j * np.pi * frequency
    z = 5 + 3e-8 * s + zarc(s, 1e4, VACUUM * 30 * 1.0 / 0.1, 0.98) + zarc(s, interface * 1e3, 2e-6, 0.9)
    z = z * (1 + 0.004 * (random.standard_normal(81) + 1j * random.standard_normal(81)))
    return schema.build("eis", {"frequency": frequency, "impedance": z})


PELLET = {"thickness": Quantity("thickness", 1.0, 0.01, "mm"), "area": Quantity("area", 1.0, 0.01, "cm2")}


def test_an_interface_is_not_the_films():
    """With lithium the interface is four times the bulk; counted in, the conductivity would be five times too small."""
    result = eis.film_conductivity(lithium_cell(), **PELLET, electrodes="non-blocking")
    assert processes(result) == ("bulk", "interface")
    assert result["ionic_conductivity"].value == pytest.approx(1e-5, rel=0.02)
    assert result["interface_resistance"].value == pytest.approx(4e4, rel=0.02)
    assert result["interface_area_specific_resistance"].value == pytest.approx(4e4, rel=0.02)
    # a CPE of zarc(R, C, n) has Q = (R C)^n / R; Brug with 10 kohm in series and 40 kohm beside it
    brug = ((4e4 * 2e-6) ** 0.9 / 4e4) ** (1 / 0.9) * (1 / 10005 + 1 / 4e4) ** (-0.1 / 0.9)
    assert result["interface_capacitance"].value == pytest.approx(brug, rel=0.03)
    assert not any("no blocking electrode is seen" in note for note in result.notes)


def test_the_users_word_counts():
    """Who knows better is believed, and the result says whose word it was."""
    result = eis.film_conductivity(lithium_cell(), **PELLET, assignment={2: "grain_boundary"})
    assert result["ionic_resistance"].value == pytest.approx(5e4, rel=0.02)
    assert result.provenance["arc_2"] == "grain_boundary"
    assert result.provenance["assignment"] == "arc_2 stated"
    assert "arc 2 is taken for grain boundary, as stated" in result.notes
    without = eis.ionic_resistance(lithium_cell(), assignment={2: "interface"})
    assert without["ionic_resistance"].value == pytest.approx(1e4, rel=0.02)
    with pytest.raises(NotAnalysable, match="names arc 3"):
        eis.film_conductivity(lithium_cell(), **PELLET, assignment={3: "interface"})
    with pytest.raises(ValueError, match="expected one of bulk"):
        eis.film_conductivity(lithium_cell(), **PELLET, assignment={1: "grains"})
    with pytest.raises(ValueError, match="'blocking', 'non-blocking' or None"):
        eis.film_conductivity(lithium_cell(), **PELLET, electrodes="gold")


def test_a_doubtful_arc_is_said_to_be():
    """In a film of 100 nm a boundary and an interface can have one capacitance; a bare name would hide that."""
    random = np.random.default_rng(1)
    frequency = np.logspace(6, -1, 71)
    s = 2j * np.pi * frequency
    z = 5 + 2e-7 * s + zarc(s, 2e3, 8.9e-10, 0.98) + zarc(s, 4e3, 3e-8, 0.95)  # 6 uF/cm2, 34 times the bulk
    z = z * (1 + 0.004 * (random.standard_normal(71) + 1j * random.standard_normal(71)))
    ds = schema.build("eis", {"frequency": frequency, "impedance": z})
    film = {"thickness": Quantity("thickness", 100.0, 3.0, "nm"), "area": Quantity("area", 5e-3, 1e-4, "cm2")}
    result = eis.film_conductivity(ds, **film)
    assert 0.4 < result.diagnostics["arc_2_confidence"] < 0.8
    assert {"bulk_resistance", "arc_2_resistance"} <= {quantity.name for quantity in result.quantities}
    assert any("that is doubtful" in note for note in result.notes)


def test_only_interfaces_leave_a_limit():
    """A bulk above the window is within the intercept; the interface's arc is no measure of it."""
    random = np.random.default_rng(2)
    frequency = np.logspace(6, -1, 71)
    s = 2j * np.pi * frequency
    z = 20 + 2e-7 * s + zarc(s, 300.0, 4e-6, 0.9)  # pellet of 10 ohm within the 20 ohm
    z = z * (1 + 0.004 * (random.standard_normal(71) + 1j * random.standard_normal(71)))
    ds = schema.build("eis", {"frequency": frequency, "impedance": z})
    result = eis.film_conductivity(ds, **PELLET, electrodes="non-blocking")
    assert result.provenance["arc_1"] == "interface"
    assert result["ionic_conductivity"].relation == ">"
    assert result["ionic_conductivity"].value == pytest.approx(0.1 / 20, rel=0.05)
    assert result["ionic_resistance"].value == pytest.approx(20, rel=0.05)
