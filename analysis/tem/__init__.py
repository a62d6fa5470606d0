"""Electron microscopy: thickness of layers in micrographs and widths of interfaces in line scans."""

from __future__ import annotations

from .interdiffusion import interdiffusion_width
from .layer import layer_thickness

__all__ = ["interdiffusion_width", "layer_thickness"]
