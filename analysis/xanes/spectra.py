"""Scan and references, normalised alike: the same windows on one energy axis and one shape of the post-edge curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import xarray as xr

from ..errors import NotAnalysable
from .edge import edge_energy
from .normalisation import Background, Windows, choose_windows, fit_background, settle_slope
from .scan import SIGNALS, Scan, absorption_scan


@dataclass(frozen=True)
class Spectrum:
    """A normalised scan, and what it was normalised from.

    Parameters
    ----------
    normalized : Scan
        Absorption with an edge step of one.
    scan, background : Scan and Background, or None
        As measured, and what was taken off; None where the Dataset came normalised.
    """

    normalized: Scan
    scan: Scan | None = None
    background: Background | None = None


@dataclass(frozen=True)
class Spectra:
    """The spectra of a linear combination.

    Parameters
    ----------
    raw : tuple of Scan
        As measured, the sample first.
    edges : tuple of float
        Their edge energies in eV.
    windows : Windows or None
        Of the normalisation, counted from the edge of the sample; None if all came normalised.
    normalized : tuple of Spectrum
        The sample first.
    """

    raw: tuple[Scan, ...]
    edges: tuple[float, ...]
    windows: Windows | None
    normalized: tuple[Spectrum, ...]

    @property
    def references(self) -> tuple[Spectrum, ...]:
        """All but the sample."""
        return self.normalized[1:]


def load_spectra(ds: xr.Dataset, references: Mapping[str, xr.Dataset]) -> Spectra:
    """Return the scan and its references with an edge step of one; ``mu_normalized`` is taken as it is."""
    raw = (_raw(ds, "the scan"), *(_raw(reference, f"the reference {name}") for name, reference in references.items()))
    edges = tuple(edge_energy(scan)[0] for scan in raw)
    measured = [scan for scan in raw if scan.signal != "mu_normalized"]
    if not measured:
        return Spectra(raw, edges, None, tuple(map(Spectrum, raw)))
    windows = settle_slope(measured, edges[0], _common_windows(raw, edges))
    return Spectra(raw, edges, windows, tuple(normalised(scan, edges[0], windows) for scan in raw))


def normalised(scan: Scan, e0: float, windows: Windows) -> Spectrum:
    """Return a scan with an edge step of one; as it is if it came so."""
    if scan.signal == "mu_normalized":
        return Spectrum(scan)
    background = fit_background(scan, e0, windows)
    if background.step <= 0:
        raise NotAnalysable(f"{scan.signal} falls over the edge at {e0:.1f} eV; expected a rise")
    stderr = None if scan.stderr is None else scan.stderr / background.step
    values = (scan.mu - background.pre_edge(scan.energy)) / background.step
    return Spectrum(replace(scan, mu=values, stderr=stderr, signal="mu_normalized"), scan, background)


def _raw(ds: xr.Dataset, what: str) -> Scan:
    try:
        return absorption_scan(ds, ("mu_normalized", *SIGNALS))
    except NotAnalysable as error:
        raise NotAnalysable(f"{what}: {error}") from error


def _common_windows(scans: Sequence[Scan], edges: Sequence[float]) -> Windows:
    """Return windows on one energy axis, clear of every edge, counted from the first."""
    low, high = max(scan.span[0] for scan in scans), min(scan.span[1] for scan in scans)
    e0 = edges[0]
    windows = choose_windows((low, high), e0)
    pre = (windows.pre_edge[0], windows.pre_edge[1] - (e0 - min(edges)))
    post = (windows.post_edge[0] + (max(edges) - e0), windows.post_edge[1])
    if not (pre[0] < pre[1] and post[0] < post[1]):
        raise NotAnalysable(
            f"the scans share {low:.1f} to {high:.1f} eV, too little about edges at {min(edges):.1f} to "
            f"{max(edges):.1f} eV to normalise them alike"
        )
    return Windows(pre, post, windows.order)
