"""Images and spectra in damaged files: the truth, less of it with an error, or a refusal, in every microscopy format.

Each format is represented by a small real file with the files that belong beside it. What a reader returns for a
damaged copy is held against the whole one: pixels, axes, calibration and kind have to be those of the whole file, or
something has to be said that is not said of it.

No reader can know of every wrong digit. A changed pixel passes, and so does a scale where a file states it once; where
a file states something twice the contradiction has to be noticed. Outside of these tests some 20 000 flips, cuts,
losses, insertions and blocks of zeros, among them every bit of three MRC headers and three ripple tables, gave no error
but the reader's own. Scales changed without a word by less than 0.1 % where the two sides of a pixel are all there is
to compare, and by less than a channel over the whole axis of an EMSA spectrum that lists its energies.
"""

from __future__ import annotations

import random
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    ParseError,
    Source,
    UnsupportedContent,
    findings,
    measurements,
    read,
    read_tree,
)

R = "rosettasciio"
TIA, RIPPLE, BRUKER = f"{R}/tia", f"{R}/ripple", f"{R}/bruker"


@dataclass(frozen=True)
class File:
    """A real file, what lies beside it, the length of its header, and whether a loss behind a line's end shows."""

    path: str
    beside: tuple[str, ...] = ()
    header: int = 512
    text: bool = False

    def __str__(self) -> str:
        return self.path.rpartition("/")[2][:40]


FILES = (
    File(f"{TIA}/old/64x64_TEM_images_acquire_1.ser", (f"{TIA}/old/64x64_TEM_images_acquire.emi",), 128),
    File(
        f"{TIA}/new/16x16-line_profile_horizontal_5x128x128_EDS_1.ser",
        (f"{TIA}/new/16x16-line_profile_horizontal_5x128x128_EDS.emi",),
        190,
    ),
    File(f"{TIA}/new/16x16-line_profile_horizontal_5x128x128_EDS_2.ser", (), 210),
    File(f"{TIA}/new/16x16-spectrum_image_5x5x4000-not_square_1.ser", (), 560),
    File(f"{TIA}/old/16x16-line_profile_horizontal_10x1024_1.ser", (), 182),
    File(
        f"{TIA}/old/16x16_STEM_BF_DF_acquire.emi",
        (f"{TIA}/old/16x16_STEM_BF_DF_acquire_1.ser", f"{TIA}/old/16x16_STEM_BF_DF_acquire_2.ser"),
    ),
    File(f"{R}/mrc/20241021_00405_final.mrc", (), 224),
    File(f"{R}/mrc/HAADFscan.mrc", (), 224),
    File("openNCEM/temp.mrc", (), 224),
    File(f"{R}/msa/example1.msa", (), 700, text=True),
    File(f"{R}/msa/example2.msa", (), 1000, text=True),
    File("exspy/tests/components/coreloss_spectrum.msa", (), 300, text=True),
    File(f"{RIPPLE}/test_ripple_sdim-1_ndim-1_float64.rpl", (f"{RIPPLE}/test_ripple_sdim-1_ndim-1_float64.raw",),
         400, text=True),
    File(f"{RIPPLE}/test_ripple_sdim-2_ndim-1_float32_meta.rpl",
         (f"{RIPPLE}/test_ripple_sdim-2_ndim-1_float32_meta.raw",), 400, text=True),
    File("synthetic/eds_30nm_low.csv", (), 200, text=True),
    File(f"{R}/hspy/example1_v1.2.hdf5", (), 2048),
    File(f"{R}/hspy/example2_v3.1.hspy", (), 2048),
    File("exspy/data/EDS_TEM_FePt_nanoparticles.hspy", (), 2048),
    File(f"{R}/emd/example_image.emd", (), 2048),
    File(f"{R}/digitalmicrograph/2D/test-1.dm3", (), 512),
    File(f"{R}/digitalmicrograph/2D/test-2.dm4", (), 512),
    File(f"{R}/tiff/test_loading_image_saved_with_imageJ_stack.tif", (), 512),
    File(f"{R}/tiff/test_loading_image_saved_with_imageJ.tif", (), 512),
    File(f"{BRUKER}/test_TEM.bcf", (), 0x400),
    File(f"{BRUKER}/bruker_nano.spx", (), 512),
    File("NexusLIMS/647_leo_edax_test.spc", (), 40),
)  # fmt: skip
TIA_FILES = tuple(file for file in FILES if file.path.endswith(".ser"))


