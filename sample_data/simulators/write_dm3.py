"""Writer of Gatan DigitalMicrograph 3 files (.dm3): a tree of named tags, big-endian structure, little-endian data.

A file is ``version, size of the root, byte order`` (three 32-bit integers), the root group, eight zero bytes. A group
is ``sorted, open, number of entries``; an entry is its kind (20 group, 21 data), a name with its length, and either a
group or ``%%%%``, a type description counted in 32-bit words, and the data.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# struct code -> number of the type in DM3
_SCALARS = {"h": 2, "i": 3, "H": 4, "I": 5, "f": 6, "d": 7, "?": 8}
_UINT16_IMAGE = 10  # ImageData.DataType
_ARRAY, _GROUP, _DATA = 20, 20, 21


@dataclass(frozen=True)
class Scalar:
    """A number with its struct code."""

    code: str
    value: float


Tag = Scalar | str | NDArray[np.uint16] | Mapping[str, "Tag"] | list["Tag"]


def write(image: NDArray[np.uint16], pixel_size: float, *, name: str, comment: str) -> bytes:
    """Return a calibrated image as a DM3 file.

    Parameters
    ----------
    image : ndarray of uint16, shape (rows, columns)
        Rows from top to bottom.
    pixel_size : float
        In nm, for both axes; stored in single precision.
    name : str
        Name of the image; the word simulated is added.
    comment : str
        Goes to ImageTags under Simulation.

    Returns
    -------
    bytes
    """
    rows, columns = image.shape
    axis: Tag = {"Origin": Scalar("f", 0.0), "Scale": Scalar("f", pixel_size), "Units": "nm"}
    root: Mapping[str, Tag] = {
        "DocumentObjectList": [{"ImageSource": Scalar("I", 0), "AnnotationType": Scalar("i", 20)}],
        "ImageList": [
            {
                "ImageData": {
                    "Calibrations": {
                        "Brightness": {"Origin": Scalar("f", 0.0), "Scale": Scalar("f", 1.0), "Units": ""},
                        "Dimension": [axis, axis],
                        "DisplayCalibratedUnits": Scalar("?", True),
                    },
                    "Data": np.ascontiguousarray(image, dtype="<u2").ravel(),
                    "DataType": Scalar("I", _UINT16_IMAGE),
                    "Dimensions": [Scalar("I", columns), Scalar("I", rows)],
                    "PixelDepth": Scalar("I", 2),
                },
                "ImageTags": {
                    "Simulation": {"Simulated": Scalar("?", True), "Comment": f"SIMULATED, not measured: {comment}"},
                    "DataBar": {"Acquisition Date": "12/5/2022", "Device Name": "simulated HAADF"},
                    "Microscope Info": {
                        "Voltage": Scalar("d", 200000.0),
                        "Illumination Mode": "STEM NANOPROBE",
                        "Name": "simulated",
                        "Operation Mode": "SCANNING",
                    },
                },
                "Name": f"{name} (simulated)",
                "UniqueID": [Scalar("I", number) for number in (1, 2, 3, 4)],
            }
        ],
        "ImageSourceList": [{"ClassName": "ImageSource:Simple", "Id": [Scalar("I", 0)], "ImageRef": Scalar("I", 0)}],
        "InImageMode": Scalar("?", True),
    }
    body = _group([(key.encode("latin-1"), value) for key, value in root.items()])
    return struct.pack(">iii", 3, len(body), 1) + body + bytes(8)


def _group(entries: list[tuple[bytes, Tag]]) -> bytes:
    return struct.pack(">BBi", 1, 0, len(entries)) + b"".join(_entry(name, tag) for name, tag in entries)


def _entry(name: bytes, tag: Tag) -> bytes:
    head = struct.pack(">H", len(name)) + name
    if isinstance(tag, list):
        return bytes([_GROUP]) + head + _group([(b"", item) for item in tag])
    if isinstance(tag, Mapping):
        return bytes([_GROUP]) + head + _group([(key.encode("latin-1"), value) for key, value in tag.items()])
    return bytes([_DATA]) + head + b"%%%%" + _data(tag)


def _data(tag: Scalar | str | NDArray[np.uint16]) -> bytes:
    if isinstance(tag, Scalar):
        value = tag.value if tag.code in "fd" else int(tag.value)
        return struct.pack(">ii", 1, _SCALARS[tag.code]) + struct.pack("<" + tag.code, value)
    content = tag.encode("utf-16-le") if isinstance(tag, str) else tag.tobytes()
    return struct.pack(">iiii", 3, _ARRAY, _SCALARS["H"], len(content) // 2) + content
