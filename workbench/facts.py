"""What instruments don't know: every key that ``experiment.toml`` may hold, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Shape = Literal[
    "quantity", "quantities", "number", "integer", "integers", "text", "flag", "texts", "numbers", "files", "region"
]


@dataclass(frozen=True)
class Fact:
    """One key of ``experiment.toml``.

    Parameters
    ----------
    shape : str
        What its value looks like; ``quantity`` is a table of ``value``, ``uncertainty`` and ``unit``, ``quantities`` is
        a table of such tables by name.
    help : str
        For the draft that `interlayer init` writes and for errors.
    unit : str
        For quantities: a unit of the dimension that is wanted.
    choices : tuple of str
        For a text, or each of several: the allowed ones.
    example : str
        TOML for the draft.
    """

    shape: Shape
    help: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    example: str = ""


_COMPARE = Fact("texts", "ids of reported values, see `interlayer reported`", example="[]")

SAMPLE: Mapping[str, Fact] = {
    "name": Fact("text", "name of the sample, for the report", example='"film 12"'),
    "system": Fact("text", "what it is made of", example='"LiNbOx"'),
    "description": Fact("text", "one or two sentences for the report", example='""'),
    "simulated": Fact("flag", "true for simulated data", example="false"),
}

SECTIONS: Mapping[str, Mapping[str, Fact]] = {
    "eis": {
        "thickness": Fact(
            "quantity",
            "thickness of the film or pellet",
            "nm",
            example='{ value = 100.0, uncertainty = 3.0, unit = "nm" }',
        ),
        "area": Fact(
            "quantity",
            "overlap area of the electrodes, not of the sample",
            "cm2",
            example='{ value = 7.85e-3, uncertainty = 2e-4, unit = "cm2" }',
        ),
        "temperature": Fact(
            "quantity",
            "temperature of the measurement",
            "degC",
            example='{ value = 25.0, uncertainty = 0.5, unit = "degC" }',
        ),
        "electrodes": Fact(
            "text",
            "whether the electrodes take up the mobile ion; left out, as the spectrum shows",
            choices=("blocking", "non-blocking"),
            example='"blocking"',
        ),
        "electronic_resistance": Fact(
            "quantity",
            "resistance of the electronic path, from DC polarisation of this cell",
            "ohm",
            example='{ value = 2e9, uncertainty = 1e8, unit = "ohm" }',
        ),
        "arcs": Fact(
            "texts",
            "what the arcs of the spectrum are, from the fastest, where that is known",
            choices=("bulk", "grain_boundary", "interface", "reaction", "unknown"),
            example='["bulk", "interface"]',
        ),
        "gap": Fact(
            "quantity",
            "gap between the fingers of interdigitated electrodes; with the three keys below instead of the area",
            "nm",
            example='{ value = 10.0, uncertainty = 0.1, unit = "um" }',
        ),
        "finger_width": Fact(
            "quantity",
            "width of a finger",
            "nm",
            example='{ value = 10.0, uncertainty = 0.1, unit = "um" }',
        ),
        "overlap": Fact(
            "quantity",
            "length over which neighbouring fingers run side by side",
            "cm",
            example='{ value = 0.7, uncertainty = 0.002, unit = "cm" }',
        ),
        "n_fingers": Fact("integer", "number of fingers of both combs together", example="50"),
        "series": Fact(
            "text",
            "name that samples of several thicknesses share, also across folders; within a folder, spectra of "
            "different names are kept apart",
            example='"LiNbOx on Pt"',
        ),
        "thickness_shared_relative_uncertainty": Fact(
            "number",
            "the part of the relative uncertainty of thickness that is the same for all samples of a series",
            example="0.01",
        ),
        "bare": Fact(
            "texts",
            "files of the cells without the coating, as names or patterns; all others of the folder are coated",
            example='["bare_*.mpt"]',
        ),
        "coating_thickness": Fact(
            "quantity",
            "thickness of the coating that the bare cells lack",
            "nm",
            example='{ value = 10.0, uncertainty = 0.4, unit = "nm" }',
        ),
        "compare": _COMPARE,
    },
    "cycling": {
        "cell_type": Fact(
            "text",
            "decides which charge is divided by which in the coulombic efficiency",
            choices=("full", "cathode_half", "anode_half", "symmetric", "anode_free"),
            example='"cathode_half"',
        ),
        "active_mass": Fact(
            "quantity", "mass of active material", "mg", example='{ value = 5.0, uncertainty = 0.1, unit = "mg" }'
        ),
        "area": Fact(
            "quantity", "electrode area", "cm2", example='{ value = 0.785, uncertainty = 0.01, unit = "cm2" }'
        ),
        "temperature": Fact(
            "quantity",
            "temperature of the test",
            "degC",
            example='{ value = 25.0, uncertainty = 0.5, unit = "degC" }',
        ),
        "thickness": Fact(
            "quantity",
            "thickness of the active film, for capacities by volume and thickness",
            "nm",
            example='{ value = 1.0, uncertainty = 0.03, unit = "um" }',
        ),
        "nominal_capacity": Fact(
            "quantity",
            "charge that 1 C passes in an hour; without it rates are given as currents",
            "A h",
            example='{ value = 0.45, uncertainty = 0.01, unit = "mA h" }',
        ),
        "diffusion_length": Fact(
            "quantity",
            "way of the ion into the active material, for the diffusion coefficient of a GITT: thickness of a film, "
            "volume over surface of particles",
            "nm",
            example='{ value = 1.0, uncertainty = 0.05, unit = "um" }',
        ),
        "reference_cycle": Fact("integer", "cycle whose capacity is 100 %, from 1", example="1"),
        "formation_cycles": Fact(
            "integer", "number of formation cycles at the start; as the currents tell if left out", example="0"
        ),
        "compare_cycle": Fact("integer", "cycle whose retention is reported; the last complete one if left out"),
        "shown_cycles": Fact(
            "integers",
            "cycles whose voltage and dQ/dV are shown; the first, the first after formation and the last if left out",
            example="[1, 3, 100]",
        ),
        "series": Fact(
            "text",
            "name that cells share which were built alike, also across folders; their mean and spread are given",
            example='"NCM811, LiNbOx 5 nm"',
        ),
        "bare": Fact(
            "texts",
            "files of the cells without the coating, as names or patterns; all others of the folder, or of the series, "
            "are coated",
            example='["bare_*.mpt"]',
        ),
        "test": Fact(
            "text",
            "name that files share which are parts of one test; they are joined in the order of their times",
            example='"cell 7"',
        ),
        "current_gain": Fact("number", "relative standard uncertainty of the cycler's current", example="0.0005"),
        "current_offset": Fact(
            "quantity",
            "offset of the cycler's current",
            "A",
            example='{ value = 0.0, uncertainty = 1e-7, unit = "A" }',
        ),
        "compare": _COMPARE,
    },
    "xanes": {
        "references": Fact("files", "reference spectra by name", example='{ Li2S = "Li2S.xdi", LGPS = "LGPS.xdi" }'),
        "energy_range": Fact("numbers", "range of the fit in eV", example="[2465.0, 2490.0]"),
        "compare": _COMPARE,
    },
    "haxpes": {
        "overlayer": Fact(
            "region", "region and material of the coating", example='{ region = "Al 2s", material = "Al2O3 ALD" }'
        ),
        "substrate": Fact(
            "region", "region and material below it", example='{ region = "Co 3p", material = "LiCoO2" }'
        ),
        "reference_ratio": Fact(
            "quantity",
            "intensity of the pure coating over that of the pure substrate, from reference samples",
            "1",
            example='{ value = 1.2, uncertainty = 0.05, unit = "1" }',
        ),
        "emission_angle": Fact(
            "quantity",
            "angle of emission from the surface normal",
            "degree",
            example='{ value = 0.0, uncertainty = 1.0, unit = "degree" }',
        ),
        "compare": _COMPARE,
    },
    "tem": {
        "measure": Fact(
            "texts",
            "what is measured in micrographs; the thickness of the layer if left out",
            choices=("layer", "coverage", "lattice"),
            example='["layer"]',
        ),
        "pixel_size": Fact(
            "quantity",
            "pixel size of uncalibrated images; a scale_bar serves as well",
            "nm",
            example='{ value = 0.2, uncertainty = 0.003, unit = "nm" }',
        ),
        "pixel_size_relative_uncertainty": Fact(
            "number", "of the microscope's own calibration (ISO 29301), of images and of line scans", example="0.015"
        ),
        "scale_bar": Fact(
            "quantity",
            "length written beside the scale bar of an image, which gives the pixel size where the file states none",
            "nm",
            example='{ value = 50.0, unit = "nm" }',
        ),
        "minimum_thickness": Fact(
            "quantity",
            "thickness above which a place counts as covered, for the coverage",
            "nm",
            example='{ value = 1.0, unit = "nm" }',
        ),
        "particle_radius": Fact(
            "quantity",
            "radius of the spherical particle under a layer; with section_radius it corrects for a cut off its centre",
            "nm",
            example='{ value = 500.0, uncertainty = 50.0, unit = "nm" }',
        ),
        "section_radius": Fact(
            "quantity",
            "radius of the circle that the particle makes in the image",
            "nm",
            example='{ value = 400.0, uncertainty = 5.0, unit = "nm" }',
        ),
        "lines": Fact(
            "texts",
            "X-ray lines that the width of an interface is fitted to; all if left out",
            example='["Co_K", "S_K"]',
        ),
        "elements": Fact(
            "texts", "elements of the sample beside those of the lines, for warnings of overlaps", example='["P", "Ge"]'
        ),
        "across": Fact(
            "text", "X-ray line at whose edge a map is cut into a profile across the interface", example='"Co_Ka"'
        ),
        "tau": Fact("number", "share of their steps that two elements exceed where they coexist", example="0.05"),
        "k_factors": Fact(
            "quantities",
            "k-factors of X-ray lines for mass fractions, all against one reference; they give concentrations",
            "1",
            example='{ Co_K = { value = 1.5, uncertainty = 0.05, unit = "1" }, S_K = { value = 1.0, unit = "1" } }',
        ),
        "fraction": Fact(
            "text", "what concentrations are; mass if left out", choices=("mass", "atomic"), example='"atomic"'
        ),
        "probe_size": Fact(
            "quantity",
            "size of the electron probe, which is taken off widths",
            "nm",
            example='{ value = 1.0, uncertainty = 0.2, unit = "nm" }',
        ),
        "probe_definition": Fact(
            "text",
            "what that size is; fwhm if left out",
            choices=("fwhm", "sigma", "d50", "d90", "10_90"),
            example='"d50"',
        ),
        "foil_thickness": Fact(
            "quantity", "thickness of the lamella", "nm", example='{ value = 60.0, uncertainty = 10.0, unit = "nm" }'
        ),
        "interface_tilt": Fact(
            "quantity",
            "angle between interface and beam, 0 for edge on",
            "degree",
            example='{ value = 0.0, uncertainty = 1.0, unit = "degree" }',
        ),
        "beam_energy": Fact(
            "quantity",
            "of the electrons; with foil thickness, formula and density it gives the spread of the beam",
            "eV",
            example='{ value = 200.0, uncertainty = 0.0, unit = "keV" }',
        ),
        "foil_formula": Fact("text", "what the foil is made of, for the spread of the beam", example='"LiCoO2"'),
        "foil_density": Fact(
            "quantity", "its density", "g cm-3", example='{ value = 5.0, uncertainty = 0.2, unit = "g cm-3" }'
        ),
        "mean_free_path": Fact(
            "quantity",
            "of inelastic scattering in the foil; it turns relative thicknesses of low-loss spectra into nm",
            "nm",
            example='{ value = 120.0, uncertainty = 18.0, unit = "nm" }',
        ),
        "bare": Fact(
            "texts",
            "files of the samples without the coating, as names or patterns; all others of the folder, or of the "
            "series, are coated",
            example='["bare_*"]',
        ),
        "compared_width": Fact(
            "text",
            "definition by which coated and bare samples are compared; 10-90 if left out",
            choices=("10-90", "sigma", "coexistence"),
            example='"10-90"',
        ),
        "series": Fact(
            "text",
            "name that images or line scans share which belong together, also across folders; thicknesses and "
            "coverages in several images of one coating are combined",
            example='"Al2O3 on LiCoO2"',
        ),
        "compare": _COMPARE,
    },
}
"""Facts by section; a section holds for all files of its technique in the folder."""

SECTION_OF: Mapping[str, str] = {
    "eis": "eis",
    "cycling": "cycling",
    "cycling_summary": "cycling",
    "xanes": "xanes",
    "xps": "haxpes",
    "image": "tem",
    "eds": "tem",
    "eds_events": "tem",
    "eels": "tem",
}
"""Technique of a Dataset to the section with its facts."""