@dataclass(frozen=True)
class Whole:
    """A file in a folder of its own, as it is: its bytes, its Datasets by group, and what is said of them."""

    file: File
    path: Path
    data: bytes
    trees: dict
    said: frozenset


def loaded(path: Path) -> tuple[dict, frozenset]:
    found = {one.group: one.dataset for one in measurements(Source(path))}
    said = frozenset((one.severity, one.code, one.message) for ds in found.values() for one in findings(ds.attrs))
    return found, said


def placed(file: File, folder: Path, corpus) -> Whole:
    for name in (file.path, *file.beside):
        shutil.copy(corpus / f"tem/{name}", folder)
    path = folder / Path(file.path).name
    path.chmod(0o644)
    trees, said = loaded(path)
    return Whole(file, path, path.read_bytes(), trees, said)


@pytest.fixture(scope="module", params=FILES, ids=str)
def whole(request, corpus, tmp_path_factory) -> Whole:
    return placed(request.param, tmp_path_factory.mktemp("whole"), corpus)


def main(dataset) -> str:
    return next(name for name in ("intensity", "counts") if name in dataset)


def differs(one, other) -> str:
    """Return what of a Dataset is not as in the whole one: kind, axes, the number of values or the values."""
    name = main(other)
    if name not in one or one.attrs["technique"] != other.attrs["technique"] or one[name].dtype != other[name].dtype:
        return "kind"
    values, true = one[name], other[name]
    if values.dims != true.dims or any(few > many for few, many in zip(values.shape, true.shape, strict=True)):
        return "kind"
    for axis in other.coords:
        if one[axis].attrs.get("units") != other[axis].attrs.get("units"):
            return "axes"
        if one[axis].dtype.kind in "iuf":
            size = one[axis].size
            step = abs(float(np.ptp(other[axis].values))) / max(other[axis].size - 1, 1) or 1.0
            if not np.allclose(one[axis].values, other[axis].values[:size], rtol=0, atol=1e-9 * step * size):
                return "axes"
    part = true.values[tuple(slice(0, size) for size in values.shape)]
    if not np.array_equal(values.values, part, equal_nan=True):
        return "values"
    return "" if values.shape == true.shape else "less"


@dataclass(frozen=True)
class Outcome:
    """What came of a damaged copy: refused, or what of it differs and the new findings."""

    refused: bool = False
    differences: frozenset = frozenset()
    codes: frozenset = frozenset()
    severities: frozenset = frozenset()
    trees: dict | None = None

    @property
    def honest(self) -> bool:
        """Whether it is refused, equal, or something is said of it; less than the whole is an error."""
        if self.refused or not self.differences:
            return True
        if self.differences & {"less", "lost"}:
            return bool(self.severities & {"error", "warning"} or "unmapped-columns" in self.codes)
        return bool(self.codes)


def outcome(whole: Whole, data: bytes, path: Path | None = None) -> Outcome:
    path = path or whole.path
    path.write_bytes(data)
    try:
        trees, said = loaded(path)
    except ParseError:
        return Outcome(refused=True)
    finally:
        whole.path.write_bytes(whole.data)
    new = said - whole.said
    different = {differs(trees[group], true) if group in trees else "lost" for group, true in whole.trees.items()}
    return Outcome(
        False,
        frozenset(different - {""}),
        frozenset(code for _, code, _ in new),
        frozenset(severity for severity, _, _ in new),
        trees,
    )


