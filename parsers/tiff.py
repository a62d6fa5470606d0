"""TIFF micrographs: pixels by tifffile, calibration from the vendor's own tags.

A file holds one or more *series*, pages of one shape that belong together. Each becomes one image, with ``frame`` for
its pages, slices or times and ``channel`` for colours. Reduced copies of an image are left out. What the vendors write
is in `interlayer.parsers._tiff_vendors` and, beside the image, in `interlayer.parsers._image_sidecars`; palette indices
and inverted grey scales are kept as stored and reported.

Before anything is decoded, sizes are held against the file and `Limits`: a short file that claims gigapixels is
refused. Every strip must lie in the file; from a cut one the whole pages, or the whole rows of a single page, are kept.
Plain strips are copied once; deflate and tiles are put together in `interlayer.parsers._tiff_segments`; LZW and JPEG
go through Pillow, so that nothing but the core packages is needed.

Source: TIFF revision 6.0 (Adobe, 1992); https://docs.openmicroscopy.org/ome-model; checked on the TIFF files of
RosettaSciIO and NexusLIMS (FEI, Zeiss, JEOL, TVIPS, Olympus, ImageJ, DigitalMicrograph).
"""

from __future__ import annotations

import logging
import math
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ._image import COLOURS, assemble
from ._image_sidecars import beside, join
from ._source import Measurement, Source
from ._tiff_extent import surplus
from ._tiff_segments import DEFLATE, can_place, check_inflated, placed_page
from ._tiff_tags import tag
from ._tiff_vendors import recognise
from .errors import CorruptFile, LimitExceeded, ParseError, TruncatedFile, UnsupportedContent
from .findings import Finding

_NONE, _LZW, _JPEG, _PACKBITS = 1, 5, 7, 32773
_BY_TIFFFILE = (_NONE, *DEFLATE, _PACKBITS)
_BY_PILLOW = (_LZW, _JPEG)
_RATIO_FROM = 16 * 2**20
_MIN_IS_WHITE, _PALETTE = 0, 3
_ENOUGH, _MANY, _SURPLUS = 1024, 0.05, 1.2

# Series of these kinds may name other files; they are read as plain pages of this file instead.
_PLAIN_PAGES: dict[str, Any] = {"is_ome": False, "is_mmstack": False, "is_ndtiff": False}


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement per series of pages.

    Raises
    ------
    CorruptFile, TruncatedFile
        If the pages cannot be decoded or are not in the file.
    LimitExceeded
        If the file claims more pixels than `Limits.array` or than its bytes can hold.
    UnsupportedContent
        If no series has two image axes or a compression that can be decoded.
    """
    import tifffile

    errors: list[ParseError] = []
    good = 0
    with (
        _complaints(source),
        _wrapped("the structure"),
        tifffile.TiffFile(BytesIO(source.data), **_PLAIN_PAGES) as file,
    ):
        if len(file.pages) > source.limits.members:
            raise LimitExceeded(f"{len(file.pages)} pages", expected=f"at most {source.limits.members}")
        _note_broken_chain(file, source)
        _note_surplus(file, source)
        images = [series for series in file.series if not _is_copy(series)] or list(file.series)
        for position, series in enumerate(images):
            try:
                with _wrapped("an image"):
                    measurement = _image(series, f"image_{position}", source)
            except ParseError as error:
                errors.append(error)
                source.note("image-not-read", "error", f"Image {position}, {series.shape} {series.dtype}: {error}")
                continue
            good += 1
            yield measurement
    if not good:
        _check_copied_as_bytes(source.data)
        raise errors[0] if errors else TruncatedFile("the file holds no page", remedy="export it again")


def _note_surplus(file: Any, source: Source) -> None:
    """Say when bytes follow all that the directories name: a byte inserted before them shifts the pixels unseen."""
    if count := surplus(file, len(source.data)):
        message = f"{count} bytes follow the last part of the file: appended, or inserted, where they shift pixels."
        source.note("trailing-bytes", "warning", message)


def _check_copied_as_bytes(data: bytes) -> None:
    """Say so when a program has taken the file for text: it puts question marks for what is no UTF-8."""
    marks = data.count(b"?")
    if len(data) < _ENOUGH or marks < _MANY * len(data):
        return
    try:
        data.decode()
    except UnicodeDecodeError:
        return
    raise CorruptFile(
        f"the file was copied or saved as text: {marks} of its {len(data)} bytes are question marks, the rest UTF-8",
        remedy="copy it from the instrument again, in binary mode",
    )


def _note_broken_chain(file: Any, source: Source) -> None:
    """Say when the last directory found points to another that is not there; tifffile only logs it."""
    place, size = file.pages.next_page_offset, file.tiff.offsetsize
    order: Literal["little", "big"] = "little" if file.byteorder == "<" else "big"
    target = int.from_bytes(source.data[place : place + size], order) if place else 0
    if target:
        message = f"After {len(file.pages)} pages the file points to byte {target}, where there is no further page."
        source.note("truncated-pages", "error", message)


@contextmanager
def _wrapped(what: str) -> Iterator[None]:
    """Turn whatever tifffile raises on broken bytes into a `CorruptFile`."""
    try:
        yield
    except ParseError:
        raise
    except Exception as error:
        raise CorruptFile(
            f"{what} of the TIFF file cannot be decoded: {type(error).__name__}: {error}",
            remedy="export the image again, uncompressed",
        ) from error


class _Collector(logging.Handler):
    """Keeps what tifffile logs in this thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []
        self.thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.messages.append(record.getMessage())


