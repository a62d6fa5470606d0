"""Lispix ripple files (.rpl beside .raw): a table of keys and values beside a block of raw numbers.

``width``, ``height`` and ``depth`` are the sizes; ``record-by`` says whether the depth is stored innermost
(``vector``, spectra), outermost (``image``, slices) or not at all (``dont-care``). The scales, origins and units of
the axes are keys of later programs; Lispix itself knows ``ev-per-chan`` alone. Vectors along an axis of energy are
spectra, EDS or EELS as ``signal`` says; all else is an image or a stack.

Source: the manual of Lispix by D. S. Bright, NIST (ripple file format); checked on the files of RosettaSciIO.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ._binary import Cursor
from ._image import Axis, Vendor, assemble, unit_and_factor
from ._source import Measurement, Source
from ._spectrum_image import assemble_spectra, is_energy
from .errors import AmbiguousContent, CorruptFile, UnsupportedContent
from .findings import Finding

_KINDS = {"signed": "i", "unsigned": "u", "float": "f"}
_ORDERS = {"little-endian": "<", "big-endian": ">", "dont-care": "<"}
_LAYOUTS = {
    "vector": ("height", "width", "depth"),
    "image": ("depth", "height", "width"),
    "dont-care": ("depth", "height", "width"),
}
"""``record-by`` to the axes, the slowest first."""

_FRAMES = {"height": "y", "width": "x", "depth": "frame"}
_SIGNALS = ("EELS", "EDS", "EDX")
_MOST = 2**24


def read(source: Source) -> Iterator[Measurement]:
    """Yield what the pair of files holds.

    Raises
    ------
    CorruptFile
        If the table lacks a size or a type, or the raw file is missing or of another length than the table asks for.
    AmbiguousContent
        If the table does not say how the depth is stored.
    UnsupportedContent
        If it holds curves without an axis of energy.
    """
    table = _table(source)
    layout = _layout(table)
    values = _values(source, table, [_whole(table, name) for name in layout])
    axes = [_axis(table, name) for name in layout]
    attrs = {"title": table.get("title") or None, **_beam(table)}
    vendor = Vendor("ripple", attrs=attrs, metadata=dict(table))
    if layout[-1] == "depth" and is_energy(axes[-1]):
        vendor.findings += _channel_findings(table, axes[-1])
        yield _spectra(values, axes, table, vendor)
        return
    if layout[-1] == "depth" and any(name in table.get("signal", "").upper() for name in _SIGNALS):
        raise UnsupportedContent(
            f"vectors of the signal {table['signal']!r} along an axis in {axes[-1].unit!r}", expected="eV or keV"
        )
    dims = [_FRAMES[name] for name in layout]
    pixels = np.moveaxis(values, layout.index("depth"), 0)
    if 1 in pixels.shape[1:] and pixels.shape[0] > 1:
        raise UnsupportedContent("curves without an axis of energy", expected="images, or spectra with depth-units")
    vendor.axes, vendor.source = dict(zip(dims, axes, strict=True)), "ripple table"
    stack = ("frame", "y", "x") if len(pixels) > 1 else ("y", "x")
    yield assemble("image", np.ascontiguousarray(pixels if len(pixels) > 1 else pixels[0]), stack, vendor)


def _layout(table: Mapping[str, str]) -> tuple[str, str, str]:
    stated = table.get("record-by", "dont-care")
    layout = _LAYOUTS.get(stated)
    if layout is None:
        raise UnsupportedContent(f"record-by {stated!r}", expected=f"one of {sorted(_LAYOUTS)}")
    if stated == "dont-care" and sum(_whole(table, name) > 1 for name in layout) > 1 and _whole(table, "depth") > 1:
        raise AmbiguousContent(
            "the table does not say where the depth is stored",
            expected="record-by vector or image",
            remedy="add the line record-by to the table",
        )
    return layout


def _channel_findings(table: Mapping[str, str], energy: Axis) -> list[Finding]:
    """Return whether the two statements of the channel width differ; ``ev-per-chan`` may be rounded to whole eV."""
    width = _number(table, "ev-per-chan")
    step = energy.scale * unit_and_factor(energy.unit)[1]
    if not width or not math.isfinite(step) or abs(width - step) <= 0.5:
        return []
    message = f"A channel is {step:g} eV wide by depth-scale and {width:g} eV by ev-per-chan."
    return [Finding("axis-contradicted", "warning", message)]


def _spectra(values: NDArray[np.generic], axes: list[Axis], table: Mapping[str, str], vendor: Vendor) -> Measurement:
    """Return vectors as a point, a line or a map: an axis of one point is none."""
    kept = [place for place in (0, 1) if values.shape[place] > 1]
    counts = values.reshape([values.shape[place] for place in (*kept, 2)])
    signal = table.get("signal", "").upper()
    technique = "eels" if "EELS" in signal else "eds"
    if not any(name in signal for name in _SIGNALS):
        message = f"The table names the signal {signal!r}; the spectra are taken as EDS."
        vendor.findings.append(Finding("technique-inferred", "warning", message))
    return assemble_spectra(
        "spectra",
        counts,
        [axes[place] for place in kept],
        axes[2],
        vendor,
        technique=technique,
        counted=technique == "eds" and values.dtype.kind in "iu",
    )


def _table(source: Source) -> dict[str, str]:
    """Return the keys in lower case with their values; lines that begin with a semicolon are remarks."""
    table: dict[str, str] = {}
    for number, line in enumerate(source.text.lines, start=1):
        if not line.strip() or line.startswith(";"):
            continue
        key, tab, value = line.partition("\t")
        if not tab:
            raise CorruptFile(f"the line {line[:40]!r}", line=number, expected="a key, a tab and its value")
        name = key.strip().casefold()
        if table.get(name, value.strip()) != value.strip():
            raise CorruptFile(f"{name} is {table[name]!r} and {value.strip()!r}", line=number, expected="one value")
        table[name] = value.strip()
    if table.pop("key", "value").casefold() != "value":
        raise CorruptFile("the first line is not 'key', 'value'", line=1, expected="a ripple table")
    return table


def _whole(table: Mapping[str, str], key: str) -> int:
    number = _number(table, key) or 0.0
    if not 0 < number < _MOST or number != int(number):
        raise CorruptFile(f"{key} is {table.get(key)!r}", expected="a positive whole number in the table")
    return int(number)


def _values(source: Source, table: Mapping[str, str], sizes: list[int]) -> NDArray[np.generic]:
    kind, width = table.get("data-type", "").casefold(), _whole(table, "data-length")
    order = table.get("byte-order", "dont-care" if width == 1 else "").casefold()
    if kind not in _KINDS or order not in _ORDERS or f"{_KINDS[kind]}{width}" not in (
        "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"
    ):  # fmt: skip
        raise UnsupportedContent(f"numbers of the type {kind!r}, {width} bytes, {order!r}", expected="a numpy type")
    raw = next(filter(None, map(source.sidecar, _names(source.path))), None)
    if raw is None:
        raise CorruptFile(
            f"there is no {Path(source.name).stem}.raw beside the table",
            expected="the numbers that it describes",
            remedy="copy both files together",
        )
    offset = _number(table, "offset") or 0.0
    if offset < 0 or offset != int(offset):
        raise CorruptFile(f"offset is {table['offset']}", expected="a place in the raw file")
    cursor = Cursor(raw.data, limits=source.limits)
    cursor.seek(int(offset))
    dtype = np.dtype(f"{_ORDERS[order]}{_KINDS[kind]}{width}")
    values = cursor.array(dtype, math.prod(sizes))
    if cursor.remaining:
        raise CorruptFile(
            f"{cursor.remaining} bytes of {raw.name} are left over", expected=f"{values.nbytes} bytes for {sizes}"
        )
    return values.astype(dtype.newbyteorder("=")).reshape(sizes)


def _names(path: Path) -> tuple[str, ...]:
    return f"{path.stem}.raw", f"{path.stem}.RAW"


def _axis(table: Mapping[str, str], name: str) -> Axis:
    """Return the calibration of an axis; NaN for the scale or the origin that a table with a unit does not state."""
    unit = table.get(f"{name}-units", "")
    if name == "depth" and not unit and (width := _number(table, "ev-per-chan") or 0.0) > 0:
        return Axis(width, 0.0, "eV")
    scale, origin = _number(table, f"{name}-scale"), _number(table, f"{name}-origin")
    if not unit:
        return Axis(scale or 1.0, origin or 0.0)
    return Axis(math.nan if scale is None else scale, math.nan if origin is None else origin, unit)


def _number(table: Mapping[str, str], key: str) -> float | None:
    """Return a number of the table, None where it states none; `CorruptFile` for what is no number."""
    text = table.get(key, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CorruptFile(f"{key} is {text!r}", expected="a number in the table")
    return value


def _beam(table: Mapping[str, str]) -> dict[str, float]:
    """Return the beam energy in eV, where the table has it in keV."""
    energy = _number(table, "beam-energy") or 0.0
    return {"beam_energy": energy * 1e3} if energy > 0 else {}