def flipped(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


# Bytes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.01, 0.1, 0.5, 0.9, 0.99, 1.0])
def test_half_a_file_is_no_image(whole, part):
    """A full disk or a broken copy: whole frames or lines are kept with a word, never zeros and never half a number."""
    cut = min(int(part * len(whole.data)), len(whole.data) - 1)
    found = outcome(whole, whole.data[:cut])
    at_line_end = whole.file.text and whole.data[cut - 1 : cut] == b"\n"
    assert found.honest or (at_line_end and found.differences == {"less"})
    assert "values" not in found.differences or found.codes == {"no-line-end"}  # the last number of a line scan


@pytest.mark.parametrize("place", ["header", "middle", "end"])
def test_a_block_of_zeros_is_seen_or_stays_where_it_is(whole, place):
    """A sector that was never written: zeros may stand where the file has them, and nowhere else."""
    start = {"header": 0, "middle": len(whole.data) // 2, "end": max(len(whole.data) - 512, 0)}[place]
    block = whole.data[start : start + 512]
    found = outcome(whole, whole.data[:start] + bytes(len(block)) + whole.data[start + 512 :])
    if found.honest:
        return
    assert found.differences == {"values"}
    for group, true in whole.trees.items():
        name = main(true)
        changed = found.trees[group][name].values != true[name].values
        left = np.count_nonzero(found.trees[group][name].values[changed])
        assert left <= 2, "numbers at the two ends of the block keep some of their bytes"
        assert (changed.sum() - left) * true[name].dtype.itemsize <= 512


def test_flipped_bits_of_a_header_are_seen_or_change_one_number(whole):
    """Sizes, types and places are checked against the file; what is left is an origin, a scale or a title."""
    generator = random.Random(11)
    for _ in range(25):
        place, bit = generator.randrange(min(whole.file.header, len(whole.data))), generator.randrange(8)
        found = outcome(whole, flipped(whole.data, place, bit))
        if found.honest:
            continue
        assert found.differences <= {"axes", "values"}, (place, bit)
        for group, true in whole.trees.items():
            name = main(true)
            assert np.count_nonzero(found.trees[group][name].values != true[name].values) <= 1, (place, bit)


@pytest.mark.parametrize("junk", [b"\0", bytes(512), b"junk" * 100], ids=["one byte", "zeros", "text"])
def test_appended_bytes_change_nothing(whole, junk):
    """What a network drive pads is no data."""
    found = outcome(whole, whole.data + junk)
    assert found.refused or not found.differences
    if whole.data.startswith(b"\x89HDF") and not found.refused:
        assert "trailing-bytes" in found.codes


@pytest.mark.parametrize("change", ["lost", "inserted"])
def test_lost_and_inserted_bytes_shift_nothing_unseen(whole, change):
    """One byte in front of it moves every pixel, and turns 16-bit pixels into noise that looks like a micrograph."""
    generator = random.Random(13)
    for _ in range(8):
        place = generator.randrange(len(whole.data))
        count = 1 if whole.file.text else generator.choice([1, 2, 20])
        if whole.path.suffix == ".tif":
            count = 500  # programs leave a few bytes behind a TIFF file themselves
        middle = b"" if change == "lost" else whole.data[place : place + count]
        after = whole.data[place + (count if change == "lost" else 0) :]
        found = outcome(whole, whole.data[:place] + middle + after)
        if found.honest:
            continue
        assert whole.file.text, place  # a digit
        assert found.differences <= {"values", "axes"}
        for group, true in whole.trees.items():
            name = main(true)
            assert np.count_nonzero(found.trees[group][name].values != true[name].values) <= 1, place


def test_any_bytes_give_a_dataset_or_the_readers_own_error(whole, survive, damaged):
    """A stray exception stops a folder of a thousand files; one of them is always damaged."""

    def trees(copy):
        whole.path.write_bytes(copy)
        return list(loaded(whole.path)[0].values())

    read_well, refused = survive(trees, damaged(whole.data, 15, seed=17))
    whole.path.write_bytes(whole.data)
    assert read_well + refused == 15


# Names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".dat", ".ser", ".mrc", ".msa", ".dm3", ".hspy", ".tif"])
def test_a_wrong_extension_decides_nothing(whole, suffix):
    """Content decides; a format that is known by its name alone is refused under another."""
    if whole.path.suffix == suffix:
        return
    copy = whole.path.with_name(whole.path.stem + suffix)
    found = outcome(whole, whole.data, copy)
    copy.unlink()
    assert found.refused or not found.differences


# What is stated twice ----------------------------------------------------------------------------------------------


@pytest.fixture
def put(corpus, tmp_path):
    """Return a function that puts a file and what belongs to it into a folder of its own."""
    return lambda name: placed(next(file for file in FILES if file.path.endswith(name)), tmp_path, corpus)


# Places in 64x64_TEM_images_acquire_1.ser: element at 76, origin and step of x at 76 and 84, of y at 96 and 104
@pytest.mark.parametrize("place", [84, 104], ids=["x", "y"])
@pytest.mark.parametrize("factor", [0.5, 0.999, 1.0001, 1000.0])
def test_a_pixel_is_a_square_in_a_series(put, place, factor):
    """The scale enters every thickness; TIA writes it twice, and the origin is half the image away from zero."""
    whole = put("64x64_TEM_images_acquire_1.ser")
    (step,) = struct.unpack_from("<d", whole.data, place)
    found = outcome(whole, whole.data[:place] + struct.pack("<d", step * factor) + whole.data[place + 8 :])
    assert "calibration-contradicted" in found.codes


def test_both_scales_of_a_series_contradict_its_origin(put):
    """Both sides of the pixel changed by one factor: the centre of the image is no longer its origin."""
    whole = put("64x64_TEM_images_acquire_1.ser")
    data = bytearray(whole.data)
    for place in (84, 104):
        struct.pack_into("<d", data, place, 2 * struct.unpack_from("<d", data, place)[0])
    assert "origin-not-centred" in outcome(whole, bytes(data)).codes


@pytest.mark.parametrize("factor", [0.5, 1.001, -2.0])
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("EDS_1.ser", 46),  # step of the line after mark, kinds, counts, place of the table, size and start
        ("10x1024_1.ser", 42),
        ("not_square_1.ser", 46),
        ("not_square_1.ser", 92),
    ],
)
def test_the_step_of_a_scan_is_that_of_its_positions(put, name, place, factor):
    """The width of an interface is counted in these steps; the tag of each point has its position."""
    whole = put(name)
    (step,) = struct.unpack_from("<d", whole.data, place)
    assert 1e-10 < abs(step) < 5e-9
    found = outcome(whole, whole.data[:place] + struct.pack("<d", step * factor) + whole.data[place + 8 :])
    assert "calibration-contradicted" in found.codes


