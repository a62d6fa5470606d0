r"""Thickness of a specimen in mean free paths from low-loss spectra, by the log-ratio method.

.. math:: \frac{t}{\lambda} = \ln\frac{I_t}{I_0}, \qquad u^2 = \frac{1}{I_0} - \frac{1}{I_t}

with all electrons :math:`I_t` and those without loss :math:`I_0`, which are some of the former: this is why the
variances are subtracted and not added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import NotAnalysable
from ..quantity import Quantity, Result
from ..statistics import ONE_SIDED_95

Array = NDArray[np.float64]

_USABLE = (0.1, 1.5)  # t / lambda; surface losses below, plural scattering out of the spectrum and the aperture above
_PEAK_SHARE = 0.2  # of the largest maximum, that the first one must reach to be the zero-loss peak
_LEFT = 5.0  # half widths at half maximum of the zero-loss peak to its left where only the dark level is left
_CUT_OFF = (0.75, 1.25)  # range of the cut-off in units of the distance to the valley
_FEWEST_DARK = 20  # channels
_DEEPEST = 0.05  # height of the valley over that of the peak, above which no cut-off divides them
_NOTHING = 1e-5  # t / lambda below that of any hole, whose edges and apertures scatter some electrons
_DECAY = 3.0  # power of the energy with which losses fall beyond the end of the spectrum


@dataclass(frozen=True)
class _Counts:
    """Electrons of p spectra: all, without loss, relative uncertainties of the latter and of what was cut off.

    `spectrum` is the mean of the spectra, shape (n,), and `zero_loss_spectrum` what of it counts as without loss.
    """

    total: Array
    zero_loss: Array
    cut_off: Array
    beyond: Array
    spectrum: Array
    zero_loss_spectrum: Array
    notes: tuple[str, ...]


def relative_thickness(
    ds: xr.Dataset,
    *,
    zero_loss: xr.Dataset | None = None,
    mean_free_path: Quantity | None = None,
    electrons_per_count: float = 1.0,
) -> Result:
    """Thickness in inelastic mean free paths from low-loss spectra, in nm only with a stated mean free path.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "eels": low-loss spectra with the zero-loss peak, one or along distance or y, x.
    zero_loss : xarray.Dataset, optional
        The zero-loss part of the same spectra where it has been separated; found in the spectra if left out, from
        their beginning to the valley behind the first peak.
    mean_free_path : Quantity, optional
        For all inelastic scattering at this beam energy and collection angle. Known to 10-20 % unless measured.
    electrons_per_count : float
        Gain of the detector, for the counting statistics.

    Returns
    -------
    Result
        ``relative_thickness``, mean over the spectra, with uncertainties from counting, from the cut-off of the
        zero-loss peak (the range over three quarters to five quarters of the distance to the valley) and from losses
        beyond the end of the spectrum; ``relative_thickness_sd`` where there are several spectra;
        ``specimen_thickness`` in nm where the mean free path is stated. `curves` holds the map with its ``_stderr``
        and, along ``energy``, the mean ``spectrum`` with the part of it that counts as without loss.

    Raises
    ------
    NotAnalysable
        If there is no zero-loss peak with its left side in the spectrum, nothing but such a peak, or the two Datasets
        do not match.
    UnitError
        If the mean free path is not a length.

    References
    ----------
    .. [1] Malis, Cheng, Egerton, J. Electron Microsc. Tech. 8 (1988) 193, doi:10.1002/jemt.1060080206.
    .. [2] Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed., Springer (2011), chapter 5.1.

    Examples
    --------
    >>> from interlayer.parsers.schema import build
    >>> energy = np.arange(-20.0, 80.0, 0.2)
    >>> spectrum = 1e4 * np.exp(-0.5 * energy**2) + 250.0 * np.exp(-0.5 * ((energy - 22.0) / 4.0) ** 2)
    >>> ds = build("eels", {"energy": energy, "counts": spectrum.round()})
    >>> print(relative_thickness(ds)["relative_thickness"])
    relative_thickness = 0.09532 ± 0.00085
    """
    energy, spectra, dims = _spectra(ds)
    counts = _found(energy, spectra) if zero_loss is None else _given(energy, spectra, zero_loss)
    if (counts.zero_loss <= 0).any() or (counts.total <= 0).any():
        raise NotAnalysable("some spectra hold no electrons without loss; leave them out with ds.isel")
    values = np.log(counts.total / counts.zero_loss)
    if values.max() < _NOTHING and counts.total.sum() > 1.0 / _NOTHING:
        raise NotAnalysable("there are no losses at all behind the zero-loss peak; a peak that was separated from them")
    counting = np.sqrt(np.maximum(1 / counts.zero_loss - 1 / counts.total, 0.0) / electrons_per_count)
    systematic = {"cut-off": counts.cut_off, "energy range": counts.beyond}
    mean = float(values.mean())
    budget = {"counting": math.sqrt(float(np.sum(counting**2))) / len(values)}
    budget |= {name: float(part.mean()) for name, part in systematic.items() if part.any()}
    quantities, budgets = _quantities(values, mean, budget, mean_free_path)
    stderr = np.sqrt(counting**2 + sum(part**2 for part in systematic.values()))
    return Result(
        method="log-ratio of all electrons to those without loss",
        quantities=quantities,
        diagnostics={"n_spectra": float(len(values)), "lowest": float(values.min()), "highest": float(values.max())},
        budget=budgets,
        notes=(*_notes(values, mean_free_path), *counts.notes),
        provenance={key: str(ds.attrs[key]) for key in ("source_file", "source_sha256") if key in ds.attrs},
        curves=_curves(ds, dims, values, stderr, mean_free_path).assign(_spectrum(ds["energy"], counts)),
    )


def _spectra(ds: xr.Dataset) -> tuple[Array, Array, tuple[str, ...]]:
    """Return energies, spectra of shape (p, n), and the dimensions along which they lie."""
    if ds.attrs.get("technique") != "eels":
        raise NotAnalysable(f"the technique is {ds.attrs.get('technique')!r}; mean free paths are told by 'eels'")
    counts = ds["counts"]
    dims = tuple(str(dim) for dim in counts.dims if dim != "energy")
    energy = ds["energy"].to_numpy().astype(np.float64)
    values = counts.transpose(*dims, "energy").to_numpy().astype(np.float64).reshape(-1, len(energy))
    if len(energy) < 2 * _FEWEST_DARK or not (np.diff(energy) > 0).all() or not np.isfinite(values).all():
        raise NotAnalysable("the spectra are too short, have missing channels or an energy axis that does not rise")
    return energy, values, dims


def _given(energy: Array, spectra: Array, zero_loss: xr.Dataset) -> _Counts:
    other, peak, _ = _spectra(zero_loss)
    if peak.shape != spectra.shape or not np.allclose(other, energy):
        raise NotAnalysable(
            f"found {peak.shape} zero-loss counts for {spectra.shape} counts; expected the same spectra and energies"
        )
    total = spectra.sum(axis=1)
    return _Counts(
        total,
        peak.sum(axis=1),
        np.zeros_like(total),
        _beyond(energy, spectra, total),
        spectra.mean(axis=0),
        peak.mean(axis=0),
        (),
    )


def _found(energy: Array, spectra: Array) -> _Counts:
    """Return electrons with and without loss, the latter from the left end to the valley behind the first peak."""
    peaks = np.array([_peak(spectrum) for spectrum in spectra])
    middle = int(np.median(peaks))
    typical = np.sum([np.roll(spectrum, middle - peak) for spectrum, peak in zip(spectra, peaks, strict=True)], axis=0)
    left, right = _half_widths(typical, middle)
    dark = middle - math.ceil(_LEFT * left)
    if dark < 1:
        raise NotAnalysable("the left side of the zero-loss peak is not in the spectrum; record from below 0 eV")
    valley = _valley(typical, middle, right)
    notes: list[str] = []
    offset = np.zeros(len(spectra))
    if dark >= _FEWEST_DARK:
        level = spectra[:, : dark - int(np.ptp(peaks))]
        if level.shape[1] >= _FEWEST_DARK and abs(level.mean()) > 5 * level.std() / math.sqrt(level.size):
            offset = level.mean(axis=1)
            notes.append(
                f"A dark level of {offset.mean():.3g} counts a channel, seen below the zero-loss peak, was subtracted."
            )
    if (np.sort(spectra, axis=1)[:, -3] == spectra.max(axis=1)).any():
        notes.append("Several channels of a zero-loss peak hold the same largest count: a saturated detector.")
    spectra = spectra - offset[:, None]
    steps = [round(share * (valley - middle)) for share in (1.0, *_CUT_OFF)]
    sums = np.array([[row[: peak + step].sum() for row, peak in zip(spectra, peaks, strict=True)] for step in steps])
    change = np.log(np.maximum(sums[2], 1.0) / np.maximum(sums[1], 1.0))
    total = spectra.sum(axis=1)
    cut_off = np.abs(change) / (2.0 * math.sqrt(3.0))
    spectrum = typical / len(spectra) - offset.mean()
    zero_loss = np.where(np.arange(len(energy)) < valley, spectrum, 0.0)
    return _Counts(total, sums[0], cut_off, _beyond(energy, spectra, total), spectrum, zero_loss, tuple(notes))


def _peak(spectrum: Array) -> int:
    """Return the channel of the first maximum that is no noise: the zero-loss peak."""
    high = spectrum >= _PEAK_SHARE * spectrum.max()
    begin = int(np.argmax(high))
    lower = np.flatnonzero(~high[begin:])
    end = begin + int(lower[0]) if len(lower) else len(spectrum)
    if begin == 0 or end == len(spectrum):
        raise NotAnalysable("no zero-loss peak stands out with both its sides in the spectrum")
    return begin + int(np.argmax(spectrum[begin:end]))


def _half_widths(spectrum: Array, peak: int) -> tuple[int, int]:
    """Return channels from a peak to where it has fallen to half, to the left and to the right."""
    low = spectrum < 0.5 * spectrum[peak]
    left, right = np.flatnonzero(low[:peak][::-1]), np.flatnonzero(low[peak:])
    return int(left[0]) + 1, int(right[0])


def _valley(spectrum: Array, peak: int, half_width: int) -> int:
    """Return the lowest channel between the zero-loss peak and the highest loss behind it."""
    from scipy.ndimage import uniform_filter1d

    smooth = uniform_filter1d(spectrum, max(2 * (half_width // 2) + 1, 3))
    begin = peak + 2 * half_width
    if begin + 3 * half_width >= len(spectrum):
        raise NotAnalysable("the spectrum ends behind the zero-loss peak; record the losses up to 100 eV")
    # Behind the valley losses rise; the highest is sought where the flank of the peak has fallen below it.
    beyond = begin + 3 * half_width
    highest = beyond + int(np.argmax(smooth[beyond:]))
    valley = begin + int(np.argmin(smooth[begin : highest + 1]))
    if smooth[valley] > _DEEPEST * smooth[peak]:
        raise NotAnalysable(
            "the zero-loss peak runs into the losses without a valley between; fit it and give it as zero_loss"
        )
    return valley


def _beyond(energy: Array, spectra: Array, total: Array) -> Array:
    """Return what losses beyond the end of the spectra would add to the logarithm, as a power law lets expect."""
    last = max(len(energy) // 20, 5)
    density = np.maximum(spectra[:, -last:].mean(axis=1), 0.0) / (energy[-1] - energy[-2])
    reach = max(float(energy[-1]), 0.0)
    return np.asarray(density * reach / (_DECAY - 1.0) / np.maximum(total, 1e-300))


def _quantities(
    values: Array, mean: float, budget: dict[str, float], mean_free_path: Quantity | None
) -> tuple[tuple[Quantity, ...], dict[str, dict[str, float]]]:
    stderr = math.sqrt(sum(part**2 for part in budget.values()))
    budgets = {"relative_thickness": budget}
    if mean < 2.0 * stderr:
        limit = Quantity(
            "relative_thickness", max(mean, 0.0) + ONE_SIDED_95 * stderr, None, "1", relation="<", kind="measured"
        )
        return (limit,), budgets
    quantities = [Quantity("relative_thickness", mean, stderr, "1", kind="measured")]
    if len(values) > 1:
        quantities.append(Quantity("relative_thickness_sd", float(values.std(ddof=1)), None, "1", kind="measured"))
    if mean_free_path is not None:
        path = mean_free_path.to("nm")
        parts = {name: part * path.value for name, part in budget.items()}
        parts["mean free path"] = mean * (path.stderr or 0.0)
        whole = math.sqrt(sum(part**2 for part in parts.values()))
        quantities.append(Quantity("specimen_thickness", mean * path.value, whole, "nm", kind="derived"))
        budgets["specimen_thickness"] = parts
    return tuple(quantities), budgets


def _notes(values: Array, mean_free_path: Quantity | None) -> tuple[str, ...]:
    notes = []
    low, high = (float(np.mean(values < _USABLE[0])), float(np.mean(values > _USABLE[1])))
    if low:
        notes.append(
            f"{low:.0%} of the spectra are thinner than {_USABLE[0]} mean free paths: surface losses count there."
        )
    if high:
        notes.append(
            f"{high:.0%} of the spectra are thicker than {_USABLE[1]} mean free paths: plural scattering leaves the "
            "spectrum and the aperture."
        )
    if mean_free_path is None:
        notes.append("Without a stated mean free path there is no thickness in nm.")
    elif mean_free_path.stderr is None:
        notes.append("The mean free path was given without an uncertainty; tabulated ones are known to 10-20 %.")
    return tuple(notes)


def _curves(
    ds: xr.Dataset, dims: tuple[str, ...], values: Array, stderr: Array, mean_free_path: Quantity | None
) -> xr.Dataset:
    shape = tuple(ds.sizes[dim] for dim in dims)
    curves = xr.Dataset(
        {
            "relative_thickness": (dims, values.reshape(shape), {"units": "1"}),
            "relative_thickness_stderr": (dims, stderr.reshape(shape), {"units": "1"}),
        },
        coords={dim: ds[dim] for dim in dims if dim in ds.coords},
    )
    if mean_free_path is not None:
        nm = mean_free_path.to("nm").value
        curves["specimen_thickness"] = (dims, values.reshape(shape) * nm, {"units": "nm"})
    return curves


def _spectrum(energy: xr.DataArray, counts: _Counts) -> dict[str, xr.DataArray]:
    attrs = {"units": "count"}
    both = {"spectrum": counts.spectrum, "zero_loss_spectrum": counts.zero_loss_spectrum}
    return {name: xr.DataArray(part, {"energy": energy}, ("energy",), attrs=attrs) for name, part in both.items()}
