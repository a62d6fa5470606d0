"""One circuit fitted to every sweep of a series at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import NotAnalysable
from ...statistics import runs_p_value
from ..circuits import Circuit, Complexes, Floats, parse_circuit
from ..spectrum import FEWEST_POINTS, Spectrum, origin, usable
from .batch import Descent, descend
from .circuit_fit import RANDOM_P, best_fit, interval, starts_of
from .constrained import constrain
from .fit import CONVERGED, ROUGH, CircuitFit, within_range
from .labels import over_a_series
from .noise import Weights, noise_of

if TYPE_CHECKING:
    import lmfit

_MOST_PILOTS = 16
_MOST_ROUNDS = 4
_CLEARLY_LOWER = 1.005  # ratio of chi-square at which another minimum is taken


def fit_sweeps(
    ds: xr.Dataset, circuit: str, *, parameters: lmfit.Parameters | None = None, weights: Weights = "modulus"
) -> xr.Dataset:
    """Fit an equivalent circuit to every sweep of a Dataset, with the numbers of `fit_circuit`.

    All sweeps descend together, and each starts again from its neighbours' ends where these lead lower. Like parts in
    series keep their numbers over the whole series: they are numbered from the fastest, and where two change places in
    time the capacitances decide.

    Parameters
    ----------
    ds : xarray.Dataset
        Impedance spectra of the vocabulary with the dimension ``sweep``.
    circuit, parameters, weights
        As for `fit_circuit`.

    Returns
    -------
    xarray.Dataset
        Over ``sweep`` and ``parameter`` (coordinate ``unit``): ``value``, ``stderr``, ``interval_low`` and
        ``interval_high`` (95 %), NaN where a sweep does not determine a parameter; ``covariance`` of the parameters
        on the scale of the fit over ``parameter`` and ``parameter_2``; over ``sweep``: ``reduced_chi_square``,
        ``n_points``, ``converged``; over ``sweep`` and ``frequency``: ``model`` (ohm). Coordinates of the
        sweeps such as temperature are kept. Sweeps with too few usable points hold NaN and ``n_points`` says so.

    Raises
    ------
    NotAnalysable
        If there is no dimension ``sweep``, or no sweep with enough usable points.
    CircuitSyntaxError, ValueError
        As for `fit_circuit`.

    Examples
    --------
    >>> from interlayer.parsers import schema
    >>> frequency = np.logspace(5, 0, 31)
    >>> sizes = np.array([[100.0], [80.0], [60.0]])
    >>> z = 5 + 1 / (1 / sizes + 2j * np.pi * frequency * 1e-6)
    >>> z = z * (1 + 1e-3 * np.exp(1j * np.arange(31) ** 2))
    >>> fits = fit_sweeps(schema.build("eis", {"frequency": frequency, "impedance": z}), "R0-p(R1,C1)")
    >>> fits["value"].sel(parameter="R1").round(1).values
    array([100.,  80.,  60.])
    """
    if "impedance" not in ds or "sweep" not in ds["impedance"].dims:
        raise NotAnalysable("the Dataset has no dimension 'sweep'; use fit_circuit for one spectrum")
    whole = parse_circuit(circuit)
    constrained, stated = (whole, {}) if parameters is None else constrain(whole, parameters)
    batch = _Batch.of(ds, constrained, weights)
    ends = batch.descend(np.arange(len(batch.spectra)), _starts(batch, stated))
    _ask_neighbours(batch, ends)
    fits = batch.fits(ends.theta)
    _ask_the_data(batch, fits, stated)
    if constrained is whole:
        orders = over_a_series(whole, np.array([found.theta for found in fits]).T)
        fits = [found.reordered(order) for found, order in zip(fits, orders.T, strict=True)]
    return _dataset(ds, batch, fits, ends.converged)


@dataclass(frozen=True)
class _Batch:
    """The usable spectra of a Dataset, padded to one length.

    Parameters
    ----------
    circuit : Circuit
        What is fitted to all.
    sweeps : list of int
        Places of the spectra in the Dataset.
    spectra : list of Spectrum
        With their noise, see `noise_of`.
    omega, impedance, weight : ndarray, shape (S, n)
        Padded with points of no weight; omega has the shape (n,) when all sweeps share their frequencies.
    """

    circuit: Circuit
    sweeps: list[int]
    spectra: list[Spectrum]
    noise: list[Floats | None]
    omega: Floats
    impedance: Complexes
    weight: Floats

    @classmethod
    def of(cls, ds: xr.Dataset, circuit: Circuit, weights: Weights) -> _Batch:
        """Collect the sweeps that have more points than the circuit has parameters."""
        sweeps, spectra = [], []
        for place in range(ds.sizes["sweep"]):
            try:
                spectrum = usable(ds.isel(sweep=place))
            except NotAnalysable:
                continue
            if 2 * spectrum.frequency.size > len(circuit.parameters):
                sweeps.append(place)
                spectra.append(spectrum)
        if not spectra:
            raise NotAnalysable(f"no sweep has {FEWEST_POINTS} usable points and as many as {circuit} needs")
        noise = [noise_of(spectrum, weights) for spectrum in spectra]
        length = max(spectrum.frequency.size for spectrum in spectra)
        omega, impedance = np.ones((len(spectra), length)), np.ones((len(spectra), length), complex)
        weight = np.zeros((len(spectra), length))
        for row, (spectrum, stated) in enumerate(zip(spectra, noise, strict=True)):
            n = spectrum.frequency.size
            omega[row, :n], impedance[row, :n] = spectrum.omega, spectrum.impedance
            omega[row, n:], impedance[row, n:] = spectrum.omega[-1], spectrum.impedance[-1]
            weight[row, :n] = 1.0 / (np.abs(spectrum.impedance) if stated is None else stated)
        if np.all(omega == omega[0]):
            omega = omega[0]
        return cls(circuit, sweeps, spectra, noise, omega, impedance, weight)

    def descend(self, places: NDArray[np.intp], theta: Floats, tolerance: float = CONVERGED) -> Descent:
        """Return the minima of some of the sweeps next to starts of the shape (p, number of places)."""
        omega = self.omega if self.omega.ndim == 1 else self.omega[places]
        return descend(self.circuit, omega, self.impedance[places], self.weight[places], theta, tolerance=tolerance)

    def fits(self, theta: Floats) -> list[CircuitFit]:
        """Return the fit of every sweep with its covariance."""
        every = zip(self.spectra, theta.T, self.noise, strict=True)
        return [CircuitFit.at(self.circuit, spectrum, column, noise) for spectrum, column, noise in every]


def _starts(batch: _Batch, stated: dict[str, float]) -> Floats:
    """Return starts on the scale of the fit, shape (p, S): what is stated, or the minima of the nearest pilots."""
    count = len(batch.spectra)
    parameters = batch.circuit.parameters
    pilots = np.unique(np.linspace(0, count - 1, min(count, _MOST_PILOTS)).round().astype(int))
    columns = []
    for pilot in pilots:
        start = starts_of(batch.circuit, batch.spectra[pilot], stated)[0]
        columns.append([parameter.fitted(start[parameter.name]) for parameter in parameters])
        if start is stated:
            return np.repeat(np.array(columns).T, count, axis=1)
    nearest = np.abs(np.arange(count)[:, None] - pilots).argmin(axis=1)
    return batch.descend(pilots, np.array(columns).T).theta[:, nearest]


def _ask_neighbours(batch: _Batch, ends: Descent) -> None:
    """Descend again from the neighbours' ends as long as that leads lower, since two minima may be near."""
    count = len(batch.spectra)
    asked = np.arange(count)
    for _ in range(_MOST_ROUNDS if count > 1 else 0):
        taken = np.zeros(count, dtype=bool)
        for shift in (1, -1):
            near = np.clip(asked + shift, 0, count - 1)
            trial = batch.descend(asked, ends.theta[:, near], ROUGH)
            lower = trial.chi_square * _CLEARLY_LOWER < ends.chi_square[asked]
            ends.take(asked[lower], batch.descend(asked[lower], trial.theta[:, lower]))
            taken[asked[lower]] = True
        if not taken.any():
            break
        asked = np.flatnonzero(taken | np.roll(taken, 1) | np.roll(taken, -1))


