"""Velox files: EELS maps against the raw content of the file, and files of which one part is broken."""

from __future__ import annotations

import json
from io import BytesIO
from zipfile import ZipFile

import h5py
import numpy as np
import pytest

from interlayer.parsers import ParseError, findings, read_tree

ROSETTA = "tem/rosettasciio/emd"
MAP = "tem/SciFiReaders/tests/readers/microscopy/em/tem/EMDReader_SpectrumImage_Si.emd"
LOW_LOSS = 2  # place of the map that begins at -21.5 eV among the keys of EelsSpectrumImage, which are random


def codes(dataset):
    return [finding.code for finding in findings(dataset.attrs)]


@pytest.fixture(scope="module")
def velox(corpus):
    """Bytes of a file with three EELS ranges, six X-ray segments and eight images of one scan of 20 x 16 points."""
    with ZipFile(corpus / ROSETTA / "velox_EELS_EDS.zip") as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith(".emd")))


def told(group, name="Metadata", column=0):
    return json.loads(group[name][:, column].tobytes().rstrip(b"\0"))


def replace(group, name, values):
    """Put other values into a file, faster than writing to the old ones across chunks."""
    del group[name]
    group[name] = values


def changed(data, path, change):
    """Return the tree of a copy whose HDF5 content `change` has altered."""
    path.write_bytes(data)
    with h5py.File(path, "r+") as file:
        change(file["Data"])
    return read_tree(path)


def test_eels_maps_hold_the_values_of_the_file(velox, tmp_path):
    """The file stores (x, energy, y): a map turned or mirrored puts every interface elsewhere."""
    tree = changed(velox, tmp_path / "copy.emd", lambda data: None)
    with h5py.File(BytesIO(velox), "r") as file:
        stored = {told(group, "AcquisitionMetadata")["Data"]["offset"]: group["Data"][()]
                  for group in file["Data/EelsSpectrumImage"].values()}  # fmt: skip
    for place, offset in enumerate(sorted(stored)):
        counts = tree[f"eels_{place}"]["counts"]
        assert counts.dims == ("y", "x", "energy")
        assert counts.dtype == np.uint16
        for y, x, channel in ((0, 0, 0), (15, 19, 2047), (3, 17, 1000)):
            assert counts[y, x, channel] == stored[offset][x, channel, y]
        np.testing.assert_array_equal(counts.values.sum(axis=(0, 1)), stored[offset].sum(axis=(0, 2)))


def test_eels_axes_are_those_of_the_spectrometer(velox, tmp_path):
    """Three ranges of 0.1692 eV per channel from -21.5026, 480 and 800 eV (their AcquisitionMetadata)."""
    tree = changed(velox, tmp_path / "copy.emd", lambda data: None)
    for place, (first, exposure) in enumerate([(-21.5026, 2e-6), (480.0, 5e-3), (800.0, 4e-3)]):
        dataset = tree[f"eels_{place}"].dataset
        assert dataset.attrs["technique"] == "eels"
        assert dict(dataset.sizes) == {"y": 16, "x": 20, "energy": 2048}
        assert float(dataset["energy"][0]) == pytest.approx(first, rel=1e-12)
        np.testing.assert_allclose(np.diff(dataset["energy"]), 0.1692, rtol=1e-9)
        assert dataset.attrs["exposure_time"] == exposure
        assert dataset.attrs["convergence_angle"] == pytest.approx(21.43377828)  # Optics/BeamConvergence in mrad
        assert dataset.attrs["collection_angle"] == pytest.approx(3.34354929)  # EnergyFilter.CollectionAngleRange.End
        assert (dataset.attrs["beam_energy"], dataset.attrs["detector"]) == (300e3, "Zebra")


def test_pedestal_of_the_spectrometer_is_told_and_not_taken_off(velox, tmp_path):
    """With the beam off the camera reads 100, not 0: (stored - 100) * 0.0823 is the intensity of IntensityOffset."""
    dataset = changed(velox, tmp_path / "copy.emd", lambda data: None)["eels_0"].dataset
    assert dataset["counts"].attrs["units"] == "1"
    assert dataset.attrs["intensity_scale"] == pytest.approx(0.082287381, rel=1e-8)
    assert dataset.attrs["intensity_origin"] == pytest.approx(100.0, rel=1e-12)
    assert float(dataset["counts"].mean()) == pytest.approx(100.0, abs=0.1)


