"""Electron microscopy: layers and lattices in micrographs, interfaces in line scans, foils in low losses."""

from __future__ import annotations

from .composition import line_scan_composition
from .interdiffusion import (
    Blur,
    beam_broadening,
    compare_widths,
    concentrations,
    instrument_blur,
    interdiffusion_width,
    profile_across,
)
from .lattice import lattice_spacings
from .layer.combine import combine_layers
from .layer.combine_coverage import combine_coverage
from .layer.coverage import coverage
from .layer.projection import correct_projection, section_height
from .layer.thickness import layer_thickness
from .log_ratio import relative_thickness
from .scale_bar import find_scale_bar

__all__ = [
    "Blur",
    "beam_broadening",
    "combine_coverage",
    "combine_layers",
    "compare_widths",
    "concentrations",
    "correct_projection",
    "coverage",
    "find_scale_bar",
    "instrument_blur",
    "interdiffusion_width",
    "lattice_spacings",
    "layer_thickness",
    "line_scan_composition",
    "profile_across",
    "relative_thickness",
    "section_height",
]
