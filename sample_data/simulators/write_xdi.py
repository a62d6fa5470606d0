"""Writer of XAS Data Interchange files (.xdi): ``# Family.name: value`` headers, comment, labels, columns, LF."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def fluorescence(
    energy: Floats, i0: Floats, ifluor: Floats, *, sample: str, comment: str, metadata: Mapping[str, str]
) -> bytes:
    """Return one S K-edge scan in fluorescence mode.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        In eV.
    i0, ifluor : ndarray, shape (n,)
        Counts.
    sample : str
        Sample.name; the word simulated is added.
    comment : str
        Free text between the headers and the columns, after the word SIMULATED.
    metadata : mapping of str to str
        Further headers as ``Family.name``.

    Returns
    -------
    bytes
    """
    headers = {
        "Column.1": "energy eV",
        "Column.2": "i0 counts",
        "Column.3": "ifluor counts",
        "Element.symbol": "S",
        "Element.edge": "K",
        "Scan.edge_energy": "2472.00",
        "Scan.start_time": "2022-12-05 09:00:00",
        "Mono.name": "Si 111",
        "Mono.d_spacing": "3.13553",
        "Facility.name": "simulated",
        "Facility.xray_source": "simulated",
        "Beamline.name": "simulated",
        "Detector.i0": "He, 200 mm (simulated)",
        "Detector.if": "silicon drift detector (simulated)",
        "Sample.name": f"{sample} (simulated)",
        **metadata,
    }
    lines = ["# XDI/1.0 interlayer_simulator/1"]
    lines += [f"# {name}: {value}" for name, value in headers.items()]
    lines += ["# ///", f"# SIMULATED, not measured: {comment}", "#----", "# energy i0 ifluor"]
    lines += [f"{e:12.3f} {a:14.1f} {b:14.1f}" for e, a, b in zip(energy, i0, ifluor, strict=True)]
    return ("\n".join(lines) + "\n").encode("ascii")
