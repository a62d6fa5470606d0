"""Electron microscopy: thickness of layers in micrographs and widths of interfaces in line scans."""

from __future__ import annotations

from .layer import layer_thickness

__all__ = ["layer_thickness"]
