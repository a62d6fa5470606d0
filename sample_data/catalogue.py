"""What the experiment folders hold: the true values of each simulated specimen and the seed of each file.

What a user states about them, with errors, is in each folder's ``experiment.toml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from .simulators import cycling, cycling_rates, eds_scans, eis, eis_series, haxpes, tem, xanes
from .simulators.simulated import Fact, Simulated, SimulatedSeries

TRUTH_HEADER = """\
# True values of the SIMULATED files in this folder. Nothing here was measured.
# Written by `python -m interlayer.sample_data`; change sample_data/catalogue.py, not this file.

simulated = true
"""


def generate() -> dict[str, dict[str, bytes]]:
    """Return the generated files of every experiment: ``{experiment: {file: bytes}}``, truth.toml among them."""
    made: dict[str, dict[str, bytes]] = {}
    for experiment, simulate in EXPERIMENTS.items():
        files = simulate()
        made[experiment] = {file.name: file.content for file in files} | {"truth.toml": _truth(files)}
    for experiment, simulate_series in SERIES.items():
        series = simulate_series()
        truth = _truth(series.files) + b"\n" + _block(series.kind, series.truth)
        made[experiment] = {file.name: file.content for file in series.files} | {"truth.toml": truth}
    return made


def _truth(files: Iterable[Simulated]) -> bytes:
    return "\n".join([TRUTH_HEADER, *(_block(file.name, file.truth).decode() for file in files)]).encode("utf-8")


def _block(name: str, truth: Mapping[str, Fact]) -> bytes:
    lines = [f'[truth."{name}"]']
    for quantity, fact in truth.items():
        value = float(f"{fact.value:.6g}")
        lines.append(f'{quantity} = {{ value = {value!r}, unit = "{fact.unit}" }}')
    return "\n".join([*lines, ""]).encode("utf-8")


def _lipon() -> list[Simulated]:
    film = eis.Film(conductivity=6.51e-7, thickness=96.4, area=7.93e-3)
    comment = "LiPON film between blocking Au dots at 35 degC"
    return [eis.biologic("film_35C.mpt", film, eis.Analyser(), 101, comment=comment)]


def _linbox() -> list[Simulated]:
    film = eis.Film(
        conductivity=6.39e-8,
        thickness=81.5,
        area=1.93e-3,
        permittivity=24.0,
        blocking=4e-6,
        blocking_exponent=0.89,
        series_resistance=14.0,
    )
    comment = "LiNbOx film between blocking Pt dots at 30 degC"
    return [eis.gamry("film_30C.DTA", film, eis.Analyser(noise=0.005, drift=0.03), 102, comment=comment)]


def _linbox_temperatures() -> SimulatedSeries:
    film = eis.Film(
        conductivity=4.7e-8,
        thickness=103.0,
        area=7.78e-3,
        permittivity=24.0,
        blocking=5e-6,
        blocking_exponent=0.9,
        series_resistance=11.0,
        inductance=0.9e-6,
    )
    heating = eis_series.Heating(film, 0.62, eis_series.TEMPERATURES)
    comment = "LiNbOx film between blocking Pt dots"
    return eis_series.temperature_series(heating, eis_series.SWEEP, 114, comment=comment)


def _coated_cells() -> SimulatedSeries:
    film = eis.Film(conductivity=6.6e-7, thickness=510.0, area=7.9e-3, blocking=4e-5, blocking_exponent=0.93)
    coating = eis.Coating(conductivity=6.39e-8, thickness=24.6)
    comment = "LiPON film with and without ALD LiNbOx between blocking Au dots"
    return eis_series.coated_against_bare(
        film, coating, eis_series.Batch(), eis_series.CELL_SWEEP, 2000, comment=comment
    )


def _half_cell() -> list[Simulated]:
    cell = cycling.HalfCell(active_mass=3.04, area=0.79, retention=0.90)
    cycler = cycling.Cycler(gain=3e-4, offset=4e-6)
    rows, truth = cycling.simulate(cell, cycler, cycling.Protocol(), 123)
    comment = "LiCoO2 with ALD Al2O3, Li3.15Ge0.15P0.85S4, Li"
    return [cycling.biologic("half_cell.mpt", rows, truth, comment=comment)]


def _symmetric() -> list[Simulated]:
    cells = {
        "alucone.mpt": (cycling.SymmetricCell(), "Li, alucone, Li10SnP2S12, alucone, Li"),
        "bare_shorted.mpt": (
            cycling.SymmetricCell(interface_start=900.0, interface_end=14000.0, short=4060.0),
            "Li, Li10SnP2S12, Li; shorts",
        ),
    }
    files = []
    for seed, (name, (cell, comment)) in enumerate(cells.items(), start=104):
        rows, truth = cycling.simulate_symmetric(cell, cycling.Cycler(offset=3e-6), cycling.Plating(), seed)
        files.append(cycling.biologic(name, rows, truth, comment=comment))
    return files


def _rate_cells() -> SimulatedSeries:
    coated = cycling_rates.RateCell(half_rate=4.5, fade=0.0009, resistance=55.0)
    bare = cycling_rates.RateCell(half_rate=1.6, fade=0.0056, resistance=140.0)
    comment = "NCM811, Li6PS5Cl, Li-In; with and without ALD LiNbOx on NCM811"
    return cycling_rates.coated_against_bare(coated, bare, cycling_rates.RateTest(), 300, comment=comment)


def _xanes() -> list[Simulated]:
    scans = {
        "bare.xdi": (0.15, xanes.Scan(0.04, 0.52, 9e-3, 0.30, -0.08), "bare NCM811 in LGPS, charged"),
        "linbo3_coated.xdi": (0.0, xanes.Scan(-0.03, 0.50, 8e-3, 0.28, -0.07), "LiNbO3-coated NCM811 in LGPS, charged"),
        "reference_Li2S.xdi": (1.0, xanes.Scan(0.02, 0.49, 1.1e-2, 0.15, -0.03, self_absorption=0.006), "Li2S"),
        "reference_LGPS.xdi": (0.0, xanes.Scan(-0.02, 0.50, 1.0e-2, 0.20, -0.05), "LGPS"),
    }
    return [
        xanes.scan_file(
            name, {"Li2S": share, "LGPS": 1.0 - share}, scan, seed, sample=sample, comment="invented line shapes"
        )
        for seed, (name, (share, scan, sample)) in enumerate(scans.items(), start=106)
    ]


def _haxpes() -> list[Simulated]:
    film = haxpes.Overlayer(thickness=5.2, path_factor=0.95, emission_angle=0.8, reference_ratio=1.72)
    sample = "5 nm ALD Al2O3 on LiCoO2"
    return [
        haxpes.vamas("film_6keV.vms", film, haxpes.Acquisition(), 110, sample=sample, comment="photon energy 6 keV")
    ]


def _tem() -> list[Simulated]:
    images = {
        "al2o3_coated.dm3": (tem.Layer(thickness=17.0), 0.2016, "LiCoO2 with ALD Al2O3, interface layer, sulfide"),
        "bare.dm3": (
            tem.Layer(thickness=30.0, radius=520.0, direction=205.0, roughness=0.9, doses=(36.0, 15.0, 7.0)),
            0.2016,
            "bare LiCoO2, interface layer, sulfide",
        ),
    }
    return [
        tem.dm3(name, layer, tem.Detector(), seed, stated_pixel_size=pixel, comment=comment)
        for seed, (name, (layer, pixel, comment)) in enumerate(images.items(), start=111)
    ]


def _line_scans() -> SimulatedSeries:
    coated, bare = eds_scans.Sample(width=17.0, position=60.0), eds_scans.Sample(width=30.0)
    return eds_scans.coated_against_bare(coated, bare, eds_scans.Microscope(), 115)


EXPERIMENTS: Mapping[str, Callable[[], list[Simulated]]] = {
    "eis_lipon_film": _lipon,
    "eis_linbox_film": _linbox,
    "cycling_lco_al2o3": _half_cell,
    "cycling_lsps_alucone": _symmetric,
    "xanes_ncm811_lgps": _xanes,
    "haxpes_al2o3_lco": _haxpes,
    "tem_lco_sulfide_layer": _tem,
}

SERIES: Mapping[str, Callable[[], SimulatedSeries]] = {
    "eis_linbox_temperature": _linbox_temperatures,
    "eis_linbox_coating": _coated_cells,
    "cycling_ncm_linbox": _rate_cells,
    "tem_lco_sulfide_line_scans": _line_scans,
}
