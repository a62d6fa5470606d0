"""Fitted circuits handed to impedance.py, and taken back.

Both packages write circuits alike, and the parameters of an element follow in the same order and units, with one
exception: impedance.py computes its modified inductor as (L jω)^n, here it is L (jω)^n.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import Circuit, Parameter
from .grammar import parse_circuit


def custom_circuit(circuit: Circuit, values: Mapping[str, float], stderr: Mapping[str, float] | None = None) -> Any:
    """Return a fitted circuit as impedance.py knows it.

    Parameters
    ----------
    circuit : Circuit
        From `parse_circuit`.
    values : mapping of str to float
        By name of the parameter, in its unit; all of them.
    stderr : mapping of str to float, optional
        Standard uncertainties, for ``conf_``.

    Returns
    -------
    impedance.models.circuits.CustomCircuit
        With ``parameters_`` and ``conf_`` set, so that it predicts, prints and plots as after a fit of its own.

    References
    ----------
    .. [1] Murbach et al., J. Open Source Softw. 5 (2020) 2349. https://doi.org/10.21105/joss.02349

    Examples
    --------
    >>> import numpy as np
    >>> circuit = parse_circuit("R0-C1")
    >>> custom_circuit(circuit, {"R0": 10.0, "C1": 1e-3}).predict(np.array([1000.0])).round(2)
    array([10.-0.16j])
    """
    import numpy as np
    from impedance.models.circuits import CustomCircuit

    missing = [parameter.name for parameter in circuit.parameters if parameter.name not in values]
    if missing:
        raise ValueError(f"no value for {', '.join(missing)} of {circuit}")
    numbers = np.array([_theirs(p, values, circuit) for p in circuit.parameters])
    handed = CustomCircuit(str(circuit), initial_guess=[float(number) for number in numbers])
    handed.parameters_ = numbers
    if stderr is not None:
        handed.conf_ = np.array([stderr.get(parameter.name, float("nan")) for parameter in circuit.parameters])
    return handed


def from_custom_circuit(handed: Any) -> tuple[Circuit, dict[str, float], set[str]]:
    """Return circuit, values and names of the constants of one of impedance.py's circuits.

    The values are those of its fit, or else its first guess.

    Parameters
    ----------
    handed : impedance.models.circuits.CustomCircuit

    Raises
    ------
    CircuitSyntaxError
        If it has an element that is not known here.
    ValueError
        If it holds fewer values than its circuit has parameters.
    """
    circuit = parse_circuit(handed.circuit)
    fitted = handed.parameters_ if handed.parameters_ is not None else handed.initial_guess
    constants = {_renamed(name, circuit): float(value) for name, value in handed.constants.items()}
    free = [parameter.name for parameter in circuit.parameters if parameter.name not in constants]
    if len(free) != len(fitted):
        raise ValueError(f"found {len(fitted)} values for the {len(free)} free parameters of {circuit}")
    values = constants | dict(zip(free, map(float, fitted), strict=True))
    lossy = [p.name for p in circuit.parameters if p.unit == "H s^(n-1)"]
    return circuit, values | {name: values[name] ** values[f"{name[:-2]}_n"] for name in lossy}, set(constants)


def _theirs(parameter: Parameter, values: Mapping[str, float], circuit: Circuit) -> float:
    """Return a value as impedance.py counts it."""
    value = values[parameter.name]
    return value ** (1.0 / values[f"{parameter.name[:-2]}_n"]) if parameter.unit == "H s^(n-1)" else value


def _renamed(name: str, circuit: Circuit) -> str:
    """Return our name of one of impedance.py's parameters, ``CPE1_0`` being ``CPE1_Q``."""
    label, _, place = name.rpartition("_")
    if not (label and place.isdigit()):
        return name
    own = [p.name for p in circuit.parameters if p.name == label or p.name.startswith(f"{label}_")]
    return own[int(place)] if int(place) < len(own) else name
