"""`interlayer read`: loading one file, and writing it as NetCDF, CSV or Battery Data Format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from interlayer.parsers import read, read_tree

from .files import replacing, save

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def load(file: Path, *, group: str | None, format: str | None, whole: bool) -> xr.Dataset | xr.DataTree:
    """Return one Dataset, or the tree of a file with several measurements when `whole` allows it."""
    if group is not None or not whole:
        return read(file, group=group, format=format)
    tree = read_tree(file, format=format)
    leaves = list(tree.leaves)
    return leaves[0].to_dataset() if len(leaves) == 1 else tree


def describe(data: xr.Dataset | xr.DataTree) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield name and Dataset of each measurement."""
    import xarray as xr

    if isinstance(data, xr.Dataset):
        yield "", data
        return
    for leaf in data.leaves:
        yield leaf.path, leaf.to_dataset()


def write(data: xr.Dataset | xr.DataTree, target: Path) -> None:
    """Write NetCDF, CSV or Battery Data Format, by the end of the name.

    Raises
    ------
    ValueError
        For another ending, for a tree as one table, or for a measurement that the format cannot hold.
    MissingDependency
        If the package that writes the format is not installed.
    """
    import xarray as xr

    from .bdf import SUFFIXES, write_bdf

    if target.name.lower().endswith(SUFFIXES):
        if not isinstance(data, xr.Dataset):
            raise ValueError("Battery Data Format holds one measurement; choose it with --group")
        write_bdf(data, target)
        return
    match target.suffix.lower():
        case ".nc":
            save(data, target)
        case ".csv":
            if not isinstance(data, xr.Dataset):
                raise ValueError("CSV holds one measurement; choose it with --group")
            with replacing(target) as temporary:
                to_table(data).to_csv(temporary, lineterminator="\n")
        case other:
            raise ValueError(f"cannot write {other!r}; expected .nc, .csv, .bdf.csv or .bdf.parquet")


def to_table(ds: xr.Dataset) -> pd.DataFrame:
    """Return a Dataset as a flat table with units in the column names; complex columns become two.

    Examples
    --------
    >>> from interlayer.parsers import schema
    >>> ds = schema.build("eis", {"frequency": [10.0], "impedance": [1 - 1j]})
    >>> list(to_table(ds).columns)
    ['impedance_real (ohm)', 'impedance_imag (ohm)']
    """
    flat = ds.copy(deep=False)
    for name in [str(name) for name in ds.data_vars if ds[name].dtype.kind == "c"]:
        for part in ("real", "imag"):
            values = getattr(ds[name], part)
            flat[f"{name}_{part}"] = values.assign_attrs(ds[name].attrs)
        flat = flat.drop_vars(name)
    units = {str(name): flat[name].attrs.get("units", "") for name in flat.variables}
    table = flat.to_dataframe()
    titles = {name: f"{name} ({unit})" for name, unit in units.items() if unit not in ("", "1")}
    table.index.names = [titles.get(str(name), name) for name in table.index.names]
    return table.rename(columns=titles)
