"""Intensity and pixel size of a micrograph, or the reason why it has no lengths in nm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import NotAnalysable
from ..quantity import Quantity

Array = NDArray[np.float64]

_SATURATED = 0.01  # share of pixels at the largest value from which a detector is taken to be saturated
_DIRECT = {"nm", "pixel", "1"}  # units of the axes of an image in real space, calibrated or not
_UNEVEN = 1e-3  # relative departure of the steps of an axis above which it is no pixel grid


@dataclass(frozen=True)
class Micrograph:
    """One calibrated grey image.

    Parameters
    ----------
    intensity : ndarray, shape (rows, columns)
        Missing pixels are NaN.
    pixel_size : tuple of float
        Height and width of a pixel in nm.
    origin : tuple of float
        y and x of the first pixel in nm.
    direction : tuple of float
        +1 or -1 for axes that rise or fall with the index.
    relative_uncertainty : float
        Relative standard uncertainty of the pixel size, common to all lengths of the image.
    notes : tuple of str
        What the reader of a result should know about the image.
    """

    intensity: Array
    pixel_size: tuple[float, float]
    origin: tuple[float, float]
    direction: tuple[float, float]
    relative_uncertainty: float
    notes: tuple[str, ...]

    @property
    def step(self) -> float:
        """The smaller side of a pixel in nm, at which the image is sampled."""
        return min(self.pixel_size)

    def coordinates(self, points: Array) -> Array:
        """Return points (y, x), counted in nm from the first pixel, in the coordinates of the Dataset."""
        return np.asarray(points * np.asarray(self.direction) + np.asarray(self.origin))

    @property
    def corners(self) -> Array:
        """Centres (y, x) of the first and the last pixel in the coordinates of the Dataset, shape (2, 2)."""
        last = (np.array(self.intensity.shape) - 1) * np.asarray(self.pixel_size)
        return self.coordinates(np.stack([np.zeros(2), last]))


def micrograph(ds: xr.Dataset, pixel_size: Quantity | None, relative_uncertainty: float) -> Micrograph:
    """Return the image of a Dataset with its scale.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image" with one frame and no colour.
    pixel_size : Quantity or None
        Side of a square pixel; takes the place of the calibration of the file.
    relative_uncertainty : float
        Of the pixel size, used unless `pixel_size` bears its own.

    Returns
    -------
    Micrograph

    Raises
    ------
    NotAnalysable
        If the image has several frames or colours, mostly missing pixels or no scale in nm.
    UnitError
        If `pixel_size` is not a length.
    """
    whole, ds = ds, without_data_bar(ds)
    values = _grey_values(ds)
    notes: tuple[str, ...] = ()
    if ds.sizes["y"] < whole.sizes["y"]:
        notes = (f"The {whole.sizes['y'] - ds.sizes['y']} rows of the vendor's data bar were left out.",)
    if pixel_size is not None:
        side = pixel_size.to("nm").value
        if side <= 0 or pixel_size.relation != "=":
            raise NotAnalysable(f"found {pixel_size}; a pixel size is a length above 0")
        sides, origin, direction = (side, side), (0.0, 0.0), (1.0, 1.0)
        relative_uncertainty = relative_uncertainty if pixel_size.stderr is None else pixel_size.relative
        if ds.attrs.get("calibrated"):
            notes += ("The pixel size was given and took the place of the calibration of the file.",)
    else:
        (dy, y0, up), (dx, x0, right) = _axis(ds, "y"), _axis(ds, "x")
        sides, origin, direction = (dy, dx), (y0, x0), (up, right)
    return Micrograph(values, sides, origin, direction, relative_uncertainty, notes + _notes(ds, values, sides))


def without_data_bar(ds: xr.Dataset) -> xr.Dataset:
    """Return an image without the rows in which the vendor writes magnification and scale bar.

    Parameters
    ----------
    ds : xarray.Dataset
        Technique "image", whole or cropped; the attribute ``data_bar_start`` is a row of the whole image.

    Returns
    -------
    xarray.Dataset
        The same where the file does not say that it has a data bar.
    """
    start, rows = ds.attrs.get("data_bar_start"), ds.sizes.get("y", 0)
    if start is None or rows < 2:
        return ds
    y = ds["y"].to_numpy()
    places = np.rint(y * (rows - 1) / (y[-1] - y[0]))
    shown = int(np.count_nonzero(places < start))
    return ds.isel(y=slice(shown)) if shown else ds


def _grey_values(ds: xr.Dataset) -> Array:
    """Return the intensities of an image in real space, shape (rows, columns)."""
    if ds.attrs.get("technique") != "image":
        raise NotAnalysable(f"the technique is {ds.attrs.get('technique')!r}; a layer is measured on an 'image'")
    intensity = ds["intensity"].squeeze(drop=True)
    if set(intensity.dims) != {"y", "x"}:
        raise NotAnalysable(f"the image has the dimensions {intensity.dims}; choose one frame or colour with ds.isel")
    units = {str(ds[name].attrs.get("units")) for name in ("y", "x")}
    if not units <= _DIRECT:
        raise NotAnalysable(f"the axes are in {sorted(units)}: a diffraction pattern or a scan in time, not an image")
    values = intensity.transpose("y", "x").to_numpy()
    if values.dtype.kind not in "fiu":
        raise NotAnalysable(f"the image holds {values.dtype} values; a layer is measured on real intensities")
    values = values.astype(np.float64)
    if np.isfinite(values).mean() < 0.5:
        raise NotAnalysable("more than half of the pixels are missing")
    return np.asarray(values)


def _axis(ds: xr.Dataset, name: str) -> tuple[float, float, float]:
    """Return step in nm, first value and direction of a calibrated axis."""
    units = ds[name].attrs.get("units")
    if not ds.attrs.get("calibrated") or units != "nm":
        raise NotAnalysable(
            f"the image is not calibrated ({name} in {units!r}); "
            "give pixel_size=Quantity('pixel_size', value, stderr, 'nm')"
        )
    values = ds[name].to_numpy().astype(np.float64)
    steps = np.diff(values)
    step = float(np.mean(steps)) if len(steps) else 0.0
    if step == 0 or not np.isfinite(step) or np.abs(steps / step - 1).max() > _UNEVEN:
        raise NotAnalysable(f"the {name} axis of the image is not evenly spaced; give pixel_size")
    return abs(step), float(values[0]), float(np.sign(step))


def _notes(ds: xr.Dataset, values: Array, sides: tuple[float, float]) -> tuple[str, ...]:
    notes = []
    if not ds.attrs.get("detector"):
        notes.append(
            "The detector is not known: in bright field, Fresnel fringes shift edges; dark-field images are safe."
        )
    saturated = float(np.mean(values == np.nanmax(values)))
    if saturated > _SATURATED:
        notes.append(f"{saturated:.1%} of the pixels hold the largest value: a saturated detector shifts edges.")
    if abs(sides[0] / sides[1] - 1) > _UNEVEN:
        notes.append(f"The pixels are not square ({sides[1]:.5g} x {sides[0]:.5g} nm); both sides were used as stated.")
    return tuple(notes)
