"""Electron microscopy formats of the tail, read through RosettaSciIO: Bruker, EDAX, NanoMegas and others.

RosettaSciIO is licensed GPL-3.0-or-later and is an optional extra, ``[em]``. What it returns goes through the same
contract as everything else: energies in eV and last, lengths in nm, an axis without a usable unit in pixels with a
finding. Its errors become ours. What a file says of its own length and its own sums is checked before,
since the library fills what is missing with zeros.

Checked on corpus/tem/rosettasciio, openNCEM and NexusLIMS.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._em_tail_checks import CHECKS
from ._image import COLOURS, Axis, Vendor, assemble
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra, is_energy
from .errors import CorruptFile, MissingDependency, ParseError, UnsupportedContent
from .findings import Finding

PLUGINS = {
    ".bcf": "bruker",
    ".spx": "bruker",
    ".eds": "jeol",
    ".blo": "blockfile",
    ".prz": "pantarhei",
    ".elid": "phenom",
    ".spc": "edax",
    ".tvips": "tvips",
    ".unf": "semper",
    ".zspy": "zspy",
}
"""Extension to the module of RosettaSciIO."""

_TIMES = ("live_time", "real_time", "elevation_angle")  # s, s, degrees


def read(source: Source) -> Iterator[Measurement]:
    """Yield what the file holds.

    Raises
    ------
    MissingDependency
        If RosettaSciIO, or what it needs for this format, is not installed.
    TruncatedFile
        If a Bruker file is shorter than it says.
    CorruptFile
        If RosettaSciIO cannot read it, or it contradicts itself.
    UnsupportedContent
        If nothing in it has a place in the vocabulary.
    """
    suffix = source.path.suffix.lower()
    if suffix not in PLUGINS:
        raise UnsupportedContent(
            f"the extension {suffix!r}",
            expected=f"one of {sorted(PLUGINS)}",
            remedy="give the file its own extension back",
        )
    if suffix in CHECKS:
        source.findings.extend(CHECKS[suffix](source.data))
    found = _entries(source, PLUGINS[suffix])
    errors: list[ParseError] = []
    good = 0
    for place, entry in enumerate(found):
        try:
            measurement = _measurement(place, entry, suffix)
        except ParseError as error:
            errors.append(error)
            source.note("part-not-read", "warning", f"Part {place}: {error}")
            continue
        good += 1
        yield measurement
    if not good:
        raise errors[0] if errors else UnsupportedContent("the file holds no image or spectrum", expected="one")


def _entries(source: Source, plugin: str) -> Sequence[Mapping[str, Any]]:
    try:
        with _quiet(), _on_disk(source) as path:
            found: Sequence[Mapping[str, Any]] = import_module(f"rsciio.{plugin}").file_reader(str(path))
    except ImportError as error:
        missing = str(error.name).partition(".")[0]
        extra = "interlayer[em]" if missing == "rsciio" else missing
        raise MissingDependency(
            f"the module {missing} is not installed",
            expected="it to read this format",
            remedy=f"install {extra} by pip",
        ) from error
    except Exception as error:
        if "imagecodecs" in str(error):
            raise MissingDependency("the images are packed by LZW", remedy="install imagecodecs by pip") from error
        raise CorruptFile(
            f"RosettaSciIO cannot read it: {type(error).__name__}: {str(error)[:200]}", expected="a whole file"
        ) from error
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's warnings about speed and metadata from the user of a reader."""
    log = logging.getLogger("rsciio")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


@contextmanager
def _on_disk(source: Source) -> Iterator[Path]:
    """Give the path of a file, a temporary copy of one that came out of an archive."""
    if source.path.is_file() and source.path.read_bytes() == source.data:
        yield source.path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / source.name
        copy.write_bytes(source.data)
        yield copy


def _measurement(place: int, entry: Mapping[str, Any], suffix: str) -> Measurement:
    values = np.asarray(entry["data"])
    axes = [_axis(axis) for axis in entry["axes"]]
    general, signal = (entry.get("metadata", {}).get(key, {}) for key in ("General", "Signal"))
    attrs = {"title": str(general.get("title") or "") or None, **_microscope(entry)}
    vendor = Vendor("RosettaSciIO", attrs=attrs, source=f"RosettaSciIO, {PLUGINS[suffix]}")
    energies = [number for number, axis in enumerate(axes) if is_energy(axis)]
    if len(energies) == 1 and values.dtype.kind in "iuf":
        energy = energies[0]
        technique = "eels" if "EELS" in str(signal.get("signal_type")) else "eds"
        if values.size and not values.any():
            vendor.findings.append(Finding("all-zero", "warning", "All counts are zero."))
        return assemble_spectra(
            f"spectra_{place}",
            np.ascontiguousarray(np.moveaxis(values, energy, -1)),
            [axis for number, axis in enumerate(axes) if number != energy],
            axes[energy],
            vendor,
            technique=technique,
            counted=technique == "eds" and values.dtype.kind in "iu",
        )
    return _image(f"image_{place}", values, axes, vendor)


def _image(group: str, values: NDArray[Any], axes: Sequence[Axis], vendor: Vendor) -> Measurement:
    """Return an image, a stack or an image in colours, which the library gives as records of red, green, blue."""
    channels: tuple[str, ...] = ()
    if values.dtype.names and len(values.dtype.names) in (3, 4):
        channels = COLOURS[: len(values.dtype.names)]
        values = np.stack([values[name] for name in values.dtype.names], axis=-1)
    ndim = values.ndim - bool(channels)
    if ndim not in (2, 3) or len(axes) != ndim or values.dtype.kind not in "iufc":
        shape = " x ".join(map(str, values.shape))
        raise UnsupportedContent(f"an array of {shape} {values.dtype}", expected="images or spectra")
    if values.size and not values.any():
        vendor.findings.append(Finding("all-zero", "warning", "All pixels are zero."))
    dims = ("frame", "y", "x")[-ndim:]
    vendor.axes = dict(zip(dims, axes, strict=True))
    if channels:
        dims = (*dims, "channel")
    return assemble(group, np.ascontiguousarray(values), dims, vendor, channels=channels)


def _axis(axis: Mapping[str, Any]) -> Axis:
    unit = axis.get("units")
    return Axis(float(axis.get("scale") or 1.0), float(axis.get("offset") or 0.0), "" if unit is None else str(unit))


def _microscope(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the beam energy in eV, where the metadata have it in keV, and what the X-ray detector tells."""
    instrument = entry.get("metadata", {}).get("Acquisition_instrument", {})
    found: dict[str, Any] = {}
    for microscope in ("TEM", "SEM"):
        stated = instrument.get(microscope, {})
        detector = stated.get("Detector", {}).get("EDS", {})
        for name, value in (("beam_energy", stated.get("beam_energy")), *((key, detector.get(key)) for key in _TIMES)):
            if isinstance(value, int | float | np.number) and value > 0:
                found.setdefault(name, float(value) * (1e3 if name == "beam_energy" else 1.0))
    return found