def test_the_channel_width_is_that_of_the_detector(put):
    """Half the dispersion puts every line at half its energy; the .emi file names the width of the channels."""
    whole = put("EDS_1.ser")
    data = bytearray(whole.data)
    for element in struct.unpack_from("<5Q", data, 80):
        assert struct.unpack_from("<d", data, element + 8) == (5.0,)
        struct.pack_into("<d", data, element + 8, 10.0)
    assert "calibration-contradicted" in outcome(whole, bytes(data)).codes
    struct.pack_into("<d", data, element + 8, 7.5)
    assert "calibration-contradicted" in outcome(whole, bytes(data)).codes


def test_an_image_is_that_of_its_collection(put):
    """TIA keeps a copy of a single image in the .emi file; one flipped bit makes them differ."""
    whole = put("64x64_TEM_images_acquire_1.ser")
    for place in (130, len(whole.data) // 2, 16_500):
        found = outcome(whole, flipped(whole.data, place, 6))
        assert found.codes == {"copy-differs"}
        assert found.severities == {"error"}


def test_the_collection_of_another_series_is_not_believed_silently(put, corpus):
    """Files renamed in a folder: voltage and magnification would be those of another session."""
    whole = put("64x64_TEM_images_acquire_1.ser")
    other = (corpus / f"tem/{TIA}/new/128x128_TEM_acquire-sum1.emi").read_bytes()
    emi = whole.path.with_name("64x64_TEM_images_acquire.emi")
    emi.chmod(0o644)
    emi.write_bytes(other)
    assert "description-unconfirmed" in outcome(whole, whole.data).codes


def test_a_series_without_its_collection_is_read(put):
    """The pixels and their size are in the series; the voltage is missing then, and not another one's."""
    whole = put("64x64_TEM_images_acquire_1.ser")
    assert next(iter(whole.trees.values())).attrs["beam_energy"] == 200e3
    whole.path.with_name("64x64_TEM_images_acquire.emi").unlink()
    found = outcome(whole, whole.data)
    assert not found.differences
    assert "beam_energy" not in next(iter(found.trees.values())).attrs


def test_a_cut_collection_says_what_is_missing(put):
    """Half an .emi file has no description; its series are whole."""
    whole = put("16x16_STEM_BF_DF_acquire.emi")
    found = outcome(whole, whole.data[:2000])
    assert not found.differences
    assert found.codes == {"description-not-read", "description-unconfirmed"}


def test_a_collection_without_series_is_refused(put):
    """An .emi file alone has nothing that can be read."""
    whole = put("16x16_STEM_BF_DF_acquire.emi")
    for number in (1, 2):
        whole.path.with_name(f"16x16_STEM_BF_DF_acquire_{number}.ser").unlink()
    with pytest.raises(UnsupportedContent, match=r"no 16x16_STEM_BF_DF_acquire_1\.ser"):
        read_tree(whole.path)


def test_one_broken_series_costs_no_other(put):
    """The second series is read, and the loss of the first is an error in its findings."""
    whole = put("16x16_STEM_BF_DF_acquire.emi")
    first = whole.path.with_name("16x16_STEM_BF_DF_acquire_1.ser")
    first.chmod(0o644)
    first.write_bytes(first.read_bytes()[:300])
    found = outcome(whole, whole.data)
    assert found.differences == {"lost"}
    assert "series-not-read" in found.codes
    assert found.severities == {"error"}


def test_a_series_that_counts_fewer_elements_than_it_lists_says_so(put):
    """One flipped bit of the count makes one spectrum of a line of five."""
    whole = put("EDS_1.ser")
    found = outcome(whole, flipped(whole.data, 18, 2))  # 5 becomes 1
    assert "elements-not-counted" in found.codes
    assert "error" in found.severities


@pytest.mark.parametrize(
    ("place", "layout", "factor"),
    [(1180, "<d", 1.01), (1188, "<d", 0.5), (1180, "<d", 1e3), (40, "<f", 1.01), (44, "<f", 1.01), (28, "<i", 2)],
)
def test_the_extended_header_agrees_with_the_cell(put, place, layout, factor):
    """Velox writes the pixel size into both headers of an MRC file."""
    whole = put("HAADFscan.mrc")
    data = bytearray(whole.data)
    (value,) = struct.unpack_from(layout, data, place)
    struct.pack_into(layout, data, place, value * factor)
    assert "calibration-contradicted" in outcome(whole, bytes(data)).codes


def test_a_lost_extended_header_is_missed(put):
    """With the mark FEI2 gone the cell of the header is taken, and that is said."""
    whole = put("HAADFscan.mrc")
    for data in (flipped(whole.data, 104, 1), whole.data[:1024] + bytes(512) + whole.data[1536:]):
        found = outcome(whole, data)
        assert "extended-header-not-read" in found.codes
        (dataset,) = found.trees.values()
        assert dataset.attrs["pixel_size"] == pytest.approx(5.6791313, rel=1e-7)


@pytest.mark.parametrize("place", [0, 4, 8, 12, 92], ids=["columns", "rows", "sections", "mode", "extended"])
def test_sizes_of_a_header_are_those_of_the_file(put, place):
    """Two of three frames, or half of each, would be an image too; the length of the file tells."""
    whole = put("temp.mrc")
    for bit in range(6):
        assert outcome(whole, flipped(whole.data, place, bit)).refused


@pytest.mark.parametrize("place", range(0, 80, 3))
def test_every_chunk_of_a_bruker_file_has_its_check(put, place):
    """A damaged map ends the process or comes out empty in the library that reads it."""
    whole = put("test_TEM.bcf")
    at = 0x118 + 4096 * (place + 1) + 32
    data = whole.data[:at] + bytes(4064) + whole.data[at + 4064 :]
    assert (data == whole.data) != outcome(whole, data).refused


@pytest.mark.parametrize(("name", "start"), [("64x64_TEM_images_acquire_1.ser", 8_000), ("temp.mrc", 90_000)])
def test_a_sector_of_zeros_in_an_image_is_told(put, name, start):
    """A crash leaves blocks of a file that were never written; in an image of counts they are black stripes."""
    whole = put(name)
    found = outcome(whole, whole.data[:start] + bytes(1024) + whole.data[start + 1024 :])
    assert "blank-block" in found.codes


# HDF5 --------------------------------------------------------------------------------------------------------------


def test_a_heap_without_free_space_is_refused(put):
    """The HDF5 library never returns from such a file."""
    whole = put("example1_v1.2.hdf5")
    assert whole.data[1040:1062] == struct.pack("<HHIQ", 6, 0, 0, 6) + b"_None_"
    assert outcome(whole, whole.data[:1024] + bytes(64) + whole.data[1088:]).refused


def test_what_the_groups_of_a_file_lost_is_told(put):
    """Inserted bytes leave links to nowhere, and the library passes over what they led to: here the voltage."""
    whole = put("example2_v3.1.hspy")
    found = outcome(whole, whole.data[:26_354] + whole.data[26_334:])
    assert not found.differences
    (dataset,) = found.trees.values()
    assert "beam_energy" not in dataset.attrs
    assert {"damaged-structure", "trailing-bytes"} <= found.codes
    assert "error" in found.severities


def edited(whole: Whole, change) -> Outcome:
    """Return what comes of the file once its HDF5 groups have been changed."""
    import h5py

    with h5py.File(whole.path, "r+") as file:
        change(next(iter(file["Experiments"].values())))
    return outcome(whole, whole.path.read_bytes())


def test_an_axis_without_scale_has_no_scale_of_one(put):
    """Uneven axes of HyperSpy have no scale; 1 nm per pixel would be believed."""
    whole = put("example2_v3.1.hspy")

    def without(group):
        del group["axis-0"].attrs["scale"]

    found = edited(whole, without)
    assert "uncalibrated" in found.codes
    (dataset,) = found.trees.values()
    assert dataset.attrs["calibrated"] == 0


@pytest.mark.parametrize("name", ["scale", "offset"])
def test_an_energy_axis_without_scale_or_offset_is_refused(put, name):
    """Energies that begin at 0 eV in steps of 1 eV are no spectrum's."""
    whole = put("example1_v1.2.hdf5")

    def without(group):
        del group["axis-0"].attrs[name]

    assert edited(whole, without).refused


def test_a_spectrum_of_no_kind_is_refused(put):
    """Without its signal type an EDS spectrum would come out as one of energy losses."""
    whole = put("EDS_TEM_FePt_nanoparticles.hspy")

    def without(group):
        del group["metadata/Signal"].attrs["signal_type"]

    assert edited(whole, without).refused


def test_axes_of_another_array_are_refused(put):
    """The number of points of each axis stands beside its scale."""
    whole = put("example2_v3.1.hspy")

    def longer(group):
        group["axis-1"].attrs["size"] = 17

    assert edited(whole, longer).refused


# Text --------------------------------------------------------------------------------------------------------------

ENCODINGS = {
    "with mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "latin": lambda text: text.replace("eV", "eV").encode("cp1252", errors="replace"),
    "both line ends": lambda text: text.replace("\n", "\r\n").encode(),
    "carriage returns": lambda text: text.replace("\n", "\r").encode(),
}


@pytest.fixture(params=[file for file in FILES if file.text], ids=str)
def text(request, corpus, tmp_path) -> Whole:
    return placed(request.param, tmp_path, corpus)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_and_line_ends_change_nothing(text, encoding):
    """Editors, Git and mail change both."""
    plain = text.data.decode("utf-8").replace("\r\n", "\n")
    found = outcome(text, ENCODINGS[encoding](plain))
    assert not found.refused
    assert not found.differences


def test_decimal_commas_are_read_or_refused(text):
    """A German PC writes 0,5; as 5, as two numbers or as nothing it would move every energy."""
    found = outcome(text, text.data.replace(b".", b","))
    assert found.refused or not found.differences


def test_a_semicolon_table_with_decimal_commas_is_the_same(corpus, tmp_path):
    """The line scan of a German Excel holds the numbers of the English one."""
    data = (corpus / "tem/synthetic/eds_30nm_low.csv").read_bytes()
    path = tmp_path / "scan.csv"
    path.write_bytes(data.replace(b",", b";").replace(b".", b","))
    one, other = read(path), read(corpus / "tem/synthetic/eds_30nm_low.csv")
    np.testing.assert_array_equal(one["counts"].values, other["counts"].values)
    np.testing.assert_allclose(one["distance"], other["distance"], rtol=1e-12)


def replaced(whole: Whole, old: bytes, new: bytes) -> Outcome:
    assert old in whole.data
    return outcome(whole, whole.data.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"#OFFSET      : 200.", b"#COMMENT     : none"),
        (b"#OFFSET      : 200.", b"#OFFSET      : 2OO."),
        (b"#XPERCHAN    : 10.", b"#COMMENT     : none"),
        (b"#XUNITS      : eV", b"#XUNITS      : MeV"),
        (b"#DATATYPE    : Y", b"#DATATYPE    : X"),
        (b"#OFFSET      : 200.", b"#OFFSET      : 200.\n#OFFSET      : 300."),
        (b"65.820\n", b""),
        (b"65.820\n", b"65.820\n65.820\n"),
        (b"65.820\n", b"nan\n"),
    ],
    ids=["no origin", "letters", "no step", "mega", "kind", "two origins", "line lost", "line twice", "no number"],
)
def test_a_spectrum_without_its_axis_is_refused(put, old, new):
    """Energies follow from origin, step and the place of a value; one line less shifts all that follow."""
    assert replaced(put("example2.msa"), old, new).refused


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"#XPERCHAN    : 10.", b"#XPERCHAN    : 20.", "axis-contradicted"),
        (b"#OFFSET      : 200.", b"#OFFSET      : 500.", "axis-contradicted"),
        (b"#NPOINTS     : 80.", b"#NPOINTS     : ??.", "row-count"),
        (b"#BEAMKV   -kV: 120.0", b"#BEAMKV   -kV: 120,0", "keyword-not-read"),
        (b"#ENDOFDATA", b"#END OF DATA", "truncated-file"),
    ],
)
def test_keywords_that_contradict_or_say_nothing_are_told(put, old, new, code):
    """CHOFFSET is the channel of zero energy: it follows from origin and step."""
    assert code in replaced(put("example2.msa"), old, new).codes


