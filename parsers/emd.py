"""Electron microscopy data in HDF5 (.emd, .h5): files of Velox, and the Berkeley format of openNCEM and Prismatic.

Both are called EMD and share nothing but HDF5. A Velox file has ``Data`` with images, spectra, streams of X-ray
events and EELS maps; a Berkeley file marks its arrays with ``emd_group_type``.

Checked on the files of RosettaSciIO, SciFiReaders, pyTEMlib and openNCEM.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import _emd_berkeley, _emd_velox, _emd_velox_events
from ._hdf5 import checked, opened
from ._source import Measurement, Source
from .errors import ParseError, UnsupportedContent


def read(source: Source) -> Iterator[Measurement]:
    """Yield every image, spectrum, map of spectra and stream of events of the file.

    Raises
    ------
    CorruptFile
        If the HDF5 file is broken.
    UnsupportedContent
        If it is of neither kind, or nothing in it has a place in the vocabulary.
    """
    errors: list[ParseError] = []
    streams: list[Measurement] = []
    good = 0
    with opened(source) as file:
        kind = _emd_velox if _emd_velox.is_velox(file) else _emd_berkeley
        for group, load in kind.contents(file, source):
            try:
                with checked():
                    measurement = load()
            except ParseError as error:
                errors.append(error)
                source.note("part-not-read", "warning", f"{group}: {error}")
                continue
            good += 1
            if measurement.dataset.attrs["technique"] == "eds_events":
                streams.append(measurement)
            else:
                yield measurement
        yield from _emd_velox_events.pooled(streams)
        if not good and not errors:
            raise UnsupportedContent(
                f"the groups {sorted(file)[:20]}", expected="images or spectra of Velox or of the Berkeley format"
            )
    if not good:
        raise errors[0]
