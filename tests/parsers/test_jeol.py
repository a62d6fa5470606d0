"""Files of JEOL Analysis Station against what JEOL's own program computed from the same measurement."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from interlayer.parsers import CorruptFile, ParseError, TruncatedFile, UnsupportedContent, findings, read, read_tree

JEOL = "tem/rosettasciio/jeol"
VIEW = f"{JEOL}/Sample/00_View000"
EVENTS = f"{VIEW}/View000_0000006.pts"

# file, title and window of channels as the file states them
MAPS = [("1", "C K", 20, 36), ("2", "O K", 44, 61), ("3", "S K", 218, 243), ("4", "Fe K", 622, 658),
        ("5", "Cu K", 784, 824)]  # fmt: skip
CHANNEL, SHIFT = 9.99866, -0.78997  # eV, CoefA and CoefB of the file


@pytest.fixture
def project(corpus, tmp_path):
    """Return a copy of the project with its folders."""
    shutil.copytree(corpus / JEOL, tmp_path / "jeol")
    for path in (tmp_path / "jeol").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path / "jeol"


@pytest.mark.parametrize(("number", "title", "first", "last"), MAPS)
def test_events_are_the_maps_that_the_vendor_made_of_them(corpus, number, title, first, last):
    """A map counts the events of a window; C K is met only with JEOL's law for energies below 0.525 keV."""
    image = read(corpus / f"{VIEW}/View000_000000{number}.map")
    events = read(corpus / EVENTS)
    energy = events["energy"].values[events["channel"].values]
    chosen = (energy > CHANNEL * first + SHIFT - 0.1) & (energy < CHANNEL * (last + 1) + SHIFT - 0.1)
    counted = np.bincount(events["pixel"].values[chosen], minlength=512 * 512).reshape(512, 512)
    np.testing.assert_array_equal(counted, image["intensity"].values)
    assert image.attrs["title"] == title


def test_events_are_the_spectrum_that_the_vendor_summed(corpus):
    """The file holds its sum spectrum as 2048 numbers before the stream; above the law's limit no event may move."""
    data = (corpus / EVENTS).read_bytes()
    place = data.index(b"EDXRF\0", data.index(b"EDS Data")) + len(b"EDXRF\0") + 8
    stored = np.frombuffer(data, "<i4", 2048, place)
    events = read(corpus / EVENTS)
    counted = np.bincount(events["channel"].values, minlength=4096)[96:][:2048]
    np.testing.assert_array_equal(counted[55:], stored[55:])
    assert counted[55:].sum() > 150_000


def test_axes_and_settings(corpus):
    """0.00999866 keV a channel and 8.6914 nm a pixel (corpus.tsv, test_jeol.py), 14 sweeps at 200 kV."""
    events = read(corpus / EVENTS)
    assert dict(events.sizes) == {"event": 308261, "energy": 4096, "y": 512, "x": 512}
    assert events["energy"].values[1000] == pytest.approx(1e3 * ((1000 - 96) * 0.00999866 - 0.00078997), rel=1e-8)
    assert np.all(np.diff(events["energy"]) > 0)
    np.testing.assert_allclose(np.diff(events["x"]), 8.69140625)
    assert (events.attrs["frames"], events.attrs["beam_energy"]) == (14, 200e3)
    assert events.attrs["live_time"] == pytest.approx(325.46)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5])
def test_images_and_maps(corpus, number):
    """512 x 512 pixels of 8.6914 nm (test_jeol.py::test_load_image)."""
    image = read(corpus / f"{VIEW}/View000_000000{number}.{'map' if number else 'img'}")
    assert image["intensity"].shape == (512, 512)
    assert image["intensity"].dtype == np.uint8
    assert image.attrs["pixel_size"] == pytest.approx(8.69140625)
    assert image.attrs["start_time"].startswith("2017-04-07T18:08")


def test_project_reads_the_files_that_it_lists(corpus):
    """One image, five maps and the events, as the files read alone."""
    tree = read_tree(corpus / f"{JEOL}/rawdata.ASW")
    assert len(tree.children) == 7
    np.testing.assert_array_equal(
        tree["View000_0000003_image_0"]["intensity"], read(corpus / f"{VIEW}/View000_0000003.map")["intensity"]
    )
    assert tree["View000_0000006_events_0"].dataset.sizes["event"] == 308261


def test_project_without_its_files_is_refused(corpus):
    """Its seventeen files, in Japanese folders, are not in the corpus; the message names the first."""
    with pytest.raises(UnsupportedContent, match="サンプル"):
        read_tree(corpus / f"{JEOL}/181019-BN.ASW")


def test_a_lost_member_does_not_cost_the_others(project):
    """A project of a day's work is read as far as it is there, and says what is missing."""
    (project / "Sample/00_View000/View000_0000003.map").unlink()
    tree = read_tree(project / "rawdata.ASW")
    assert len(tree.children) == 6
    (lost,) = [one for one in findings(next(iter(tree.leaves)).attrs) if one.code == "member-not-read"]
    assert "View000_0000003.map" in lost.message


