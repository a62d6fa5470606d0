"""Writer of Gamry data files (.DTA): an EXPLAIN header of tagged settings and a ZCURVE table, CRLF, Latin-1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HEADER = """\
EXPLAIN
TAG\tEISPOT
TITLE\tLABEL\tPotentiostatic EIS (SIMULATED)\tTest &Identifier
DATE\tLABEL\t12/5/2022\tDate
TIME\tLABEL\t{hour}:00:00\tTime
NOTES\tNOTES\t2\t&Notes...
\tSIMULATED, not measured.
\t{comment}
PSTAT\tPSTAT\tSIMULATED\tPotentiostat
VDC\tPOTEN\t0.00000E+000\tF\tDC &Voltage (V)
FREQINIT\tQUANT\t{first}\tInitial Fre&q. (Hz)
FREQFINAL\tQUANT\t{last}\tFinal Fre&q. (Hz)
PTSPERDEC\tQUANT\t{density}\tPoints/&decade
VAC\tQUANT\t1.00000E+001\tAC &Voltage (mV rms)
AREA\tQUANT\t1.00000E+000\t&Area (cm^2)
ZCURVE\tTABLE
\tPt\tTime\tFreq\tZreal\tZimag\tZsig\tZmod\tZphz\tIdc\tVdc\tIERange
\t#\ts\tHz\tohm\tohm\tV\tohm\t°\tA\tV\t#
"""


def impedance(
    frequency: Floats, impedance: NDArray[np.complex128], time: Floats, *, comment: str, hour: int = 9
) -> bytes:
    """Return an EISPOT file.

    Parameters
    ----------
    frequency, time : ndarray, shape (n,)
        In Hz and s.
    impedance : ndarray of complex, shape (n,)
        Z' + jZ'' in ohm.
    comment : str
        Second line of the notes; the first says SIMULATED.
    hour : int
        Of the day on which the sweep starts.

    Returns
    -------
    bytes
    """
    density = (frequency.size - 1) / np.log10(frequency[0] / frequency[-1])
    head = _HEADER.format(
        comment=comment, hour=hour, first=_number(frequency[0]), last=_number(frequency[-1]), density=_number(density)
    )
    size, phase = np.abs(impedance), np.degrees(np.angle(impedance))
    rows = [
        f"\t{i}\t{time[i]:.6G}\t{frequency[i]:.6G}\t{_number(impedance[i].real)}\t{_number(impedance[i].imag)}\t1"
        f"\t{_number(size[i])}\t{phase[i]:.5f}\t0.00000E+000\t0.00000E+000\t7"
        for i in range(frequency.size)
    ]
    return "\r\n".join([*head.splitlines(), *rows, ""]).encode("latin-1")


def _number(value: float) -> str:
    mantissa, exponent = f"{value:.6E}".split("E")
    return f"{mantissa}E{int(exponent):+04d}"