def test_the_number_at_the_cut_is_left_out(put):
    """58.657 cut to 58. is a number too; of the last line nobody knows whether it is whole."""
    whole = put("example2.msa")
    for cut in range(whole.data.index(b"#ENDOFDATA") - 30, whole.data.index(b"#ENDOFDATA")):
        found = outcome(whole, whole.data[:cut])
        assert found.differences == {"less"}
        assert found.severities == {"error", "warning"} or found.severities == {"error"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"record-by\tvector", b"rec0rd-by\tvector"),
        (b"byte-order\tdont-care", b"byte order\tdont-care"),
        (b"depth-units\teV", b"depth-units\tVe"),
        (b"depth-scale\t300.0", b"dep\t300.0"),
        (b"depth-origin\t1.5", b"dep\t1.5"),
        (b"depth-scale\t300.0", b"depth-scale\t300,0"),
        (b"width\t3", b"width\t4"),
        (b"width\t3", b"width\t3\nwidth\t4"),
        (b"offset\t0", b"offset\t1"),
        (b"offset\t0", b"offset\tx"),
        (b"data-length\t2", b"data-length\t4"),
        (b"data-type\tunsigned", b"data-type\tdesigned"),
    ],
)
def test_a_ripple_table_without_what_it_needs_is_refused(corpus, tmp_path, old, new):
    """Another order of the same numbers is another map; nothing in the raw file tells."""
    name = "test_ripple_sdim-1_ndim-2_uint16"
    whole = placed(File(f"{RIPPLE}/{name}.rpl", (f"{RIPPLE}/{name}.raw",)), tmp_path, corpus)
    assert replaced(whole, old, new).refused


