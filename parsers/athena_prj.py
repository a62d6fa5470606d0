"""Athena project files (.prj): any number of absorption spectra with the parameters of their processing.

A project is text, usually packed with gzip, in one of two forms: assignments of Perl (Athena 0.8, Demeter 0.9) or JSON.
Every record has an abscissa ``x``, an ordinate ``y`` and parameters. What Athena stores for later use is used here:
``bkg_eshift`` is the shift that Athena adds to ``x`` before it shows, aligns or fits anything, so it is added to the
energies; E0 and the ranges of pre-edge and post-edge become attributes. Plot offsets and scales are not applied.

Records whose abscissa is not a photon energy (chi(k), detector pixels) and records that are no absorption (background
functions, differences, parts of a fit) are left out and named in a finding. A record that is broken costs no other.

Sources: Demeter and Athena users' guide (B. Ravel), parameters of ``Demeter::Data``; projects written by Athena 0.8.023
to Demeter 0.9.26. B. Ravel, M. Newville, J. Synchrotron Rad. 12 (2005) 537, doi:10.1107/S0909049505012719.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from . import _athena_json, _athena_perl, _xas
from ._athena_perl import Record
from ._groups import group_names
from ._source import Measurement, Source
from ._text import decode
from .errors import CorruptFile, LimitExceeded, ParseError, TruncatedFile, UnsupportedContent

# Flags of a record that is not an absorption spectrum along an energy axis.
_OTHER_KINDS = {
    "is_chi": "chi(k)",
    "is_pixel": "a pixel axis that has not been calibrated",
    "is_rsp": "chi(R)",
    "is_qsp": "chi(q)",
    "is_bkg": "a background function",
    "is_diff": "a difference spectrum",
    "is_fit": "part of a fit",
    "not_data": "not data",
}
_OTHER_TYPES = {"chi": "chi(k)", "detector": "a detector channel", "background": "a background function"}

# Parameters that become attributes; the ranges are relative to E0.
_NUMBERS = {"e0": "bkg_e0", "edge_step": "bkg_step", "normalization_order": "bkg_nnorm"}
_RANGES = {"pre_edge_range": ("bkg_pre1", "bkg_pre2"), "post_edge_range": ("bkg_nor1", "bkg_nor2")}


def read(source: Source) -> Iterator[Measurement]:
    """Yield one measurement for each record that is an absorption spectrum.

    Raises
    ------
    UnsupportedContent
        If no record is one.
    TruncatedFile
        If the file ends before the first whole record.
    CorruptFile
        If it is not an Athena project, or its checksum is wrong.
    """
    text = _project(source)
    is_json = text.lstrip()[:1] == "{"
    found = list(_athena_json.records(text) if is_json else _athena_perl.records(text, source.limits))
    if not found:
        raise TruncatedFile("the project holds no record", path=source.path, expected="$old_group = '...';")
    if not found[-1].complete:
        source.note("truncated-file", "warning", f"The project ends within the record of line {found[-1].line}.")
    names = group_names([_label(record) for record in found])
    read_any = False
    for name, record in zip(names, found, strict=True):
        measurement = _attempt(source, name, record)
        if measurement is not None:
            read_any = True
            yield measurement
    if not read_any:
        left_out = "; ".join(finding.message for finding in source.findings)
        kind = TruncatedFile if not found[-1].complete else UnsupportedContent
        raise kind(f"no record is an absorption spectrum. {left_out}", path=source.path, expected="mu(E) or norm(E)")


def _project(source: Source) -> str:
    """Return the text of the project, unpacked within the limits."""
    data = source.data
    if data.startswith(b"\x1f\x8b"):
        data = _inflate(source)
    text, finding = decode(data, source.limits)
    if finding is not None:
        source.findings.append(finding)
    return "\n".join(text.lines) + ("\n" if text.complete else "")


def _inflate(source: Source) -> bytes:
    """Return the content of a gzip file; a truncated one up to where it stops."""
    limits, packed = source.limits, source.data
    most = min(limits.expanded, max(16 * 2**20, int(limits.ratio * len(packed))))
    stream = zlib.decompressobj(31)
    try:
        data = stream.decompress(packed, most)
    except zlib.error as error:
        raise CorruptFile(
            f"the packed project is damaged: {error}",
            path=source.path,
            expected="a whole gzip file",
            remedy="copy it again from where it was saved",
        ) from error
    if stream.unconsumed_tail:
        raise LimitExceeded(
            f"the packed project grows beyond {most} bytes",
            path=source.path,
            expected=f"at most {limits.ratio:g} times its {len(packed)} bytes",
            remedy="raise Limits.ratio if the file is trusted",
        )
    if not stream.eof:
        if not data:
            raise TruncatedFile("the packed project ends at once", path=source.path, expected="a whole gzip file")
        source.note("truncated-file", "warning", f"The packed file is cut off; {len(data)} bytes of text were whole.")
    return data


def _attempt(source: Source, name: str, record: Record) -> Measurement | None:
    """Return the measurement of a record, or None with a finding when it holds none."""
    kind = _other_kind(record)
    if kind:
        source.note("skipped-group", "warning", f"The group {_label(record)!r} was left out: it is {kind}.")
        return None
    try:
        return _measurement(name, record)
    except ParseError as error:
        source.note("unreadable-group", "error", f"The group {_label(record)!r} was left out: {error}")
        return None


def _label(record: Record) -> str:
    return _text(record, "label").strip() or record.tag


def _text(record: Record, name: str) -> str:
    value = record.args.get(name, "")
    return value if isinstance(value, str) else ""


def _flag(record: Record, name: str) -> bool:
    return _text(record, name) not in ("", "0")


def _number(record: Record, name: str) -> float | None:
    """Return a parameter as a finite number, or None where it is not set to one."""
    try:
        value = float(_text(record, name))
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _other_kind(record: Record) -> str:
    """Return what a record is when it is not an absorption spectrum, else ""."""
    for flag, kind in _OTHER_KINDS.items():
        if _flag(record, flag):
            return kind
    return _OTHER_TYPES.get(_text(record, "datatype").lower(), "")


def _measurement(name: str, record: Record) -> Measurement:
    if record.broken and not {"x", "y"} <= record.arrays.keys():
        raise CorruptFile(record.broken)
    if not record.args:
        raise CorruptFile("it has no parameters", line=record.line, expected="@args")
    x, y = record.arrays.get("x"), record.arrays.get("y")
    if x is None or y is None or x.size == 0:
        raise TruncatedFile("its arrays x and y are not both there", line=record.line, expected="@x and @y")
    if x.size != y.size:
        raise CorruptFile(f"x has {x.size} points and y {y.size}", line=record.line, expected="as many of both")
    scan = _xas.Scan(_energy(record, x), {})
    if record.broken:
        scan.note("unreadable-array", "warning", f"Part of the group could not be read: {record.broken}")
    if not np.isfinite(y).any():
        raise CorruptFile("y holds no finite number", line=record.line, expected="absorption")
    scan.columns["mu"] = xr.Variable(("energy",), y, {"derivation": "y as stored by Athena"})
    if _flag(record, "is_nor") or "norm" in _text(record, "datatype").lower():
        scan.columns["mu_normalized"] = xr.Variable(("energy",), y.copy(), {"derivation": "y as stored by Athena"})
    _currents(scan, record)
    return Measurement(name, _xas.dataset(scan, _attrs(record)), scan.findings)


def _energy(record: Record, x: _xas.Floats) -> xr.Variable:
    unit = "keV" if _flag(record, "is_kev") and np.nanmax(x) < 200.0 else "eV"
    energy = _xas.energy_axis(x, unit)
    shift = _number(record, "bkg_eshift") or 0.0
    shifted = energy.copy(data=energy.values + shift)
    shifted.attrs["energy_shift"] = shift
    return shifted


def _currents(scan: _xas.Scan, record: Record) -> None:
    """Keep i0 and signal where the stored absorption shows what they are; the file does not say."""
    mu = scan.columns["mu"].values
    left_out = []
    arrays = {name: array for name, array in record.arrays.items() if name not in ("x", "y")}
    i0, signal = arrays.get("i0"), arrays.get("signal")
    if i0 is not None and i0.size == mu.size and np.any(i0 != 0):
        scan.columns["i0"] = _xas.current(i0, "")
    elif i0 is not None:
        left_out.append("i0")
    if signal is not None:
        name = _kind_of_signal(mu, i0, signal)
        if name:
            scan.columns[name] = _xas.current(signal, "")
            scan.mode = {"itrans": "transmission", "ifluor": "fluorescence"}[name]
        else:
            left_out.append("signal")
    left_out += sorted(arrays.keys() - {"i0", "signal"})
    if left_out:
        scan.note("unmapped-columns", "warning", f"These arrays were left out: {', '.join(left_out)}.")


def _kind_of_signal(mu: _xas.Floats, i0: _xas.Floats | None, signal: _xas.Floats) -> str | None:
    """Return whether mu = ln(i0/signal) or signal/i0, up to a factor; None where it is neither."""
    if i0 is None or i0.size != mu.size or signal.size != mu.size or mu.size < 3:
        return None
    with np.errstate(all="ignore"):
        candidates = {"itrans": np.log(i0 / signal), "ifluor": signal / i0}
    for name, derived in candidates.items():
        whole = np.isfinite(derived) & np.isfinite(mu)
        if whole.all() and np.ptp(derived) > 0 and np.ptp(mu) > 0 and np.corrcoef(derived, mu)[0, 1] > 0.999999:
            return name
    return None


def _attrs(record: Record) -> dict[str, Any]:
    edge, element = _text(record, "fft_edge").upper(), _text(record, "bkg_z").capitalize()
    attrs: dict[str, Any] = {
        "sample": _label(record),
        "athena_group": record.tag,
        "element": element if element in _xas.ELEMENTS else None,
        "edge": edge if _xas.EDGE.fullmatch(edge) else None,
        "beamline": _text(record, "beamline") or None,
        "energy_shift": _number(record, "bkg_eshift") or 0.0,
        "reference_group": _text(record, "referencegroup") or None,
    }
    for name, parameter in _NUMBERS.items():
        attrs[name] = _number(record, parameter)
    for name, limits in _RANGES.items():
        pair = [_number(record, limit) for limit in limits]
        attrs[name] = None if None in pair else pair
    attrs["original_metadata"] = json.dumps(record.args, ensure_ascii=False)
    return attrs