@contextmanager
def _complaints(source: Source) -> Iterator[None]:
    """Note as a finding what tifffile only logs, such as pages that it gave up on."""
    collector, logger = _Collector(), logging.getLogger("tifffile")
    logger.addHandler(collector)
    before = len(source.findings)
    try:
        yield
    finally:
        logger.removeHandler(collector)
        if collector.messages:
            text = "; ".join(dict.fromkeys(re.sub(r"<tifffile\.[^>]*>\s*", "", m) for m in collector.messages[:5]))
            finding = Finding("tiff-structure", "warning", f"The structure of the TIFF file is odd: {text[:1000]}")
            source.findings.insert(before, finding)


def _is_copy(series: Any) -> bool:
    return bool(series.keyframe.is_reduced)


def _image(series: Any, group: str, source: Source) -> Measurement:
    page = series.keyframe
    if page.dtype is None:
        raise UnsupportedContent(f"{page.bitspersample} bits per sample", expected="8, 16, 32 or 64 bits")
    if "Y" not in series.axes or "X" not in series.axes:
        raise UnsupportedContent(f"a series with the axes {series.axes}", expected="at least Y and X")
    _check_size(series, source)
    pixels, findings = _pixels(series, source)
    pixels, dims = _arrange(pixels, series.axes)
    vendor = join(recognise(page), beside(source, page.imagelength, page.imagewidth))
    vendor.findings += findings + _scale_of_grey(page)
    promised, held = vendor.metadata.get("images", ""), math.prod(series.shape) // math.prod(page.shape)
    if vendor.name == "ImageJ" and promised.isdecimal() and int(promised) > held:
        message = f"ImageJ announces {promised} images and the file holds {held}."
        vendor.findings.append(Finding("truncated-stack", "error", message))
    channels = COLOURS[: pixels.shape[-1]] if dims[-1] == "channel" and pixels.shape[-1] in (3, 4) else ()
    return assemble(group, pixels, dims, vendor, channels=channels)


def _check_size(series: Any, source: Source) -> None:
    page, size = series.keyframe, math.prod(series.shape) * series.keyframe.dtype.itemsize
    if size > source.limits.array:
        raise LimitExceeded(
            f"an image of {series.shape} with {size} bytes", expected=f"at most {source.limits.array} (Limits.array)"
        )
    if page.compression not in (*_BY_TIFFFILE, *_BY_PILLOW):
        name = getattr(page.compression, "name", page.compression)
        raise UnsupportedContent(f"the compression {name}", remedy="save the image uncompressed")
    if page.compression == _NONE and page.bitspersample >= 8 and math.prod(page.shape) > len(source.data):
        raise TruncatedFile(
            f"the file has {len(source.data)} bytes", expected=f"{page.nbytes} for a page of {page.shape}"
        )
    if size > _RATIO_FROM and size > source.limits.ratio * len(source.data):
        raise LimitExceeded(
            f"an image of {series.shape} in a file of {len(source.data)} bytes",
            expected=f"at most {source.limits.ratio:g} times the size of the file (Limits.ratio)",
        )


