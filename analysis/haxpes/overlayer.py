"""Thickness of a closed, sharp overlayer from the intensities of one of its lines and one of the substrate's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from .area import region_area
from .mean_free_path import Material, inelastic_mean_free_path, material
from .region import select_region

_ONE_SIDED95 = 1.6448536269514722
_ATTENUATION_FACTOR = Quantity("attenuation_factor", 1.0, 0.1, "1")


@dataclass(frozen=True)
class _Depth:
    """The overlayer as the electrons see it: attenuation lengths in it (nm) of its own line and of the substrate's."""

    own: float
    through: float

    def thickness(self, ratio: float) -> float:
        """Return the thickness d in nm where (1 - exp(-d/own)) exp(d/through) equals `ratio`, by bisection."""
        low, high = 0.0, self.own
        while self._log_ratio(high) < math.log(ratio):
            high *= 2.0
        for _ in range(200):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._log_ratio(middle) < math.log(ratio) else (low, middle)
        return 0.5 * (low + high)

    def sensitivity(self, thickness: float) -> float:
        """Return d(thickness)/d(ln ratio) in nm."""
        inner = 1.0 / math.expm1(thickness / self.own)
        return 1.0 / (inner / self.own + 1.0 / self.through)

    def _log_ratio(self, thickness: float) -> float:
        if thickness <= 0:
            return -math.inf
        return math.log(-math.expm1(-thickness / self.own)) + thickness / self.through


def overlayer_thickness(
    overlayer: xr.Dataset,
    substrate: xr.Dataset,
    *,
    overlayer_material: str | Material,
    substrate_material: str | Material | None = None,
    reference_ratio: Quantity | None = None,
    emission_angle: Quantity | None = None,
    attenuation_factor: Quantity = _ATTENUATION_FACTOR,
) -> Result:
    r"""Find the thickness of a closed, laterally even overlayer with a sharp interface.

    .. math:: \frac{I_o}{I_s} = R_\infty\,
              \frac{1 - \exp[-d / (L_o \cos\theta)]}{\exp[-d / (L_s \cos\theta)]}

    with the attenuation lengths :math:`L` *in the overlayer* at the kinetic energies of both lines, from TPP-2M times
    the attenuation factor. Their common error scales :math:`d` and does not average out.

    Parameters
    ----------
    overlayer, substrate : xarray.Dataset
        Regions of one line of the overlayer and one of the substrate, same sample, photon energy and geometry. The
        areas are those of `region_area`.
    overlayer_material : str or Material
        For the mean free path.
    substrate_material : str or Material, optional
        Only to say how thick the substrate has to be; its mean free path is part of the reference ratio.
    reference_ratio : Quantity
        :math:`R_\infty`, the ratio of the area of the overlayer's line from the thick pure overlayer to that of the
        substrate's line from the bare substrate, at the same photon energy and with the same analyser: cross sections,
        asymmetry, transmission and densities cancel in it.
    emission_angle : Quantity, optional
        From the surface normal, in degree; default the attribute of the Datasets.
    attenuation_factor : Quantity
        Effective attenuation length over TPP-2M mean free path. The default 1.0 +/- 0.1 stands for the error of the
        equation and for elastic scattering, which shortens the length by a few to 10 % in oxides at several keV.

    Returns
    -------
    Result
        ``overlayer_thickness`` in nm. Where the overlayer's line is not seen, an upper limit; where the substrate's is
        not, a lower limit. ``budget`` holds counting, reference_ratio, attenuation_length and emission_angle.

    Raises
    ------
    NotAnalysable
        If `reference_ratio`, the emission angle or the kinetic energies are not known, or neither line is seen.

    References
    ----------
    .. [1] Jablonski, Powell, Surf. Sci. Rep. 47 (2002) 33. https://doi.org/10.1016/S0167-5729(02)00031-6
    .. [2] Seah, Dench, Surf. Interface Anal. 1 (1979) 2. https://doi.org/10.1002/sia.740010103
    """
    if reference_ratio is None or reference_ratio.value <= 0:
        raise NotAnalysable(
            "reference_ratio is not stated: give the ratio of the areas from the thick pure overlayer and the bare "
            "substrate, measured at the same photon energy"
        )
    angle = _angle(overlayer, substrate, emission_angle)
    cosine = math.cos(math.radians(angle.value))
    areas = [region_area(overlayer), region_area(substrate)]
    units = {area["peak_area"].unit for area in areas}
    if len(units) > 1:
        raise NotAnalysable(f"the two areas are in {sorted(units)}; give dwell_time and n_scans of both regions")
    energies = [
        _kinetic_energy(ds, area, name) for ds, area, name in zip((overlayer, substrate), areas, _LINES, strict=True)
    ]
    film = overlayer_material if isinstance(overlayer_material, Material) else material(overlayer_material)
    lengths = [inelastic_mean_free_path(film, e).value * attenuation_factor.value for e in energies]
    depth = _Depth(lengths[0] * cosine, lengths[1] * cosine)
    common = {
        "reference_ratio": reference_ratio.relative,
        "attenuation_length": attenuation_factor.relative,
        "emission_angle": math.tan(math.radians(angle.value)) * math.radians(angle.stderr or 0.0),
    }
    quantity, budget = _thickness(areas, depth, reference_ratio.value, common)
    return Result(
        method="Sharp overlayer from the ratio of two lines, attenuation lengths in the overlayer from TPP-2M",
        quantities=(quantity,),
        diagnostics={
            "area_overlayer": areas[0]["peak_area"].value,
            "area_substrate": areas[1]["peak_area"].value,
            "kinetic_energy_overlayer": energies[0],
            "kinetic_energy_substrate": energies[1],
            "attenuation_length_overlayer": lengths[0],
            "attenuation_length_substrate": lengths[1],
            **_misfits(areas),
        },
        budget={"overlayer_thickness": budget},
        notes=_notes(areas, angle, depth, quantity, film, substrate_material, energies[1]),
        provenance=_origins(areas),
    )