def test_eels_map_lies_as_the_maps_that_velox_made_of_it(velox, tmp_path):
    """Velox quantified the second range into images of its own: only the right orientation correlates with them."""
    tree = changed(velox, tmp_path / "copy.emd", lambda data: None)
    total = tree["eels_1"]["counts"].values.sum(axis=-1)
    for place in range(3):
        image = tree[f"image_{place}"]["intensity"].values.ravel()
        right = abs(np.corrcoef(image, total.ravel())[0, 1])
        wrong = max(abs(np.corrcoef(image, other.ravel())[0, 1]) for other in (total[::-1], total[:, ::-1], total.T))
        assert right > 0.35
        assert wrong < 0.15  # 2.7 standard deviations of chance among 320 points


def test_pixel_size_of_the_scan_is_that_of_the_images_beside_it(velox, tmp_path):
    """EELS maps state no pixel size: field of view over points gives what Velox states for images of the same scan."""
    tree = changed(velox, tmp_path / "copy.emd", lambda data: None)
    stated = tree["image_3"].dataset  # a map of the X-ray detector, with PixelSize and Offset
    assert stated.attrs["calibration_source"] == "Velox BinaryResult/PixelSize"
    for group in ("image_0", "eels_0", "eels_1", "eels_2"):
        dataset = tree[group].dataset
        assert "FullScanFieldOfView" in dataset.attrs["calibration_source"]
        for axis in ("y", "x"):
            assert dataset[axis].attrs["units"] == "nm"
            np.testing.assert_allclose(dataset[axis], stated[axis], rtol=1e-12)


def test_scan_of_another_size_calibrates_nothing(velox, tmp_path):
    """A field of view says nothing about a map that has other points than the scan: cut, binned or drawn."""

    def cut(data):
        for group in data["EelsSpectrumImage"].values():
            del group["Info"]
            for name in ("AcquisitionMetadata", "Data"):
                replace(group, name, group[name][..., :8])

    dataset = changed(velox, tmp_path / "cut.emd", cut)["eels_0"].dataset
    assert dict(dataset.sizes) == {"y": 8, "x": 20, "energy": 2048}
    assert dataset["y"].attrs["units"] == dataset["x"].attrs["units"] == "pixel"
    assert "uncalibrated" in codes(dataset)


def test_lines_that_were_not_measured_are_no_zeros(velox, tmp_path):
    """An interrupted scan leaves allocated lines behind; as zeros they would be vacuum."""

    def interrupt(data):
        for group in data["EelsSpectrumImage"].values():
            for name in ("AcquisitionMetadata", "Data"):
                values = group[name][()]
                values[..., 13:] = 0
                replace(group, name, values)

    dataset = changed(velox, tmp_path / "stopped.emd", interrupt)["eels_0"].dataset
    assert dataset.sizes["y"] == 13
    assert "truncated-scan" in codes(dataset)
    assert dataset["counts"].values.min() > 0
    np.testing.assert_allclose(np.diff(dataset["y"]), 158.658038, rtol=1e-8)

    def never(data):
        data["EelsSpectrumImage"].move(next(iter(data["EelsSpectrumImage"])), "0")
        for group in data["EelsSpectrumImage"].values():
            group["AcquisitionMetadata"][...] = 0

    tree = changed(velox, tmp_path / "never.emd", never)
    assert not any(group.startswith("eels") for group in tree.children)
    assert any("record of its measurement" in finding.message for finding in findings(tree["image_0"].attrs))


def _shift_one_line(group):
    record = told(group, "AcquisitionMetadata", 5)
    record["Data"]["offset"] += 0.5
    raw = json.dumps(record).encode()
    group["AcquisitionMetadata"][:, 5] = np.frombuffer(raw.ljust(672, b"\0"), np.uint8)


def _lose_values(group):
    replace(group, "Data", np.zeros((3, 2048, 16), np.uint16))


def _spoil_info(group):
    replace(group, "Info", np.array([b"{not json"], dtype=h5py.string_dtype()))


