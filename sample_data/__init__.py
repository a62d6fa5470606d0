"""Simulated experiments: one folder for each system, with vendor files, the facts a user would state, and the truth.

Nothing here was measured. Each folder holds files in a vendor's own format, ``experiment.toml`` with what the
instrument does not know, and ``truth.toml`` with what the simulator put in.

>>> from interlayer import sample_data
>>> sample_data.path("eis_lipon_film/film_35C.mpt").name
'film_35C.mpt'
>>> sample_data.truth("eis_lipon_film/film_35C.mpt")["ionic_conductivity"]
{'value': 6.51e-07, 'unit': 'S cm-1'}
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

__all__ = ["experiments", "path", "regenerate", "truth"]

_HERE = Path(__file__).parent


def experiments() -> tuple[str, ...]:
    """Return the names of the experiment folders.

    Examples
    --------
    >>> "haxpes_al2o3_lco" in experiments()
    True
    """
    return tuple(sorted(folder.parent.name for folder in _HERE.glob("*/experiment.toml")))


def path(name: str) -> Path:
    """Return where a folder or a file of the sample data is.

    Parameters
    ----------
    name : str
        Experiment, or experiment and file: ``"eis_lipon_film/film_35C.mpt"``.

    Raises
    ------
    FileNotFoundError
        If there is none of that name.
    """
    place = _HERE / name
    if not place.exists() or name.split("/")[0] not in experiments():
        raise FileNotFoundError(f"no sample data called {name!r}; the experiments are {', '.join(experiments())}")
    return place


def truth(name: str) -> dict[str, Any]:
    """Return the true values of an experiment by file, or of one file by quantity.

    Parameters
    ----------
    name : str
        Experiment, or experiment and file, or experiment and kind of series:
        ``"eis_linbox_temperature/temperature series"``.

    Returns
    -------
    dict
        ``{file or series: {quantity: {"value": ..., "unit": ...}}}``, or the inner dictionary for one of them.

    Raises
    ------
    FileNotFoundError
        If there is no such experiment or file.
    """
    experiment, _, part = name.partition("/")
    data = tomllib.loads((path(experiment) / "truth.toml").read_text(encoding="utf-8"))
    values: dict[str, Any] = data["truth"]
    if part and part not in values:
        path(name)
        return {}
    return values[part] if part else values


def regenerate(folder: Path | str) -> tuple[Path, ...]:
    """Write all experiments anew below a folder and return the files written.

    Vendor files and truth come from the simulators, ``experiment.toml`` is copied. The bytes are the same each time.

    Parameters
    ----------
    folder : path-like
        Created when absent; files of the same name are replaced.
    """
    from . import catalogue

    written: list[Path] = []
    for experiment, files in catalogue.generate().items():
        place = Path(folder) / experiment
        place.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
            written.append(place / name)
        (place / "experiment.toml").write_bytes((_HERE / experiment / "experiment.toml").read_bytes())
        written.append(place / "experiment.toml")
    return tuple(written)
