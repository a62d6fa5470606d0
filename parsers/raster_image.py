"""PNG, JPEG and BMP pictures: grey or coloured pixels in pixels, calibrated only by a text of the microscope beside.

These formats know how large a picture is to be printed, not how large a pixel of the sample is: that density never
becomes a scale, however fine. Colours of equal channels are one grey image; an alpha channel that is opaque everywhere
is left out; a palette is looked up. Nothing is turned: an orientation that the file asks of viewers is a finding.

Files are found whole before they are decoded (`interlayer.parsers._raster_structure`); Pillow decodes them. What is
damaged inside the coded data of a JPEG cannot be told from an image.

Source: W3C PNG (third edition); ITU-T T.81 (JPEG); CIPA DC-008 (EXIF) for the orientation.
"""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._image import COLOURS, Vendor, assemble
from ._image_sidecars import beside, join
from ._raster_structure import check_bmp, check_jpeg, check_png
from ._source import Measurement, Source
from .errors import CorruptFile, LimitExceeded, ParseError, TruncatedFile, UnsupportedContent
from .findings import Finding

if TYPE_CHECKING:
    from PIL.Image import Image

_CHECKS: tuple[tuple[bytes, str, Callable[[Source], None]], ...] = (
    (b"\x89PNG", "PNG", check_png),
    (b"\xff\xd8", "JPEG", check_jpeg),
    (b"BM", "BMP", check_bmp),
)
_RATIO_FROM = 256 * 2**20  # an empty figure packs a thousandfold and is no bomb while it is small
_BYTES = {"1": 1, "L": 1, "LA": 2, "P": 4, "RGB": 3, "RGBA": 4, "I;16": 2, "I": 4}  # of a pixel, by Pillow's mode
_FINEST_PRINT = 5000.0  # dots per inch
_ORIENTATION, _MAKER, _MODEL, _SOFTWARE, _TAKEN = 0x0112, 0x010F, 0x0110, 0x0131, 0x0132
_EXIF = {_MAKER: "Make", _MODEL: "Model", _SOFTWARE: "Software", _TAKEN: "DateTime", _ORIENTATION: "Orientation"}
_OPAQUE = 255
# What Pillow raises on damaged files.
_STUMBLES = (
    OSError, SyntaxError, ValueError, ArithmeticError, LookupError, EOFError, AttributeError, TypeError, struct.error,
)  # fmt: skip


def read(source: Source) -> Iterator[Measurement]:
    """Yield the picture.

    Raises
    ------
    CorruptFile, TruncatedFile
        If the file is damaged or not whole.
    LimitExceeded
        If it claims more pixels than `Limits.array`, or than its bytes can honestly hold.
    UnsupportedContent
        If decoding would lose bits, or the colours are those of print.
    """
    name, check = next(((name, check) for mark, name, check in _CHECKS if source.data.startswith(mark)), ("", None))
    if check is None:
        raise UnsupportedContent(f"the file begins with {source.data[:4]!r}", expected="PNG, JPEG or BMP")
    check(source)
    values, told, findings = _decoded(source, name)
    pixels, channels = _simplest(values, findings)
    vendor = Vendor(name, metadata=dict(told), findings=findings)
    maker = " ".join(str(told[key]).strip() for key in ("Make", "Model") if key in told)
    vendor.attrs["instrument"] = maker or None
    if told.get("Orientation", 1) != 1:
        vendor.attrs["exif_orientation"] = told["Orientation"]
    vendor = join(vendor, beside(source, *pixels.shape[:2]))
    dims = ("y", "x", "channel") if channels else ("y", "x")
    yield assemble("image_0", pixels, dims, vendor, channels=channels)