@pytest.mark.parametrize(
    ("spoil", "word"),
    [(_shift_one_line, "2 calibrations"), (_lose_values, "width of 20"), (_spoil_info, "Info cannot be read")],
)
def test_one_bad_map_costs_no_other(velox, tmp_path, spoil, word):
    """A night at the microscope is one file: eight images, twelve spectra and two maps outlive a bad third map."""
    tree = changed(velox, tmp_path / "bad.emd", lambda data: spoil(list(data["EelsSpectrumImage"].values())[LOW_LOSS]))
    kinds = [name.split("_")[0] for name in tree.children]
    assert [kinds.count(kind) for kind in ("image", "spectrum", "events", "eels")] == [8, 6, 1, 2]
    messages = [finding.message for finding in findings(tree["image_0"].attrs) if finding.code == "part-not-read"]
    assert len(messages) == 1
    assert word in messages[0]


def test_bad_spectra_and_streams_cost_no_image(velox, tmp_path):
    """Settings that cannot be read, a detector without dispersion, a group without a table: each is named."""

    def spoil(data):
        streams, spectra = list(data["SpectrumStream"].values()), list(data["Spectrum"].values())
        replace(streams[0], "AcquisitionSettings", np.array([b"["], dtype=h5py.string_dtype()))
        spectra[0]["Metadata"][...] = 0
        replace(spectra[1], "Data", np.zeros((0, 1), np.uint32))

    tree = changed(velox, tmp_path / "bad.emd", spoil)
    kinds = [name.split("_")[0] for name in tree.children]
    assert [kinds.count(kind) for kind in ("image", "spectrum", "events", "eels")] == [8, 4, 1, 3]
    assert len(tree["events_0"].attrs["detectors"]) == 5
    found = [finding for finding in findings(tree["eels_0"].attrs) if finding.code == "part-not-read"]
    assert [finding.message.split(":")[0] for finding in found] == ["spectrum_0", "spectrum_1", "events_0"]


def test_values_that_do_not_unpack_cost_no_other(corpus, tmp_path):
    """The compressed image of a map is flipped in one byte: the library stops, the events are read."""

    def pack(data):
        (group,) = data["Image"].values()
        values = group["Data"][()]
        del group["Data"]
        group.create_dataset("Data", data=values, chunks=values.shape, compression="gzip", fletcher32=True)

    path = tmp_path / "packed.emd"
    changed((corpus / MAP).read_bytes(), path, pack)
    with h5py.File(path, "r") as file:
        (group,) = file["Data/Image"].values()
        place = group["Data"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[place + 100] ^= 0xFF
    path.write_bytes(data)
    tree = read_tree(path)
    assert list(tree.children) == ["events_0"]
    assert "image_0: the HDF5 file cannot be read" in findings(tree["events_0"].attrs)[0].message


def test_map_without_its_stream_is_named(corpus):
    """Velox can save a map compressed and without its events: the user must hear that the map is not read."""
    for path, node in read_tree(corpus / ROSETTA / "velox_emd_version11.zip").subtree_with_keys:
        if node.dataset.attrs:
            assert ("part-not-read" in codes(node.dataset)) == ("ReducedData" in path)


def test_intensity_of_an_image_is_told(velox, tmp_path):
    """Dark-field numbers are currents: 2.5e-14 A each, from 4096 on (IntensityScale and IntensityOffset)."""
    attrs = changed(velox, tmp_path / "copy.emd", lambda data: None)["image_4"].attrs
    assert attrs["intensity_scale"] == pytest.approx(2.50023577e-14, rel=1e-8)
    assert attrs["intensity_origin"] == pytest.approx(4096.0, rel=1e-9)
    assert attrs["intensity_units"] == "A"


def test_cut_files_never_hold_other_numbers(velox, tmp_path):
    """Half a file gives what is whole in it or an error; HDF5 fills what is missing with zeros."""
    whole = changed(velox, tmp_path / "whole.emd", lambda data: None)
    for part in (0.05, 0.5, 0.9, 0.999):
        path = tmp_path / "cut.emd"
        path.write_bytes(velox[: int(part * len(velox))])
        try:
            tree = read_tree(path)
        except ParseError:
            continue
        for name, node in tree.children.items():
            variable = "intensity" if "intensity" in node else "channel" if "channel" in node else "counts"
            np.testing.assert_array_equal(node[variable].values, whole[name][variable].values)
