"""XPS and HAXPES: peak areas with the background in the fit, mean free paths, overlayer thickness."""

from __future__ import annotations

from .area import region_area
from .mean_free_path import Material, inelastic_mean_free_path, material
from .overlayer import overlayer_thickness

__all__ = ["Material", "inelastic_mean_free_path", "material", "overlayer_thickness", "region_area"]
