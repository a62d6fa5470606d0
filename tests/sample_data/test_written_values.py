"""What the writers wrote is what the readers read: two independent halves of the same formats."""

import numpy as np
import pytest

from interlayer.parsers.reading import read, read_tree
from interlayer.sample_data.simulators import cycling, eis, haxpes, tem, write_dm3, write_vamas, xanes

FILM, ANALYSER = eis.Film(), eis.Analyser()


def put(folder, made):
    """Write a simulated file and return its path."""
    file = folder / made.name
    file.write_bytes(made.content)
    return file


@pytest.mark.parametrize("write", [eis.biologic, eis.gamry])
def test_impedance(tmp_path, write):
    """A sign or a unit lost between vendor and vocabulary would turn every conductivity."""
    spectrum, _ = eis.simulate(FILM, ANALYSER, 5)
    extension = "mpt" if write is eis.biologic else "DTA"
    ds = read(put(tmp_path, write(f"film.{extension}", FILM, ANALYSER, 5, comment="test")))
    np.testing.assert_allclose(ds["frequency"], spectrum.frequency, rtol=5e-6)  # .DTA prints six digits
    np.testing.assert_allclose(ds["impedance"], spectrum.impedance, rtol=1e-6)
    assert ds["impedance"].attrs["units"] == "ohm"


def test_galvanostatic_record(tmp_path):
    """Current in mA, charge in mA h and the half cycle of EC-Lab must arrive as A, A h and the same half cycles."""
    rows, truth = cycling.simulate(cycling.HalfCell(), cycling.Cycler(), cycling.Protocol(points=20), 5)
    ds = read(put(tmp_path, cycling.biologic("cell.mpt", rows, truth, comment="test")))
    np.testing.assert_allclose(ds["test_time"], rows["time"], rtol=1e-9)
    np.testing.assert_allclose(ds["voltage"], rows["voltage"], rtol=1e-7)
    np.testing.assert_allclose(ds["current"], rows["current"] * 1e-3, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(ds["charge"], np.cumsum(rows["charge"]) * 1e-3, rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(ds["vendor_half_cycle"], rows["half_cycle"])


def test_absorption_scan(tmp_path):
    """Fluorescence is what the detector saw over what came in; counts are kept beside it."""
    energy, i0, ifluor = xanes.simulate({"LGPS": 1.0}, xanes.Scan(), 5)
    made = xanes.scan_file("scan.xdi", {"LGPS": 1.0}, xanes.Scan(), 5, sample="LGPS", comment="test")
    ds = read(put(tmp_path, made))
    np.testing.assert_allclose(ds["energy"], energy, atol=5e-4)
    np.testing.assert_allclose(ds["i0"], i0)
    np.testing.assert_allclose(ds["ifluor"], ifluor)
    np.testing.assert_allclose(ds["mu"], ifluor / i0, rtol=1e-12)
    assert ds["i0"].attrs["units"] == "count"


def test_photoelectron_regions(tmp_path):
    """Binding energies are where the simulator put them: the work function must not be subtracted twice."""
    film, acquisition = haxpes.Overlayer(), haxpes.Acquisition()
    regions, _ = haxpes.simulate(film, acquisition, 5)
    tree = read_tree(put(tmp_path, haxpes.vamas("film.vms", film, acquisition, 5, sample="film", comment="test")))
    datasets = [node.to_dataset() for node in tree.leaves]
    assert [ds.attrs["core_level"] for ds in datasets] == list(acquisition.levels)
    for ds, region in zip(datasets, regions, strict=True):
        kinetic = region.start + region.increment * np.arange(region.counts.size)
        order = np.argsort(ds["kinetic_energy"].values)
        np.testing.assert_allclose(ds["kinetic_energy"].values[order], kinetic, atol=1e-6)
        np.testing.assert_array_equal(ds["counts"].values[order], region.counts)
        low, high = haxpes.LEVELS[ds.attrs["core_level"]].region
        np.testing.assert_allclose([ds["binding_energy"].min(), ds["binding_energy"].max()], [low, high], atol=1e-6)
        assert float(ds["photon_energy"]) == film.photon_energy


def test_blocks_of_unequal_length_and_species_survive(tmp_path):
    """A region that starts one line late shifts every later one."""
    regions = [
        write_vamas.Region("Al", "2s", 5870.0, 0.1, np.arange(10, 40), 0.1, 1),
        write_vamas.Region("Co", "3p", 5920.0, 0.05, np.arange(100, 105), 0.2, 3),
    ]
    file = tmp_path / "two.vms"
    file.write_bytes(write_vamas.write(regions, write_vamas.Instrument(6000.0), sample="two", comment="test"))
    counts = [node.to_dataset()["counts"].values for node in read_tree(file).leaves]
    assert [sorted(c) for c in counts] == [list(range(10, 40)), list(range(100, 105))]


def test_image(tmp_path):
    """Rows run down, columns right, and the pixel size is that of the file, not of the simulator."""
    layer, detector = tem.Layer(), tem.Detector(size=96, pixel_size=0.5)
    image, _ = tem.simulate(layer, detector, 5)
    ds = read(put(tmp_path, tem.dm3("layer.dm3", layer, detector, 5, stated_pixel_size=0.51, comment="test")))
    np.testing.assert_array_equal(ds["intensity"], image)
    assert ds["intensity"].dims == ("y", "x")
    assert ds["x"].attrs["units"] == "nm"
    np.testing.assert_allclose(np.diff(ds["x"]), 0.51, rtol=1e-6)


def test_oblong_image_keeps_its_rows(tmp_path):
    """Rows and columns exchanged would shear an image that is not square."""
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    file = tmp_path / "oblong.dm3"
    file.write_bytes(write_dm3.write(image, 0.5, name="oblong", comment="test"))
    np.testing.assert_array_equal(read(file)["intensity"], image)
