"""What a record of EC-Lab or BT-Lab says about itself: missing values, single rows, current against charge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ._cycling_checks import plausibility
from ._cycling_isolated import isolated_values
from ._source import Measurement
from .findings import Finding

_NAMES = ("test_time", "voltage", "current", "charge", "vendor_charge", "vendor_step")
_ALWAYS = ("test_time", "voltage")


def checked(found: Measurement) -> Measurement:
    """Return a measurement with what its own columns say against each other; a spectrum stays as it is.

    A text can be edited, pasted and cut, so all that its columns can say is asked of them.
    """
    record = _record(found)
    if not record:
        return found
    known = {finding.code for finding in found.findings}
    remarks = _missing(record) + plausibility(record)
    return replace(found, findings=[*found.findings, *(remark for remark in remarks if remark.code not in known)])


def with_isolated_values(found: Measurement) -> Measurement:
    """Return a measurement with its rows that stand apart, as a flipped bit does; a spectrum stays as it is."""
    record = _record(found)
    if "current" not in record:
        return found
    remarks = [remark for remark in isolated_values(record) if remark.code == "isolated-values"]
    return replace(found, findings=[*found.findings, *remarks])


def _record(found: Measurement) -> dict[str, np.ndarray]:
    columns = found.dataset.variables
    return {name: columns[name].values for name in _NAMES if name in columns} if "voltage" in columns else {}


def _missing(record: dict[str, np.ndarray]) -> list[Finding]:
    findings = []
    if "current" not in record:
        findings.append(Finding("no-current", "warning", "The file has no column of the current, nor of the charge."))
    for name in _ALWAYS:
        if missing := int(np.count_nonzero(~np.isfinite(record[name]))):
            message = f"The {name.replace('_', ' ')} is missing in {missing} of {len(record[name])} rows."
            findings.append(Finding("missing-values", "warning", message))
    return findings
