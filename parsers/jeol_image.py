"""Images and element maps of JEOL Analysis Station (.img, .map): one grey image each.

A file holds two trees of tags; the second, where the header points, has the pixels under ``Image/Bits``. The title of a
map is its line, such as ``C K``; ``Map/StartRoi`` and ``EndRoi`` are the first and last channel of its window.

Source: layout found in the files of RosettaSciIO's tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._image import Axis, Vendor, assemble
from ._jeol_tags import Tag, moment, pixel, tree
from ._source import Measurement, Source
from .errors import CorruptFile, TruncatedFile
from .findings import Finding

_SECOND_TREE = 0x2C
_GROUPS = frozenset({"Instrument", "Map", "Palette", "HistgramInfo"})  # beside the image
_SAMPLED = (1, 2, 4, 8)
_END = 1  # byte behind the last tag


def read(source: Source) -> Iterator[Measurement]:
    """Yield the image.

    Raises
    ------
    TruncatedFile
        If it has fewer pixels than it says.
    CorruptFile
        If the tags do not give a size or are out of place.
    """
    cursor = source.cursor()
    cursor.seek(_SECOND_TREE)
    cursor.seek(cursor.u32())
    tags = tree(cursor)
    image, instrument = tags.at("Image"), tags.at("Instrument")
    if displaced := sorted(_GROUPS & image.children.keys()):
        raise CorruptFile(
            f"{displaced} lie within the image", expected="them beside it: bytes of the pixels are missing"
        )
    size, bits = [int(number) for number in image.at("Size").numbers], image.at("Bits").value
    if len(size) != 2 or min(size) < 1 or not isinstance(bits, np.ndarray):
        raise CorruptFile(f"an image of the size {size}", expected="width and height, and the pixels")
    width, height = size
    raw = bits.tobytes()
    if len(raw) not in (width * height, 2 * width * height):
        raise TruncatedFile(f"{len(raw)} bytes", expected=f"{width} x {height} pixels of one or two bytes")
    pixels = np.frombuffer(raw, "<u1" if len(raw) == width * height else "<u2").reshape(height, width)
    side, unit = pixel(instrument, width)
    square = Axis(side, 0.0, unit)
    vendor = Vendor(
        "JEOL",
        {"y": square, "x": square} if unit else {},
        "JEOL ScanSize / Mag / width",
        {key: value for key, value in _attributes(image, instrument).items() if value},
        tags.plain(),
    )
    vendor.findings += _contradictions(tags, pixels, cursor.remaining)
    yield assemble("image_0", pixels, ("y", "x"), vendor)


def _contradictions(tags: Tag, pixels: NDArray[Any], surplus: int) -> list[Finding]:
    """Return where the histogram that a map holds, or the end of the file, is not that of the pixels."""
    findings = []
    histogram = np.asarray(tags.at("HistgramInfo", "Data").numbers)
    if histogram.size and pixels.max() < histogram.size:
        # The program counts every pixel of a small map, every second along both axes of one of 512, and scales.
        counted = [k * k * np.bincount(pixels[::k, ::k].ravel(), minlength=histogram.size) for k in _SAMPLED]
        if not any(np.array_equal(one, histogram) for one in counted):
            message = "The pixels are not those of the histogram that the file holds: some of them are damaged."
            findings.append(Finding("histogram-contradicted", "warning", message))
    if surplus > _END:
        message = f"{surplus} bytes follow the last tag, where there is one in a whole file."
        findings.append(Finding("trailing-bytes", "warning", message))
    return findings


def _attributes(image: Tag, instrument: Tag) -> dict[str, Any]:
    volts = instrument.at("AccV").number
    return {
        "title": image.at("Title").text,
        "instrument": instrument.at("Name").text,
        "beam_energy": 1e3 * volts if volts else None,
        "magnification": instrument.at("Mag").number,
        "start_time": moment(image.at("Created").number),
    }