def _pixels(series: Any, source: Source) -> tuple[NDArray[Any], list[Finding]]:
    """Return the values of a series, or of its whole part with a finding that says what is missing."""
    pages = [page for page in series.pages if page is not None]
    whole = [_segments_inside(page, source.data) for page in pages]
    count = math.prod(series.shape) // math.prod(series.keyframe.shape)
    contiguous = len(pages) < count
    if contiguous:  # one directory that describes a stack, as ImageJ writes them
        return _contiguous(series, count, source)
    if all(inside == segments for inside, segments in whole):
        return _stack(pages, series.keyframe, source).reshape(series.shape), _surplus(series.keyframe)
    good = next(index for index, (inside, segments) in enumerate(whole) if inside != segments)
    if good and len(pages) > 1 and series.ndim == series.keyframe.ndim + 1:
        message = f"The file holds {good} of {count} pages; page {good} is cut."
        return _stack(pages[:good], series.keyframe, source), [Finding("truncated-stack", "error", message)]
    if len(pages) == 1:
        return _whole_rows(pages[0], whole[0][0], source)
    raise _cut(source, f"page {good} of {count}")


def _cut(source: Source, what: str) -> TruncatedFile:
    return TruncatedFile(
        f"the pixels of {what} are not in the file",
        offset=len(source.data),
        remedy="copy the file from the instrument again",
    )


def _segments_inside(page: Any, data: bytes) -> tuple[int, int]:
    """Return how many strips or tiles of a page lie in the file one after the other, and how many there should be."""
    key = page.keyframe
    planes = key.samplesperpixel if key.planarconfig == 2 else 1
    if key.is_tiled:
        expected = planes * math.ceil(key.imagelength / key.tilelength) * math.ceil(key.imagewidth / key.tilewidth)
        expected *= math.ceil(key.imagedepth / key.tiledepth)
    else:
        expected = planes * key.imagedepth * math.ceil(key.imagelength / key.rowsperstrip)
    row = key.imagewidth * key.bitspersample * (1 if planes > 1 else key.samplesperpixel) / 8
    inside = 0
    for offset, size in zip(page.dataoffsets, page.databytecounts, strict=False):
        rows = min(key.rowsperstrip, key.imagelength - inside * key.rowsperstrip) if planes == 1 else 1
        needed = row * rows if key.compression == _NONE and not key.is_tiled else 1
        if offset <= 0 or size < needed or offset + size > len(data):
            break
        inside += 1
    return min(inside, expected), expected


def _surplus(page: Any) -> list[Finding]:
    """Say when plain strips hold far more than the pixels need, as they do when a number of the header is damaged."""
    if page.compression != _NONE or page.is_tiled:
        return []
    rows, height = min(page.rowsperstrip, 2 * page.imagelength), page.imagelength
    padded = math.ceil(height / rows) * rows / height  # the last strip may be filled up
    held, needed = sum(page.databytecounts), int(math.prod(page.shape) * page.bitspersample / 8 * padded)
    if held <= _SURPLUS * needed + _ENOUGH:
        return []
    message = (
        f"The strips hold {held} bytes and {page.shape} pixels of {page.bitspersample} bits need {needed}; "
        "the size or the depth in the header may be damaged."
    )
    return [Finding("surplus-bytes", "error", message)]


