"""Writer of EC-Lab text exports (.mpt): a counted header, one row of column names, tab-separated rows, CRLF, Latin-1.

Numbers follow the vendor's two printing widths, with three digits of the exponent: ``1.9999814E+005`` for single and
``8.034147426584968E+001`` for double precision. Doubles are rounded to ten significant digits first, so that the last
bit of a platform's mathematics cannot change the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Width = Literal["integer", "single", "double"]

Floats = NDArray[np.float64]

_HEADER = """
{technique}

Run on channel : 1 (SN 00000)
User : simulated
Electrode connection : standard
Potential control : Ewe
Ewe ctrl range : min = -10.00 V, max = 10.00 V
Safety Limits :
\tDo not start on E overload
Channel : Grounded
Acquisition started on : 12/05/2022 09:00:00.000
Saved on :
\tFile : simulated.mpr
\tDirectory : simulated
\tHost : simulated
Device : SP-300 (simulated)
Address : simulated
EC-LAB for windows v11.50 (software)
Internet server v11.50 (firmware)
Command interpretor v11.50 (firmware)
Electrode material : simulated
Initial state :
Electrolyte :
Comments : SIMULATED, not measured: {comment}
Electrode surface area : 0.001 cm²
Characteristic mass : 0.001 g
Volume (V) : 0.001 cm³
Cycle Definition : Charge/Discharge alternance
{settings}
"""


def impedance(
    frequency: Floats, impedance: NDArray[np.complex128], time: Floats, *, comment: str, amplitude: float = 0.01
) -> bytes:
    """Return a PEIS file.

    Parameters
    ----------
    frequency, time : ndarray, shape (n,)
        In Hz and s.
    impedance : ndarray of complex, shape (n,)
        Z' + jZ'' in ohm.
    comment : str
        Goes to the comments of the header, after the word SIMULATED.
    amplitude : float
        Voltage amplitude in V.

    Returns
    -------
    bytes
    """
    size, n = np.abs(impedance), frequency.size
    admittance, omega = 1.0 / impedance, 2.0 * np.pi * frequency
    columns: list[tuple[str, Width, ArrayLike]] = [
        ("freq/Hz", "single", frequency),
        ("Re(Z)/Ohm", "single", impedance.real),
        ("-Im(Z)/Ohm", "single", -impedance.imag),
        ("|Z|/Ohm", "single", size),
        ("Phase(Z)/deg", "single", np.degrees(np.angle(impedance))),
        ("time/s", "double", time),
        ("<Ewe>/V", "single", np.zeros(n)),
        ("<I>/mA", "single", np.zeros(n)),
        ("Cs/µF", "single", -1e6 / (omega * impedance.imag)),
        ("Cp/µF", "single", 1e6 * admittance.imag / omega),
        ("cycle number", "double", np.ones(n)),
        ("I Range", "integer", np.full(n, 41)),
        ("|Ewe|/V", "single", np.full(n, amplitude)),
        ("|I|/A", "single", amplitude / size),
    ]
    settings = _settings(
        [
            ("Mode", "Single sine"),
            ("E (V)", "0.0000"),
            ("vs.", "Ref"),
            ("fi", f"{frequency[0] / 1e6:.3f}"),
            ("unit fi", "MHz"),
            ("ff", f"{frequency[-1]:.3f}"),
            ("unit ff", "Hz"),
            ("Points", "per decade"),
            ("spacing", "Logarithmic"),
            ("Va (mV)", f"{amplitude * 1e3:.1f}"),
            ("I Range", "Auto"),
        ]
    )
    return _render("Potentio Electrochemical Impedance Spectroscopy", comment, settings, columns)


def galvanostatic(
    columns: Sequence[tuple[str, Width, ArrayLike]], *, comment: str, settings: Sequence[tuple[str, str]]
) -> bytes:
    """Return a GCPL file.

    Parameters
    ----------
    columns : sequence of (str, {"integer", "single", "double"}, array_like)
        Vendor name, printing width and values of each column, all of one length.
    comment : str
        Goes to the comments of the header, after the word SIMULATED.
    settings : sequence of (str, str)
        Name and values of each line of the sequence table.

    Returns
    -------
    bytes
    """
    return _render("Galvanostatic Cycling with Potential Limitation", comment, _settings(settings), columns)


def _settings(lines: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"{name:<20}{value:<20}" for name, value in lines)


def _render(technique: str, comment: str, settings: str, columns: Sequence[tuple[str, Width, ArrayLike]]) -> bytes:
    body = _HEADER.format(technique=technique, comment=comment, settings=settings).splitlines()
    names = "".join(f"{name}\t" for name, _, _ in columns)
    count = len(body) + 3  # the two lines before the body and the row of names
    head = ["EC-Lab ASCII FILE", f"Nb header lines : {count:<28}", *body, names]
    printed = [_print(values, width) for _, width, values in columns]
    rows = ["\t".join(row) for row in zip(*printed, strict=True)]
    return ("\r\n".join([*head, *rows]) + "\r\n").encode("latin-1")


def _print(values: ArrayLike, width: Width) -> list[str]:
    numbers = np.asarray(values).tolist()
    if width == "integer":
        return [str(int(number)) for number in numbers]
    if width == "single":
        return [_exponent(f"{number:.7E}") for number in numbers]
    return [_exponent(f"{float(f'{number:.9E}'):.15E}") for number in numbers]


def _exponent(text: str) -> str:
    mantissa, exponent = text.split("E")
    return f"{mantissa}E{int(exponent):+04d}"
