"""Chemical interfaces in line scans and maps of X-ray counts: how wide, of what shape, and whether two differ."""

from __future__ import annotations

from .across import profile_across
from .blur import Blur, beam_broadening, instrument_blur
from .cliff_lorimer import concentrations
from .comparison import compare_widths
from .width import interdiffusion_width
from .xray_lines import line_warnings

__all__ = [
    "Blur",
    "beam_broadening",
    "compare_widths",
    "concentrations",
    "instrument_blur",
    "interdiffusion_width",
    "line_warnings",
    "profile_across",
]