def _contiguous(series: Any, count: int, source: Source) -> tuple[NDArray[Any], list[Finding]]:
    key = series.keyframe
    if key.compression != _NONE or not key.dataoffsets:
        raise UnsupportedContent(f"{count} images in {len(series.pages)} compressed directories")
    start = key.dataoffsets[0]
    held = (len(source.data) - start) // key.nbytes
    if held < 1:
        raise _cut(source, "the first page")
    dtype = key.dtype.newbyteorder(key.parent.byteorder)
    values = np.frombuffer(source.data, dtype, min(count, held) * math.prod(key.shape), start).astype(key.dtype)
    if held >= count:
        return values.reshape(series.shape), []
    if series.ndim != key.ndim + 1:
        raise _cut(source, f"page {held} of {count}")
    message = f"The file holds {held} of {count} pages; page {held} is cut."
    return values.reshape(held, *key.shape), [Finding("truncated-stack", "error", message)]


def _stack(pages: list[Any], key: Any, source: Source) -> NDArray[Any]:
    if len(pages) == 1:
        return _page(pages[0], key, source)[np.newaxis]
    stack = np.empty((len(pages), *key.shape), key.dtype)
    for index, page in enumerate(pages):
        stack[index] = _page(page, key, source)
    return stack


def _page(page: Any, key: Any, source: Source) -> NDArray[Any]:
    if key.compression in _BY_PILLOW:
        return _by_pillow(page, key, source)
    if can_place(key):
        return placed_page(page, key, source.data)
    if key.compression in DEFLATE:
        check_inflated(page, len(page.dataoffsets), source.data)
    values: NDArray[Any] = page.asarray(maxworkers=1)
    return values


def _by_pillow(page: Any, key: Any, source: Source) -> NDArray[Any]:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow only warns of data that end too early
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size has been held against Limits
        with Image.open(BytesIO(source.data)) as image:
            image.seek(page.index)
            values = np.array(image)  # a copy, since Pillow's own array cannot be written to
    if values.shape != key.shape or values.dtype != key.dtype:
        raise UnsupportedContent(
            f"{getattr(key.compression, 'name', key.compression)} data decode to {values.shape} {values.dtype}",
            expected=f"{key.shape} {key.dtype}",
            remedy="save the image uncompressed",
        )
    return values


def _whole_rows(page: Any, strips: int, source: Source) -> tuple[NDArray[Any], list[Finding]]:
    """Return the rows of the strips that are whole, for a page cut after them."""
    rows = strips * page.rowsperstrip
    if page.is_tiled or page.planarconfig == 2 or page.compression not in _BY_TIFFFILE or rows == 0:
        raise _cut(source, "its only page")
    if page.compression in DEFLATE:
        check_inflated(page, strips, source.data)
    parts = []
    for index in range(strips):
        start = page.dataoffsets[index]
        raw = source.data[start : start + page.databytecounts[index]]
        parts.append(page.decode(raw, index)[0].reshape(-1, *page.shape[1:]))
    message = f"The file holds {rows} of {page.imagelength} rows; the rest is cut off."
    return np.concatenate(parts), [Finding("truncated-image", "error", message)]


def _arrange(pixels: NDArray[Any], axes: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the values with the axes frame, y, x, channel; what is neither y, x nor colour becomes frames."""
    colour = "S" if "S" in axes else "C" if "C" in axes else ""
    frames = [index for index, name in enumerate(axes) if name not in ("Y", "X", colour)]
    order = [*frames, axes.index("Y"), axes.index("X"), *([axes.index(colour)] if colour else [])]
    pixels = np.ascontiguousarray(pixels.transpose(order))
    dims: tuple[str, ...] = ("y", "x", "channel") if colour else ("y", "x")
    if frames:
        pixels = pixels.reshape(-1, *pixels.shape[len(frames) :])
        dims = ("frame", *dims)
    return pixels, dims


def _scale_of_grey(page: Any) -> list[Finding]:
    if page.photometric == _MIN_IS_WHITE:
        return [Finding("min-is-white", "info", "Small values are bright in this file; they are kept as stored.")]
    colours = tag(page, 320)
    if page.photometric != _PALETTE or colours is None:
        return []
    table = np.asarray(colours)
    coloured = int(np.count_nonzero(np.any(table != table[:1], axis=0))) if table.ndim == 2 else 0
    if not coloured:
        return []
    message = f"{coloured} of {table.shape[1]} palette entries are no greys; values at them may be drawn marks."
    return [Finding("coloured-palette", "info", message)]
