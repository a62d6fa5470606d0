"""Values that software writes where nobody stated a mass or an area; nothing may be divided by them.

Where the operator sets none, EC-Lab writes 0.001 (mg or cm2), 0, or the 7000 mg of its example cell; Arbin's software
0.001 or 1 g; Gamry Framework and EC-Lab's impedance settings 1 cm2; analysis software takes 1 mg.
"""

from __future__ import annotations

from collections.abc import Mapping

EC_LAB: Mapping[str, tuple[float, ...]] = {
    "active_mass": (0.0, 0.001, 7000.0),
    "characteristic_mass": (0.0, 0.001),
    "electrode_area": (0.0, 0.001),
    "nominal_capacity": (0.0,),
}
"""In the unit that EC-Lab shows: mg, cm2, A h."""

ARBIN: Mapping[str, tuple[float, ...]] = {"active_mass": (0.0, 0.001, 1.0), "nominal_capacity": (0.0,)}
"""In the unit of Arbin's software: g, A h."""

STATED: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "active_mass": ("mg", (0.001, 1.0, 1000.0, 7000.0)),
    "area": ("cm2", (0.001,)),
}
"""Unit and values by which a person who states a fact without uncertainty has most likely copied a placeholder."""
