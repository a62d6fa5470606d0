"""`Quantity`, one number that says how well it is known, and `Result`, what an analysis returns."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from .units import convert_factor

if TYPE_CHECKING:
    import xarray as xr

Relation = Literal["=", "<", ">"]
Kind = Literal["given", "measured", "fit", "derived"]
SCHEMA = "interlayer.result/1"
_NORMAL95 = 1.959963984540054


@dataclass(frozen=True)
class Quantity:
    """A number with unit, standard uncertainty, 95 % interval and relation.

    Parameters
    ----------
    name : str
        Term of the field, for example ``"ionic_conductivity"``.
    value : float
        In `unit`. With relation ``"<"`` or ``">"`` the limit itself: "not resolved" is a result.
    stderr : float or None
        Standard uncertainty (k = 1, GUM); None where it is not known, never 0 for want of a better figure.
    unit : str
        UDUNITS spelling, ``"1"`` for pure numbers.
    interval95 : tuple of float, optional
        95 % interval. Left out, it is the normal one, ``value -/+ 1.96 stderr``.
    relation : {"=", "<", ">"}
        ``">"`` reads "the true value lies above `value` with 95 % confidence".
    kind : {"given", "measured", "fit", "derived"}
        Where the number comes from.

    Raises
    ------
    ValueError
        If the value is not finite or the uncertainty is negative.

    Examples
    --------
    >>> thickness = Quantity("thickness", 98.0, 3.0, "nm")
    >>> thickness.to("cm").value
    9.8e-06
    >>> print(thickness)
    thickness = 98.0 ± 3.0 nm
    """

    name: str
    value: float
    stderr: float | None
    unit: str
    interval95: tuple[float, float] | None = None
    relation: Relation = "="
    kind: Kind = "given"

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"{self.name} is {self.value}; a result that is not known is left out or is a limit")
        if self.stderr is not None and not (math.isfinite(self.stderr) and self.stderr >= 0):
            raise ValueError(f"the uncertainty of {self.name} is {self.stderr}; expected a number >= 0 or None")
        if self.relation not in ("=", "<", ">"):
            raise ValueError(f"the relation of {self.name} is {self.relation!r}; expected '=', '<' or '>'")
        if self.interval95 is None and self.stderr is not None and self.relation == "=":
            half = _NORMAL95 * self.stderr
            object.__setattr__(self, "interval95", (self.value - half, self.value + half))

    @property
    def relative(self) -> float:
        """Relative standard uncertainty, 0 when none is known (use for propagation of exact facts)."""
        return 0.0 if self.stderr is None else abs(self.stderr / self.value)

    def to(self, unit: str) -> Quantity:
        """Return the same quantity in another unit of its dimension; `UnitError` otherwise."""
        factor = convert_factor(self.unit, unit)
        interval = None if self.interval95 is None else (self.interval95[0] * factor, self.interval95[1] * factor)
        stderr = None if self.stderr is None else self.stderr * factor
        return replace(self, value=self.value * factor, stderr=stderr, unit=unit, interval95=interval)

    def number(self) -> str:
        """Return value and uncertainty rounded to two digits of the uncertainty, or a limit, without name and unit."""
        if self.relation != "=":
            return f"{self.relation} {float(f'{self.value:.2g}'):g}"
        if not self.stderr:
            return f"{self.value:.4g}"
        return _rounded(self.value, self.stderr)

    def __str__(self) -> str:
        relation = "= " if self.relation == "=" else ""
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{self.name} {relation}{self.number()}{unit}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "name": self.name,
            "value": self.value,
            "stderr": self.stderr,
            "unit": self.unit,
            "interval95": None if self.interval95 is None else list(self.interval95),
            "relation": self.relation,
            "kind": self.kind,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Quantity:
        """Rebuild a quantity from `to_dict`."""
        interval = data.get("interval95")
        return cls(**{**data, "interval95": None if interval is None else (interval[0], interval[1])})


def _rounded(value: float, stderr: float) -> str:
    """Return ``value ± stderr`` with two digits of the uncertainty, in one power of ten when that reads better."""
    largest = max(abs(value), stderr)
    exponent = math.floor(math.log10(largest)) if largest else 0
    scale = exponent if not -3 <= exponent < 5 else 0
    value, stderr = value / 10.0**scale, stderr / 10.0**scale
    digits = 1 - math.floor(math.log10(stderr))
    if digits < 0:
        value, stderr, digits = round(value, digits), round(stderr, digits), 0
    if digits > 12:
        return f"{value * 10.0**scale:.6g} ± {stderr * 10.0**scale:.2g}"
    text = f"{value:.{digits}f} ± {stderr:.{digits}f}"
    return f"({text})e{scale:+03d}" if scale else text


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one analysis of one measurement (or set of measurements) returns.

    Parameters
    ----------
    method : str
        One line that a methods section could quote.
    quantities : tuple of Quantity
        The numbers; the first is the headline.
    correlation : tuple of tuple of float, optional
        Correlation matrix of `quantities`, in their order.
    diagnostics : mapping of str to float
        What tells whether the model is right: ``reduced_chi_square``, ``n_points``, ``condition_number``, ...
    budget : mapping of str to mapping of str to float
        For a quantity, standard uncertainty by source, in its unit: ``{"ionic_conductivity": {"fit": ..., ...}}``.
    notes : tuple of str
        Warnings and assumptions as sentences.
    provenance : mapping of str to str
        Source files, hashes, versions, options.
    curves : xarray.Dataset, optional
        Data, model and residuals for plots. Not part of the JSON.
    fit : object, optional
        The `lmfit.minimizer.MinimizerResult` of a single fit. Not part of the JSON.

    Examples
    --------
    >>> result = Result(method="ruler", quantities=(Quantity("thickness", 17.0, 0.4, "nm"),))
    >>> result["thickness"].stderr
    0.4
    >>> Result.from_dict(result.to_dict()) == result
    True
    """

    method: str
    quantities: tuple[Quantity, ...]
    correlation: tuple[tuple[float, ...], ...] | None = None
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    budget: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    curves: xr.Dataset | None = field(default=None, compare=False, repr=False)
    fit: Any = field(default=None, compare=False, repr=False)

    def __getitem__(self, name: str) -> Quantity:
        for quantity in self.quantities:
            if quantity.name == name:
                return quantity
        raise KeyError(f"{name!r}; this result holds {[quantity.name for quantity in self.quantities]}")

    def __contains__(self, name: str) -> bool:
        return any(quantity.name == name for quantity in self.quantities)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types with the version of the layout under ``"schema"``."""
        return {
            "schema": SCHEMA,
            "method": self.method,
            "quantities": [quantity.to_dict() for quantity in self.quantities],
            "correlation": None if self.correlation is None else [list(row) for row in self.correlation],
            "diagnostics": dict(self.diagnostics),
            "budget": {name: dict(sources) for name, sources in self.budget.items()},
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """Rebuild a result from `to_dict`; `ValueError` for another version of the layout."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"found a result of layout {data.get('schema')!r}; expected {SCHEMA!r}")
        correlation = data["correlation"]
        return cls(
            method=data["method"],
            quantities=tuple(Quantity.from_dict(entry) for entry in data["quantities"]),
            correlation=None if correlation is None else tuple(tuple(row) for row in correlation),
            diagnostics=data["diagnostics"],
            budget=data["budget"],
            notes=tuple(data["notes"]),
            provenance=data["provenance"],
        )

    def to_dataset(self) -> xr.Dataset:
        """Return the quantities as variables without dimension, each with its ``_stderr`` sibling."""
        import xarray as xr

        variables: dict[str, xr.Variable] = {}
        for quantity in self.quantities:
            attrs = {"units": quantity.unit, "relation": quantity.relation, "kind": quantity.kind}
            variables[quantity.name] = xr.Variable((), quantity.value, attrs)
            if quantity.stderr is not None:
                variables[quantity.name].attrs["ancillary_variables"] = f"{quantity.name}_stderr"
                variables[f"{quantity.name}_stderr"] = xr.Variable((), quantity.stderr, {"units": quantity.unit})
        return xr.Dataset(variables, attrs={"method": self.method, "notes": list(self.notes)})

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(q.name)}</td><td>{html.escape(q.number())}</td><td>{html.escape(q.unit)}</td></tr>"
            for q in self.quantities
        )
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return f"<table><caption>{html.escape(self.method)}</caption>{rows}</table><ul>{notes}</ul>"
