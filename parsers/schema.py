"""The vocabulary: names, dimensions and units of everything that a reader may return, and the check that holds it.

A reader never builds an `xarray.Dataset` by hand; it calls `build` with arrays under names of this module, which adds
units, long names and the links to uncertainties. `check` refuses whatever is not in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ._assemble import assemble
from ._assemble import variable as as_variable
from ._term import Dims, Technique, Variable
from .errors import SchemaError
from .units import UNITS

_F, _R, _E, _B = ("frequency",), ("record",), ("energy",), ("binding_energy",)
_K: Dims = ("kinetic_energy",)
_SPECTRUM = ((), _F, ("sweep",), ("sweep", "frequency"))
_XPS = (_B, _K, ("photon_energy", "binding_energy"), ("photon_energy", "kinetic_energy"))
_XANES = (_E, ("scan", "energy"))
_IMAGE = (("y", "x"), ("frame", "y", "x"), ("y", "x", "channel"), ("frame", "y", "x", "channel"))
_MAP = (_E, ("distance", "energy"), ("y", "x", "energy"), ("distance", "line"), ("y", "x", "line"), ("y", "x"))
_HALF, _CYCLE = ("half_cycle",), ("cycle",)
_CAPACITY = ("A h", "mA h g-1", "mA h cm-2", "mA h cm-3", "uA h cm-2 um-1")

_ENERGY_AXIS = Variable("eV", "energy", (_E,), required=True)
_TIME = Variable("", "time", ((), _F, _R, ("scan",), ("sweep",), ("frame",)))
_LENGTHS = ("nm", "nm-1", "pixel", "mrad", "s", "1")

TECHNIQUES: Mapping[str, Technique] = {
    "eis": Technique(
        "impedance spectroscopy",
        {
            "frequency": Variable("Hz", "frequency", (_F,), required=True),
            "sweep": Variable("1", "sweep", (("sweep",),)),
            "temperature": Variable("degC", "temperature", _SPECTRUM),
            "dc_potential": Variable("V", "DC potential", _SPECTRUM),
            "dc_current": Variable("A", "DC current", _SPECTRUM),
            "time": _TIME,
            "test_time": Variable("s", "time since the start of the test", _SPECTRUM),
        },
        {
            "impedance": Variable("ohm", "impedance", (_F, ("sweep", "frequency")), required=True),
            "voltage_amplitude": Variable("V", "AC voltage amplitude", _SPECTRUM),
            "current_amplitude": Variable("A", "AC current amplitude", _SPECTRUM),
            "impedance_flag": Variable("1", "reasons to leave points out", (_F, ("sweep", "frequency"))),
        },
    ),
    "cycling": Technique(
        "galvanostatic cycling",
        {
            "record": Variable("1", "record", (_R,)),
            "test_time": Variable("s", "time since the start of the test", (_R,), required=True),
            "time": _TIME,
            "cycle": Variable("1", "cycle", (_R,)),
            "half_cycle": Variable("1", "half cycle", (_R,)),
            "step": Variable("1", "step", (_R,)),
            "vendor_cycle": Variable("1", "cycle as the cycler counts it", (_R,)),
            "vendor_half_cycle": Variable("1", "half cycle as the cycler counts it", (_R,)),
            "vendor_step": Variable("1", "step as the cycler counts it", (_R,)),
            "file_id": Variable("1", "place of the file among those spliced", (_R,)),
        },
        {
            "voltage": Variable("V", "cell voltage", (_R,), required=True),
            "current": Variable("A", "current, positive on charge", (_R,)),
            "charge": Variable("A h", "net charge passed", (_R,)),
            "energy": Variable("W h", "net energy passed", (_R,)),
            "step_type": Variable("1", "kind of step", (_R,)),
            "voltage_we": Variable("V", "working electrode against reference", (_R,)),
            "voltage_ce": Variable("V", "counter electrode against reference", (_R,)),
            "temperature": Variable("degC", "temperature", (_R,)),
            "vendor_charge": Variable("A h", "net charge as the cycler counts it", (_R,)),
            "vendor_capacity_charge": Variable("A h", "charge capacity as the cycler counts it", (_R,)),
            "vendor_capacity_discharge": Variable("A h", "discharge capacity as the cycler counts it", (_R,)),
            "vendor_energy_charge": Variable("W h", "charge energy as the cycler counts it", (_R,)),
            "vendor_energy_discharge": Variable("W h", "discharge energy as the cycler counts it", (_R,)),
        },
    ),
    "cycling_summary": Technique(
        "summary of galvanostatic cycling",
        {
            "half_cycle": Variable("1", "half cycle", (_HALF,)),
            "cycle": Variable("1", "cycle", (_CYCLE, _HALF)),
            "direction": Variable("1", "+1 charge, -1 discharge", (_HALF,)),
            "start": Variable("s", "start", (_HALF, _CYCLE)),
            "end": Variable("s", "end", (_HALF, _CYCLE)),
        },
        {
            "capacity": Variable(_CAPACITY, "capacity", (_HALF,)),
            "capacity_charge": Variable(_CAPACITY, "charge capacity", (_CYCLE, _HALF)),
            "capacity_discharge": Variable(_CAPACITY, "discharge capacity", (_CYCLE, _HALF)),
            "capacity_without_hold": Variable(_CAPACITY, "capacity before the hold of the voltage", (_HALF,)),
            "hold_share": Variable("1", "part of the capacity in the hold of the voltage", (_HALF,)),
            "energy": Variable("W h", "energy", (_HALF,)),
            "current": Variable("A", "current without its sign", (_HALF,)),
            "c_rate": Variable("h-1", "current over the reference capacity", (_HALF,)),
            "current_density": Variable("A cm-2", "current density without its sign", (_HALF,)),
            "coulombic_efficiency": Variable("1", "coulombic efficiency", (_CYCLE,)),
            "energy_efficiency": Variable("1", "energy efficiency", (_CYCLE,)),
            "capacity_retention": Variable("1", "capacity retention", (_CYCLE,)),
            "voltage_mean": Variable("V", "mean voltage", (_HALF,)),
            "voltage_mean_charge": Variable("V", "mean voltage on charge", (_CYCLE,)),
            "voltage_mean_discharge": Variable("V", "mean voltage on discharge", (_CYCLE,)),
            "voltage_hysteresis": Variable("V", "mean voltage on charge less that on discharge", (_CYCLE,)),
            "voltage_end": Variable("V", "voltage at the end", (_HALF,)),
            "ended_by": Variable("1", "what ended it", (_HALF,)),
            "reason": Variable("", "why it is not complete", (_HALF,)),
            "complete": Variable("1", "whether it ended by its own limit", (_CYCLE, _HALF)),
        },
    ),
    "xanes": Technique(
        "X-ray absorption near-edge structure",
        {
            "energy": _ENERGY_AXIS,
            "scan": Variable("1", "scan", (("scan",),)),
            "time": _TIME,
            "voltage": Variable("V", "cell voltage", ((), ("scan",))),
            "capacity": Variable("A h", "charge passed", ((), ("scan",))),
        },
        {
            "mu": Variable("1", "absorption", _XANES),
            "mu_transmission": Variable("1", "absorption from transmission", _XANES),
            "mu_fluorescence": Variable("1", "absorption from fluorescence yield", _XANES),
            "mu_electron_yield": Variable("1", "absorption from electron yield", _XANES),
            "mu_reference": Variable("1", "absorption of the reference", _XANES),
            "mu_normalized": Variable("1", "normalised absorption as the file gives it", _XANES),
            "i0": Variable(("count", "A", "1"), "incident intensity", _XANES),
            "itrans": Variable(("count", "A", "1"), "transmitted intensity", _XANES),
            "ifluor": Variable(("count", "A", "1"), "fluorescence intensity", _XANES),
            "irefer": Variable(("count", "A", "1"), "intensity behind the reference", _XANES),
            "ielectron": Variable(("count", "A", "1"), "electron-yield current", _XANES),
        },
    ),
    "xps": Technique(
        "X-ray photoelectron spectroscopy",
        {
            "binding_energy": Variable("eV", "binding energy", (_B, _K)),
            "kinetic_energy": Variable("eV", "kinetic energy", (_K, _B)),
            "photon_energy": Variable("eV", "photon energy", ((), ("photon_energy",))),
            "transmission": Variable("1", "analyser transmission", _XPS),
            "time": _TIME,
        },
        {
            "counts": Variable("count", "counts", _XPS),
            "intensity": Variable(("count s-1", "1"), "intensity", _XPS),
        },
    ),
    "image": Technique(
        "electron micrograph",
        {
            "y": Variable(_LENGTHS, "y", (("y",),), required=True),
            "x": Variable(_LENGTHS, "x", (("x",),), required=True),
            "frame": Variable(("1", "s", "nm"), "frame", (("frame",),)),
            "channel": Variable("", "colour", (("channel",),)),
            "time": _TIME,
        },
        {"intensity": Variable(("1", "count"), "intensity", _IMAGE, required=True)},
        frozenset({"calibrated"}),
    ),
    "eds": Technique(
        "energy-dispersive X-ray spectroscopy",
        {
            "energy": Variable("eV", "X-ray energy", (_E,)),
            "line": Variable("", "X-ray line", (("line",),)),
            "distance": Variable(_LENGTHS, "distance", (("distance",),)),
            "y": Variable(_LENGTHS, "y", (("y",),)),
            "x": Variable(_LENGTHS, "x", (("x",),)),
        },
        {"counts": Variable(("count", "1"), "counts", _MAP, required=True)},
    ),
    "eds_events": Technique(
        "X-ray events of a map",
        {
            "energy": Variable("eV", "X-ray energy of a channel", (_E,), required=True),
            "y": Variable(_LENGTHS, "y", (("y",),), required=True),
            "x": Variable(_LENGTHS, "x", (("x",),), required=True),
        },
        {
            "pixel": Variable("1", "place of the event in the map, row by row", (("event",),), required=True),
            "channel": Variable("1", "channel of the event", (("event",),), required=True),
            "detector": Variable("1", "place of the detector among the attribute detectors", (("event",),)),
        },
    ),
    "eels": Technique(
        "electron energy-loss spectroscopy",
        {
            "energy": Variable("eV", "energy loss", (_E,), required=True),
            "distance": Variable(_LENGTHS, "distance", (("distance",),)),
            "y": Variable(_LENGTHS, "y", (("y",),)),
            "x": Variable(_LENGTHS, "x", (("x",),)),
        },
        {"counts": Variable(("count", "1"), "counts", _MAP, required=True)},
    ),
}

STEP_TYPES = (
    "unknown",
    "rest",
    "constant_current_charge",
    "constant_current_discharge",
    "constant_voltage",
    "constant_power",
    "pulse",
    "impedance",
)
"""Meanings of the integers in ``step_type``, in order."""

IMPEDANCE_FLAGS = ("mains", "outlier", "range_switch", "inductive", "user")
"""Meanings of the bits of ``impedance_flag``, the lowest first: a CF flag variable with ``flag_masks``."""

PROVENANCE = frozenset({"technique", "format", "source_file", "source_sha256", "parser_version"})
"""Attributes that every Dataset bears once `interlayer.read` has returned it."""

_STDERR = "_stderr"
_PLAIN = (str, int, float, np.integer, np.floating)


def build(technique: str, values: Mapping[str, ArrayLike | xr.Variable], **attrs: Any) -> xr.Dataset:
    """Return a Dataset of the vocabulary from plain arrays.

    Parameters
    ----------
    technique : str
        Key of `TECHNIQUES`.
    values : mapping of str to array-like or xarray.Variable
        Arrays under names of the vocabulary, already in its units. Dimensions follow from the name and the number of
        dimensions; pass an `xarray.Variable` to choose other allowed dimensions or, in its attrs, other allowed units.
        A name that ends in ``_stderr`` is the standard uncertainty of its sibling.
    **attrs
        Attributes of the Dataset: str, int, float or lists of them. Values of None are left out.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    SchemaError
        If the result breaks the vocabulary.

    Examples
    --------
    >>> ds = build("eis", {"frequency": [10.0, 1.0], "impedance": [1 - 1j, 2 - 3j]}, instrument="VSP-300")
    >>> ds["impedance"].attrs["units"], dict(ds.sizes)
    ('ohm', {'frequency': 2})
    """
    vocabulary = TECHNIQUES[technique]
    coords: dict[str, xr.Variable] = {}
    variables: dict[str, xr.Variable] = {}
    for name, value in values.items():
        base = name.removesuffix(_STDERR)
        term = vocabulary.terms.get(base)
        if term is None:
            raise SchemaError(f"{technique} has no variable {name!r}", expected=f"one of {sorted(vocabulary.terms)}")
        kind = coords if base in vocabulary.coords else variables
        kind[name] = _variable(term, name, value)
    kept = {key: value for key, value in attrs.items() if value is not None}
    dataset = assemble(variables, coords, {"technique": technique} | kept)
    _link_uncertainties(dataset)
    check(dataset)
    return dataset


def _variable(term: Variable, name: str, value: ArrayLike | xr.Variable) -> xr.Variable:
    if isinstance(value, xr.Variable):
        variable = value.to_base_variable()
        variable.attrs = term.attrs | variable.attrs
        return variable
    array = np.asarray(value)
    for dims in term.dims:
        if len(dims) == array.ndim:
            return as_variable(dims, array, term.attrs)
    raise SchemaError(f"{name} has {array.ndim} dimensions", expected=f"one of {term.dims}")


def _link_uncertainties(dataset: xr.Dataset) -> None:
    for name in [name for name in map(str, dataset.variables) if name.endswith(_STDERR)]:
        base = name.removesuffix(_STDERR)
        if base in dataset:
            dataset[base].attrs["ancillary_variables"] = name
            dataset[name].attrs |= {
                "units": dataset[base].attrs.get("units", "1"),
                "long_name": f"standard uncertainty of {dataset[base].attrs['long_name']}",
                "uncertainty_kind": "standard",
            }


def check(dataset: xr.Dataset, *, provenance: bool = False) -> None:
    """Raise `SchemaError` unless a Dataset keeps to the vocabulary.

    Parameters
    ----------
    dataset : xarray.Dataset
        What a reader or an analysis returned.
    provenance : bool
        Whether the attributes that `interlayer.read` adds are demanded as well.

    Examples
    --------
    >>> check(xr.Dataset(attrs={"technique": "eis"}))
    Traceback (most recent call last):
    ...
    interlayer.parsers.errors.SchemaError: eis lacks ['frequency', 'impedance']; expected the required variables.
    """
    technique = str(dataset.attrs.get("technique"))
    if technique not in TECHNIQUES:
        raise SchemaError(f"technique is {technique!r}", expected=f"one of {sorted(TECHNIQUES)}")
    vocabulary = TECHNIQUES[technique]
    present = dataset.variables
    if missing := [name for name in vocabulary.required if name not in present]:
        raise SchemaError(f"{technique} lacks {missing}", expected="the required variables")
    if not dataset.data_vars:
        raise SchemaError(f"{technique} has no data variable", expected=f"one of {sorted(vocabulary.variables)}")
    for name, variable in present.items():
        _check_variable(vocabulary, str(name), variable)
    wanted = set(vocabulary.attrs) | (PROVENANCE if provenance else set())
    if lacking := sorted(wanted - set(dataset.attrs)):
        raise SchemaError(f"attributes {lacking} are missing", expected="every attribute of the technique")
    for key, value in dataset.attrs.items():
        _check_attribute(str(key), value)


def _check_variable(vocabulary: Technique, name: str, variable: xr.Variable) -> None:
    base = name.removesuffix(_STDERR)
    term = vocabulary.terms.get(base)
    if term is None:
        raise SchemaError(f"{name!r} is not in the vocabulary", expected=f"one of {sorted(vocabulary.terms)}")
    if variable.dims not in term.dims:
        raise SchemaError(f"{name} has the dimensions {variable.dims}", expected=f"one of {term.dims}")
    units = variable.attrs.get("units", "")
    if units not in term.allowed_units or (units and units not in UNITS):
        raise SchemaError(f"{name} has the units {units!r}", expected=f"one of {term.allowed_units}")
    if variable.dtype.kind not in term.kinds:
        raise SchemaError(f"{name} holds {variable.dtype}", expected="numbers")


def _check_attribute(key: str, value: object) -> None:
    items = value if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(item, _PLAIN) for item in items):
        raise SchemaError(f"the attribute {key} holds {value!r}", expected="str, int, float or a list of them")