def _decoded(source: Source, name: str) -> tuple[NDArray[Any], Mapping[str, Any], list[Finding]]:
    """Return the values as decoded, what the file tells of itself, and findings."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is held against Limits
            with Image.open(BytesIO(source.data), formats=(name,)) as image:
                _check_size(image, source)
                values = _values(image)
                told = _told(image)
                findings = _findings(image, name, told)
    except ParseError:
        raise
    except Image.DecompressionBombError as error:
        raise LimitExceeded(str(error), remedy="save the image as TIFF") from error
    except _STUMBLES as error:
        kind = TruncatedFile if "truncated" in str(error).lower() else CorruptFile
        raise kind(f"the {name} image cannot be decoded: {error}", remedy="copy or export it again") from error
    return values, told, findings


def _check_size(image: Image, source: Source) -> None:
    if image.mode not in _BYTES:
        raise UnsupportedContent(
            f"colours of the kind {image.mode}", expected=f"one of {sorted(_BYTES)}", remedy="save the image as TIFF"
        )
    size = math.prod(image.size) * _BYTES[image.mode]
    most = source.limits.array
    if size > _RATIO_FROM:
        most = min(most, int(source.limits.ratio * len(source.data)))
    if size > most:
        raise LimitExceeded(
            f"an image of {image.size[0]} x {image.size[1]} pixels, {size} bytes, in a file of {len(source.data)}",
            expected=f"at most {most} (Limits.array, Limits.ratio)",
            remedy="raise the limit if the file is trusted",
        )


def _values(image: Image) -> NDArray[Any]:
    if image.mode == "P":
        values = np.asarray(image.convert("RGBA" if "transparency" in image.info else "RGB"))
    else:
        values = np.asarray(image)
    if image.mode in ("I", "I;16"):
        return values.astype(np.uint16)
    return values.astype(np.uint8, copy=False)


def _told(image: Image) -> dict[str, Any]:
    """Return the texts and the EXIF entries of a file; {} for those that cannot be read, which costs nothing else."""
    texts = {str(key): value for key, value in image.info.items() if isinstance(value, str)}
    try:
        exif = image.getexif()
        entries = {word: exif[tag] for tag, word in _EXIF.items() if isinstance(exif.get(tag), int | str)}
    except _STUMBLES:
        entries = {}
    return texts | entries


def _findings(image: Image, name: str, told: Mapping[str, Any]) -> list[Finding]:
    found = []
    if name == "JPEG":
        message = "JPEG keeps the look of an image, not its values: grey levels and noise are altered in blocks of 8."
        found.append(Finding("lossy-compression", "info", message))
    if image.mode == "P":
        found.append(Finding("palette", "info", "The colours were looked up in the palette of the file."))
    if (frames := int(getattr(image, "n_frames", 1))) > 1:
        found.append(Finding("several-frames", "warning", f"The first of {frames} frames is read."))
    if (turn := told.get("Orientation", 1)) != 1:
        message = f"The file asks viewers to turn the image (EXIF orientation {turn}); its pixels are read as stored."
        found.append(Finding("exif-orientation", "warning", message))
    density = image.info.get("dpi")
    if density and min(density) > 0:
        found.append(_print(float(density[0])))
    return found


def _print(density: float) -> Finding:
    message = f"The file gives {density:g} dots per inch, which is a print setting, not a calibration."
    if density <= _FINEST_PRINT:
        return Finding("print-resolution", "info", message)
    message += f" If it is meant for one, state a pixel size of {2.54e7 / density:.6g} nm yourself."
    return Finding("print-resolution", "warning", message)


def _simplest(values: NDArray[Any], findings: list[Finding]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the values without an opaque alpha channel and with equal colours as one, and the channels that remain."""
    if values.ndim == 2:
        return values, ()
    colour, alpha = (values[..., :-1], values[..., -1:]) if values.shape[-1] in (2, 4) else (values, values[..., :0])
    if alpha.size:
        clear = float(np.mean(alpha < _OPAQUE))
        if clear:
            message = f"{clear:.1%} of the pixels are transparent to some degree; their colours are read as stored."
            findings.append(Finding("transparent-pixels", "warning", message))
        else:
            alpha = alpha[..., :0]
    names: tuple[str, ...] = COLOURS[:3]
    if colour.shape[-1] == 1 or not (colour != colour[..., :1]).any():
        colour, names = colour[..., :1], ("grey",)
    kept = np.concatenate([colour, alpha], axis=-1) if alpha.size else colour
    if kept.shape[-1] == 1:
        return np.ascontiguousarray(kept[..., 0]), ()
    return np.ascontiguousarray(kept), (*names, "alpha")[: kept.shape[-1]]