def test_a_project_cannot_lead_out_of_its_folder(project):
    """A file that came by mail must not make the reader open what lies elsewhere on the machine."""
    data = (project / "rawdata.ASW").read_bytes()
    outside = data.replace(b".\\Sample\\00_View000", b"..\\ample\\00_View000")
    (project / "rawdata.ASW").write_bytes(outside)
    with pytest.raises(UnsupportedContent, match="not in the folder"):
        read_tree(project / "rawdata.ASW")


@pytest.mark.parametrize("part", [0.001, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("name", [EVENTS, f"{VIEW}/View000_0000000.img", f"{VIEW}/View000_0000001.map"])
def test_part_of_a_file_is_refused(corpus, tmp_path, name, part):
    """Events that are missing at the end would be a foil that thins out."""
    data = (corpus / name).read_bytes()
    copy = tmp_path / (corpus / name).name
    copy.write_bytes(data[: int(part * len(data))])
    with pytest.raises(TruncatedFile):
        read(copy)


def damaged(corpus, tmp_path, old, new):
    data = (corpus / EVENTS).read_bytes()
    assert data.count(old) >= 1
    copy = tmp_path / "copy.pts"
    copy.write_bytes(data.replace(old, new))
    return copy


def test_a_smaller_raster_than_its_events_is_refused(corpus, tmp_path):
    """Half the lines would put events of the lower half onto other pixels."""
    copy = damaged(corpus, tmp_path, b"512x512\0\xff\x01\x09\0\0\0LTD", b"512x256\0\xff\x01\x09\0\0\0LTD")
    with pytest.raises(CorruptFile, match="line"):
        read(copy)


def test_energies_without_the_processor_are_refused(corpus, tmp_path):
    """Without its zero all lines would stand 0.96 keV too high: Al K would be at P K."""
    copy = damaged(corpus, tmp_path, b"DigZ\0", b"DigY\0")
    with pytest.raises(UnsupportedContent, match="T4"):
        read(copy)


def test_a_law_of_energies_that_folds_back_is_not_applied(corpus, tmp_path):
    """A setting whose law is not monotonic would give one energy to two channels."""
    law = np.array([0.0916874, 0.899658, 0.0274085, 0.525])
    copy = damaged(corpus, tmp_path, law.tobytes(), (law * [-90, 1, 1, 1]).tobytes())
    events = read(copy)
    assert "energy-law-not-applied" in {finding.code for finding in findings(events.attrs)}
    np.testing.assert_allclose(np.diff(events["energy"]), CHANNEL)


def test_strange_words_in_the_stream_are_refused(corpus, tmp_path):
    """A word of an unknown kind may be an event of a newer program; leaving it out would lose counts quietly."""
    data = bytearray((corpus / EVENTS).read_bytes())
    data[16385] = 0x50
    copy = tmp_path / "copy.pts"
    copy.write_bytes(data)
    with pytest.raises(ParseError, match="word"):
        read(copy)


def test_events_are_held_against_the_sum_spectrum(corpus, tmp_path):
    """An event whose channel has lost a bit is still an event; the sum before the stream does not have it."""
    data = bytearray((corpus / EVENTS).read_bytes())
    words = np.frombuffer(data, "<u2", offset=16384)
    place = int(np.flatnonzero((words >> 12 == 11) & (words & 0xFFF == 300))[0])
    data[16384 + 2 * place] ^= 0x10
    copy = tmp_path / "copy.pts"
    copy.write_bytes(data)
    (finding,) = findings(read(copy).attrs)
    assert finding.code == "sum-contradicted"
    assert "2 channels" in finding.message


def test_pixels_are_held_against_the_histogram(corpus, tmp_path):
    """JEOL counts every second pixel of both axes; a block of zeros in the map is not what it counted."""
    data = bytearray((corpus / f"{VIEW}/View000_0000001.map").read_bytes())
    assert not findings(read(corpus / f"{VIEW}/View000_0000001.map").attrs)
    data[100_000:100_512] = bytes(512)
    copy = tmp_path / "copy.map"
    copy.write_bytes(data)
    assert "histogram-contradicted" in {finding.code for finding in findings(read(copy).attrs)}


def test_bytes_behind_an_image_are_told(corpus, tmp_path):
    """A file that is longer than its tags has something inserted or appended."""
    copy = tmp_path / "copy.img"
    copy.write_bytes((corpus / f"{VIEW}/View000_0000000.img").read_bytes() + bytes(8))
    assert "trailing-bytes" in {finding.code for finding in findings(read(copy).attrs)}


@pytest.mark.parametrize(("place", "count"), [(0x21CF3, 308), (0xFF3C, 52)])
def test_bytes_lost_in_an_image_are_missed(corpus, tmp_path, place, count):
    """With these lengths the next tag ends just where the pixels would, and every pixel behind would be shifted."""
    data = bytearray((corpus / f"{VIEW}/View000_0000001.map").read_bytes())
    del data[place : place + count]
    copy = tmp_path / "copy.map"
    copy.write_bytes(data)
    with pytest.raises(CorruptFile, match="within the image"):
        read(copy)