def _misfits(areas: Sequence[Result]) -> dict[str, float]:
    """Return the reduced chi-square of each line whose fit has one."""
    return {
        f"reduced_chi_square_{name}": area.diagnostics["reduced_chi_square"]
        for name, area in zip(_LINES, areas, strict=True)
        if "reduced_chi_square" in area.diagnostics
    }


def _origins(areas: Sequence[Result]) -> dict[str, str]:
    """Return the provenance of both lines under their names."""
    lines = zip(_LINES, areas, strict=True)
    return {f"{name}_{key}": value for name, area in lines for key, value in area.provenance.items()}


_LINES = ("overlayer", "substrate")


def _thickness(
    areas: list[Result], depth: _Depth, reference: float, common: dict[str, float]
) -> tuple[Quantity, dict[str, float]]:
    """Return the thickness or its limit, and its budget in nm."""
    own, below = (area["peak_area"] for area in areas)
    if own.relation == "<" and below.relation == "<":
        raise NotAnalysable("neither the line of the overlayer nor that of the substrate is seen")
    thickness = depth.thickness(own.value / below.value / reference)
    sensitivity = depth.sensitivity(thickness)
    counting = math.hypot(*(q.relative for q in (own, below) if q.relation == "="))
    budget = {
        "counting": sensitivity * counting,
        "reference_ratio": sensitivity * common["reference_ratio"],
        "attenuation_length": thickness * common["attenuation_length"],
        "emission_angle": thickness * common["emission_angle"],
    }
    stderr = math.hypot(*budget.values())
    if own.relation == "<":
        limit = thickness + _ONE_SIDED95 * stderr
        return Quantity("overlayer_thickness", limit, stderr, "nm", (0.0, limit), "<", "derived"), budget
    if below.relation == "<":
        limit = thickness * thickness / (thickness + _ONE_SIDED95 * stderr)
        return Quantity("overlayer_thickness", limit, stderr, "nm", None, ">", "derived"), budget
    return Quantity("overlayer_thickness", thickness, stderr, "nm", kind="derived"), budget


def _angle(overlayer: xr.Dataset, substrate: xr.Dataset, given: Quantity | None) -> Quantity:
    if given is None:
        stated = {float(ds.attrs["emission_angle"]) for ds in (overlayer, substrate) if "emission_angle" in ds.attrs}
        if len(stated) != 1:
            found = "is not stated" if not stated else f"differs between the regions: {sorted(stated)} degree"
            raise NotAnalysable(f"emission_angle {found}; give it in degree from the surface normal")
        given = Quantity("emission_angle", stated.pop(), None, "degree")
    given = given.to("degree")
    if not 0 <= given.value < 80:
        raise NotAnalysable(f"emission_angle is {given.value:g} degree from the normal; expected 0 to 80")
    return given


def _kinetic_energy(ds: xr.Dataset, area: Result, name: str) -> float:
    """Return the kinetic energy of the line in eV; where the line is not seen, that of the middle of its region."""
    region = select_region(ds, None)
    middle = float(region.sign * region.energy.mean())
    position = area["peak_position"].value if "peak_position" in area else middle
    if region.axis == "kinetic_energy":
        return position
    if region.photon_energy is None:
        raise NotAnalysable(f"photon_energy of the {name}'s region is not stated; give it in eV")
    return region.photon_energy - position


def _notes(
    areas: list[Result],
    angle: Quantity,
    depth: _Depth,
    thickness: Quantity,
    film: Material,
    substrate_material: str | Material | None,
    energy: float,
) -> tuple[str, ...]:
    notes = [
        f"A closed, even {film.name} layer with a sharp interface is assumed; roughness, pinholes and interdiffusion "
        "make it look thinner.",
        "The uncertainty of the attenuation length is common to all photon energies and samples of this material.",
    ]
    if substrate_material is not None:
        length = inelastic_mean_free_path(substrate_material, energy).value * math.cos(math.radians(angle.value))
        notes.append(f"The substrate has to be thicker than {3 * length:.0f} nm.")
    if angle.value > 50:
        notes.append("Beyond 50 degree from the normal elastic scattering bends the straight-line model.")
    if areas[0]["peak_area"].unit == "count eV":
        notes.append("Both regions are taken to have had the same acquisition time; their files do not say it.")
    if not angle.stderr:
        notes.append("No uncertainty of the emission angle is included.")
    if thickness.relation == "=" and thickness.value > 3 * depth.through:
        notes.append("The layer is thicker than three attenuation lengths: the substrate's background decides.")
    for name, area in zip(_LINES, areas, strict=True):
        notes += [f"{name.capitalize()}: {note}" for note in area.notes]
    return tuple(notes)