@pytest.mark.parametrize("change", ["missing", "shorter", "longer", "of another table"])
def test_the_raw_file_of_another_table_is_refused(put, corpus, change):
    """Its length is all that a raw file tells of itself."""
    whole = put("test_ripple_sdim-1_ndim-1_float64.rpl")
    raw = whole.path.with_suffix(".raw")
    raw.chmod(0o644)
    data = raw.read_bytes()
    other = (corpus / f"tem/{RIPPLE}/test_ripple_sdim-2_ndim-1_float32_meta.raw").read_bytes()
    if change == "missing":
        raw.unlink()
    else:
        raw.write_bytes({"shorter": data[:-1], "longer": data + b"\0", "of another table": other}[change])
    assert outcome(whole, whole.data).refused


def test_a_channel_width_that_contradicts_itself_is_told(put):
    """``ev-per-chan`` is Lispix' own key, ``depth-scale`` that of later programs; both are the width of a channel."""
    found = replaced(put("test_ripple_sdim-1_ndim-1_float64.rpl"), b"ev-per-chan\t200", b"ev-per-chan\t100")
    assert "axis-contradicted" in found.codes


def test_a_step_of_another_length_in_a_line_scan_is_told(put):
    """A wrong digit of one distance moves one point of a profile by half a nanometre."""
    whole = put("eds_30nm_low.csv")
    lines = whole.data.split(b"\n")
    place, _, rest = lines[20].partition(b",")
    lines[20] = b"%.3f," % (float(place) + 0.2) + rest
    found = outcome(whole, b"\n".join(lines))
    assert found.codes == {"uneven-distance"}


