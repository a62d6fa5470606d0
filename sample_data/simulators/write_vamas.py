"""Writer of VAMAS files (.vms, ISO 14976): one item a line, CRLF; normal experiment, regular scans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Region:
    """One block: species and transition, kinetic energies by start and increment in eV, counts, how they were taken.

    Kinetic energies count from the Fermi level, as exporting programs write them beside a work function.
    ``dwell`` is the collection time of one channel in one scan in s; ``counts`` are summed over all scans.
    """

    species: str
    transition: str
    start: float
    increment: float
    counts: Integers
    dwell: float
    scans: int


@dataclass(frozen=True)
class Instrument:
    """What all blocks share: photon energy, pass energy and work function in eV, angles in degree."""

    photon_energy: float
    pass_energy: float = 100.0
    work_function: float = 4.5
    emission_angle: float = 0.0


def write(regions: list[Region], instrument: Instrument, *, sample: str, comment: str) -> bytes:
    """Return a VAMAS file.

    Parameters
    ----------
    regions : list of Region
        Blocks, in their order.
    instrument : Instrument
        Shared settings.
    sample : str
        Sample identifier; the word simulated is added.
    comment : str
        Second line of the file's comment, after the word SIMULATED.

    Returns
    -------
    bytes
    """
    header = [
        "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4",
        "simulated",
        "simulated HAXPES station",
        "simulated",
        f"{sample} (simulated)",
        "2",
        "SIMULATED, not measured",
        comment,
        "NORM",
        "REGULAR",
        str(len(regions)),
        "1",
        "Photon energy",
        "eV",
        "0",  # blocks in or out of a list
        "0",  # items entered by hand
        "0",  # future entries of the experiment
        "0",  # future entries of a block
        str(len(regions)),
    ]
    lines = header + [line for region in regions for line in _block(region, instrument, sample)]
    return ("\r\n".join([*lines, "end of experiment"]) + "\r\n").encode("ascii")


def _block(region: Region, instrument: Instrument, sample: str) -> list[str]:
    energy = f"{instrument.photon_energy:.2f}"
    items: list[str] = [
        f"{region.species} {region.transition}",
        f"{sample} (simulated)",
        *("2022", "12", "5", "9", "0", "0", "0"),
        *("1", "SIMULATED"),
        "XPS",
        energy,  # value of the experimental variable
        "synchrotron (simulated)",
        energy,
        *("1e+37", "1e+37", "1e+37"),  # source strength, beam width in x and y: not known
        *("85", "0"),  # source: polar angle of incidence, azimuth
        "FAT",
        f"{instrument.pass_energy:g}",
        "1e+37",  # magnification of the transfer lens
        f"{instrument.work_function:g}",
        "0",  # target bias
        *("1e+37", "1e+37"),  # analysis width in x and y
        *(f"{instrument.emission_angle:g}", "0"),  # analyser axis: polar angle, azimuth
        region.species,
        region.transition,
        "-1",
        *("kinetic energy", "eV", f"{region.start:.3f}", f"{region.increment:.3f}"),
        *("1", "counts", "d"),
        "pulse counting",
        f"{region.dwell:g}",
        str(region.scans),
        "0",  # signal time correction
        *("0", "0", "0"),  # sample: tilt, its azimuth, rotation
        "0",  # further numerical parameters
        str(region.counts.size),
        str(int(region.counts.min())),
        str(int(region.counts.max())),
    ]
    return items + [str(int(count)) for count in region.counts]