def _ask_the_data(batch: _Batch, fits: list[CircuitFit], stated: dict[str, float]) -> None:
    """Fit sweeps whose residuals have a trend from starts of their own, and keep the lower end."""
    for place, found in enumerate(fits):
        if runs_p_value(*found.residual) < RANDOM_P:
            starts = starts_of(batch.circuit, found.spectrum, stated)
            own = best_fit(batch.circuit, found.spectrum, starts, found.noise)
            if own.chi_square * _CLEARLY_LOWER < found.chi_square:
                fits[place] = own


def _dataset(ds: xr.Dataset, batch: _Batch, fits: Sequence[CircuitFit], converged: NDArray[np.bool_]) -> xr.Dataset:
    parameters = batch.circuit.parameters
    n_sweeps, n_parameters = ds.sizes["sweep"], len(parameters)
    numbers = np.full((4, n_sweeps, n_parameters), np.nan)
    covariance = np.full((n_sweeps, n_parameters, n_parameters), np.nan)
    of_sweep = {"reduced_chi_square": np.full(n_sweeps, np.nan), "n_points": np.zeros(n_sweeps, dtype=np.int64)}
    model = np.full(ds["impedance"].transpose("sweep", "frequency").shape, np.nan, dtype=complex)
    omega = 2.0 * np.pi * np.where(ds["frequency"].values > 0, ds["frequency"].values, np.nan)
    settled = np.zeros(n_sweeps, dtype=bool)
    for row, place in enumerate(batch.sweeps):
        found = fits[row]
        for column, parameter in enumerate(parameters):
            if found.determines(parameter):
                low, high = interval(found, parameter)
                numbers[:, place, column] = found.value(parameter.name), found.stderr(parameter.name), low, high
        covariance[place] = found.covariance
        of_sweep["reduced_chi_square"][place] = found.reduced_chi_square
        of_sweep["n_points"][place] = found.spectrum.frequency.size
        settled[place] = converged[row]
        model[place], _ = batch.circuit.evaluate(omega, within_range(found.theta))
    axes: tuple[str, ...] = ("sweep", "parameter")
    held: dict[str, Any] = {name: float(value) for name, value in fits[0].held.items()}
    kept = {str(name): ds[name] for name in ds.coords if ds[name].dims in (("sweep",), ("frequency",))}
    return xr.Dataset(
        {
            "value": (axes, numbers[0], {"ancillary_variables": "stderr interval_low interval_high"}),
            "stderr": (axes, numbers[1], {"long_name": "standard uncertainty"}),
            "interval_low": (axes, numbers[2], {"long_name": "lower end of the 95 % interval"}),
            "interval_high": (axes, numbers[3], {"long_name": "upper end of the 95 % interval"}),
            "covariance": (("sweep", "parameter", "parameter_2"), covariance, {"long_name": "on the scale of the fit"}),
            "reduced_chi_square": ("sweep", of_sweep["reduced_chi_square"], {"units": "1"}),
            "n_points": ("sweep", of_sweep["n_points"], {"units": "1"}),
            "converged": ("sweep", settled, {"units": "1"}),
            "model": (("sweep", "frequency"), model, {"units": "ohm", "long_name": str(batch.circuit)}),
        },
        kept
        | {
            "parameter": [parameter.name for parameter in parameters],
            "unit": ("parameter", [parameter.unit for parameter in parameters]),
            "fitted_name": ("parameter", [parameter.fitted_name for parameter in parameters]),
        },
        origin(ds) | {"circuit": str(batch.circuit)} | {f"held_{name}": value for name, value in held.items()},
    )