# The tail ----------------------------------------------------------------------------------------------------------


def test_a_spectrum_with_fewer_values_than_channels_is_refused(put):
    """A lost comma joins two channels and shifts all lines behind them."""
    whole = put("bruker_nano.spx")
    at = whole.data.index(b"<Channels>") + 2000
    comma = whole.data.index(b",", at)
    assert outcome(whole, whole.data[:comma] + whole.data[comma + 1 :]).refused


@pytest.mark.parametrize("place", [0, 24, 28, 32], ids=["version", "end", "begin", "number"])
def test_the_header_of_an_edax_spectrum_agrees_with_itself(put, place):
    """Begin, end and number of the values are all stated."""
    whole = put("647_leo_edax_test.spc")
    assert outcome(whole, whole.data[:place] + bytes(2 if place == 32 else 4) + whole.data[place + 4 :]).refused


def test_a_member_of_an_archive_is_not_taken_from_the_disk(corpus, tmp_path, monkeypatch):
    """A file of the same name in the folder must not be read in its place."""
    data = (corpus / f"tem/{BRUKER}/bruker_nano.spx").read_bytes()
    monkeypatch.chdir(tmp_path)
    Path("one.spx").write_bytes(data.replace(b"<Channels>", b"<Channels>7", 1))
    (found,) = measurements(Source(Path("one.spx"), data=data))
    np.testing.assert_array_equal(
        found.dataset["counts"].values, read(corpus / f"tem/{BRUKER}/bruker_nano.spx")["counts"].values
    )


def test_an_empty_or_tiny_file_is_refused(whole):
    """A download that failed leaves no byte, or a few."""
    for size in (0, 3):
        assert outcome(whole, whole.data[:size]).refused
