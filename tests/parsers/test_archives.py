"""gzip, zip and tar: members read as if they lay there by themselves, and archives made to hurt."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
import xarray as xr

from interlayer.parsers import (
    CorruptFile,
    LimitExceeded,
    Limits,
    ParseError,
    SeveralMeasurements,
    Source,
    TruncatedFile,
    UnknownFormat,
    UnsupportedContent,
    findings,
    measurements,
    read,
    read_tree,
)

FOLDER = "tem/rosettasciio/tiff"
RAMP = np.arange(48, dtype=np.uint16).reshape(6, 8)


def tiff(pixels=RAMP, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, metadata=None, **options)
    return buffer.getvalue()


def packed(members, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, data)
    return buffer.getvalue()


def load(data, name, **limits):
    return list(measurements(Source(Path(name), data=data, limits=Limits(**limits))))


def codes(dataset):
    return {finding.code for finding in findings(dataset.attrs)}


def test_gzip_reads_as_its_content(corpus, tmp_path):
    """A compressed copy must give the very numbers of the file, and say where they come from."""
    plain = corpus / FOLDER / "test_dm_image_um_unit.dm3"
    copy = tmp_path / "image.dm3.gz"
    copy.write_bytes(gzip.compress(plain.read_bytes()))
    inside = read(copy)
    xr.testing.assert_equal(inside, read(plain))
    assert inside.attrs["source_file"] == "image.dm3.gz/image.dm3"
    assert inside.attrs["format"] == "dm"
    assert inside.attrs["source_sha256"] == Source(copy).sha256


def test_zip_gives_one_group_per_member(corpus):
    """Five images in one archive are five measurements; asking for one of them without a name is an error."""
    path = corpus / FOLDER / "tiff_FEI_Helios.zip"
    tree = read_tree(path)
    assert sorted(tree.children) == [
        "FEI-Helios-Ebeam-16bits",
        "FEI-Helios-Ebeam-8bits",
        "FEI-Helios-navcam",
        "FEI-Helios-navcam-with-no-IRBeam",
        "FEI-Helios-navcam-with-no-IRBeam-bad-floats",
    ]
    with pytest.raises(SeveralMeasurements):
        read(path)
    one = read(path, group="FEI-Helios-Ebeam-8bits/image_0")
    assert one.attrs["source_file"] == "tiff_FEI_Helios.zip/FEI-Helios-Ebeam-8bits.tif"


def test_findings_of_a_member_stand_once():
    """The inner reader's remarks must reach the user, and not twice."""
    for data, name in ((packed({"a.tif": tiff()}), "a.zip"), (gzip.compress(tiff()), "a.tif.gz")):
        (found,) = load(data, name)
        assert [finding.code for finding in findings(found.dataset.attrs)].count("uncalibrated") == 1


def test_members_that_fail_do_not_take_the_others_along():
    """One broken image and a readme in an archive of a day's work must not cost the day."""
    broken = tiff()[:-30]
    members = {"good.tif": tiff(), "bad.tif": broken, "readme.md": b"hello", "__MACOSX/._good.tif": b"x"}
    (found,) = load(packed(members), "day.zip")
    np.testing.assert_array_equal(found.dataset["intensity"], RAMP)
    notes = {finding.code: finding for finding in findings(found.dataset.attrs)}
    assert notes["member-not-read"].severity == "error"
    assert "bad.tif" in notes["member-not-read"].message
    assert "readme.md" in notes["unknown-members"].message
    assert "__MACOSX" not in notes["unknown-members"].message


def test_archive_without_anything_readable_raises_the_reason():
    """When nothing can be read the error must say why, not that there is nothing."""
    with pytest.raises((TruncatedFile, CorruptFile)):
        load(packed({"bad.tif": tiff()[:-30], "readme.md": b"hello"}), "a.zip")
    with pytest.raises(UnknownFormat, match=r"readme\.md"):
        load(packed({"readme.md": b"hello"}), "a.zip")
    with pytest.raises(UnknownFormat):
        load(packed({}), "a.zip")


def tarred(members, **options):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_a_real_tar_inside_gzip_is_opened_and_its_broken_image_named(corpus):
    """NexusLIMS' only member went through a text conversion: 43 % of its bytes are '?' and the rest is valid UTF-8.

    Whoever gets this message knows that the copy is bad, not the microscope; a size or a tag would send them astray.
    """
    (path,) = (corpus / "tem/NexusLIMS").glob("*.tar.gz")
    with pytest.raises(CorruptFile, match="copied or saved as text") as refused:
        read(path)
    assert str(path) in str(refused.value)
    assert ".tif" in str(refused.value)


@pytest.mark.parametrize("layout", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_tar_gives_its_members(layout):
    """A day's folder packed on a cluster: each dialect keeps names of more than 100 characters elsewhere."""
    long = "/".join(["cathode"] * 18) + "/last.tif"
    data = tarred({"day/first.tif": tiff(), long: tiff(RAMP + 1), "day/._first.tif": b"x"}, format=layout)
    for name, packing in (("day.tar", bytes), ("day.tar.gz", gzip.compress), ("day.tgz", gzip.compress)):
        found = load(packing(data), name)
        assert [one.group for one in found] == ["first/image_0", "last/image_0"]
        np.testing.assert_array_equal(found[1].dataset["intensity"], RAMP + 1)
        assert "other-extension" not in codes(found[0].dataset)


def test_names_and_links_of_a_tar_cannot_reach_outside():
    """Extracting an evil tar writes or reads elsewhere; a link is left out and a climbing name refused."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"entry{kind.decode()}.tif")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for name in ("../evil.tif", "good.tif"):
            info = tarfile.TarInfo(name)
            info.size = len(tiff())
            archive.addfile(info, io.BytesIO(tiff()))
    (found,) = load(buffer.getvalue(), "a.tar")
    assert found.group == "good/image_0"
    (note,) = (one for one in findings(found.dataset.attrs) if one.code == "member-not-read")
    assert "points outside" in note.message


def test_a_name_in_two_parts_is_checked_as_a_whole():
    """The POSIX header keeps the folders of a long path apart from its name: looked at alone, the name is harmless."""
    data = bytearray(tarred({"evil.tif": tiff()}, format=tarfile.USTAR_FORMAT))
    data[345:350] = b"../.."
    data[148:156] = b"%06o\0 " % (sum(data[:512]) - sum(data[148:156]) + 8 * 32)
    with pytest.raises(CorruptFile, match="points outside"):
        load(bytes(data), "a.tar")


def test_a_cut_tar_keeps_its_whole_members():
    """A broken download of forty images is worth the images that came through."""
    data = tarred({f"{number}.tif": tiff(RAMP + number) for number in range(4)}, format=tarfile.USTAR_FORMAT)
    cut = len(data[: data.rindex(b"3.tif")]) + 600
    found = load(data[:cut], "a.tar")
    assert [int(one.dataset["intensity"][0, 0]) for one in found] == [0, 1, 2]
    assert all("truncated-archive" in codes(one.dataset) for one in found)
    with pytest.raises(TruncatedFile):
        load(data[:600], "a.tar")


def test_tar_bombs_stop_at_the_limits():
    """A tar holds no more than its bytes, but its members count, and sparse ones claim what is not there."""
    many = tarred({f"{i}.tif": b"x" for i in range(11)})
    with pytest.raises(LimitExceeded, match="members"):
        load(many, "a.tar", members=10)
    with pytest.raises(LimitExceeded, match="expanded"):
        load(tarred({"a.tif": tiff(), "b.tif": tiff()}), "a.tar", expanded=len(tiff()) + 10)
    sparse = bytearray(tarred({"a.tif": tiff()}, format=tarfile.GNU_FORMAT))
    sparse[156:157] = b"S"
    told = sum(sparse[:512]) - sum(sparse[148:156]) + 8 * 32
    sparse[148:156] = b"%06o\0 " % told
    with pytest.raises(UnsupportedContent, match="sparse"):
        load(bytes(sparse), "a.tar")
    chain = tiff()
    for _ in range(6):
        chain = tarred({"inner.tar" if chain[257:262] == b"ustar" else "a.tif": chain})
    with pytest.raises(LimitExceeded, match="inside archives"):
        load(chain, "outer.tar", depth=4)


def test_equal_stems_stay_apart():
    """Two folders with scan_01.tif each are two images; none may overwrite the other."""
    found = load(packed({"a/scan 01.tif": tiff(), "b/scan 01.tif": tiff(RAMP + 1)}), "a.zip")
    assert [one.group for one in found] == ["scan_01/image_0", "scan_01_2/image_0"]
    assert int(found[1].dataset["intensity"][0, 0]) == 1


@pytest.mark.parametrize("name", ["../evil.tif", "/etc/evil.tif", "a/../../evil.tif", "C:\\evil.tif", "..\\evil.tif"])
def test_names_that_point_outside_are_refused(name):
    """Nobody packs such a name in good faith; the good member beside it is still read."""
    with pytest.raises(CorruptFile, match="points outside"):
        load(packed({name: tiff()}), "a.zip")
    (found,) = load(packed({"good.tif": tiff(), name: tiff()}), "a.zip")
    assert "member-not-read" in codes(found.dataset)


def test_bombs_stop_at_the_limits():
    """32 MiB of blanks in 33 kB: unpacking must stop, by ratio or by size, whatever the header declares."""
    blanks = bytes(32 * 2**20)
    with pytest.raises(LimitExceeded, match="ratio"):
        load(gzip.compress(blanks), "a.gz")
    with pytest.raises(LimitExceeded, match="ratio"):
        load(packed({"a.tif": blanks, "good.tif": tiff()}), "a.zip")
    with pytest.raises(LimitExceeded, match="expanded"):
        load(gzip.compress(blanks), "a.gz", ratio=1e9, expanded=2**20)
    with pytest.raises(LimitExceeded, match="expanded"):
        load(packed({"a.tif": blanks}), "a.zip", ratio=1e9, expanded=2**20)
    with pytest.raises(LimitExceeded, match="members"):
        load(packed({f"{i}.tif": b"x" for i in range(11)}), "a.zip", members=10)


def test_members_share_one_budget():
    """Ten members of 1 MiB are 10 MiB: the sum counts, not each one."""
    noise = np.random.default_rng(0).integers(0, 255, (1024, 1024), dtype=np.uint8)
    members = {f"{i}.tif": tiff(noise) for i in range(10)}
    with pytest.raises(LimitExceeded):
        load(packed(members), "a.zip", expanded=5 * 2**20)
    assert len(load(packed(members), "a.zip")) == 10


def test_a_lying_size_in_the_directory_is_noticed():
    """A member that unpacks to another size than announced is damaged, whatever the reader makes of it."""
    data = bytearray(packed({"a.tif": tiff()}))
    place = data.rindex(b"PK\x01\x02") + 24
    data[place : place + 4] = (10).to_bytes(4, "little")
    with pytest.raises(ParseError):
        load(bytes(data), "a.zip")


def test_nested_archives_end():
    """zip in zip is read; a chain without end is not followed."""
    (found,) = load(packed({"inner.zip": packed({"a.tif": tiff()})}), "outer.zip")
    assert found.group == "inner/a/image_0"
    data = tiff()
    for _ in range(6):
        data = packed({"inner.zip": data}) if data[:2] == b"PK" else packed({"a.tif": data})
    with pytest.raises(LimitExceeded, match="inside archives"):
        load(data, "outer.zip", depth=4)
    chain = tiff()
    for _ in range(6):
        chain = gzip.compress(chain)
    with pytest.raises(LimitExceeded, match="inside archives"):
        load(chain, "a.tif" + ".gz" * 6, depth=4)
    assert len(load(chain, "a.tif" + ".gz" * 6)) == 1


def test_encrypted_members_are_named():
    """A password is not guessed; the message says what to do."""
    data = bytearray(packed({"a.tif": tiff()}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    with pytest.raises(UnsupportedContent, match="encrypted"):
        load(bytes(data), "a.zip")


def test_cut_gzip_is_read_up_to_the_cut():
    """A broken copy holds its beginning; the whole rows are kept, with findings from both readers."""
    pixels = np.random.default_rng(2).integers(0, 2**16, (64, 64), dtype=np.uint16)
    data = gzip.compress(tiff(pixels, rowsperstrip=4))
    (found,) = load(data[: len(data) // 2], "a.tif.gz")
    rows = found.dataset.sizes["y"]
    assert 0 < rows < 64
    np.testing.assert_array_equal(found.dataset["intensity"], pixels[:rows])
    assert {"truncated-archive", "truncated-image"} <= codes(found.dataset)
    with pytest.raises(ParseError):
        load(data[:15], "a.tif.gz")


def test_damaged_archives_raise_parse_errors_only():
    """Flips and cuts anywhere give an error or the same image: the checksums catch the rest."""
    rng = np.random.default_rng(5)
    cases = {
        "a.zip": packed({"a.tif": tiff()}),
        "a.tif.gz": gzip.compress(tiff()),
        "a.tgz": gzip.compress(tarred({"a.tif": tiff()})),
    }
    for name, data in cases.items():
        raw = np.frombuffer(data, np.uint8)
        for count in range(300):
            broken = raw.copy()
            broken[rng.integers(0, len(raw), 2)] = rng.integers(0, 256, 2)
            broken = broken[: rng.integers(1, len(raw))] if count % 3 == 0 else broken
            try:
                found = load(broken.tobytes(), name)
            except ParseError:
                continue
            for one in found:
                if "truncated-archive" not in codes(one.dataset):
                    np.testing.assert_array_equal(one.dataset["intensity"], RAMP)


def test_several_gzip_members_are_one_file():
    """gzip files may be concatenated; the content is the concatenation."""
    data = tiff()
    (found,) = load(gzip.compress(data[:100]) + gzip.compress(data[100:]), "a.tif.gz")
    np.testing.assert_array_equal(found.dataset["intensity"], RAMP)
    with pytest.raises(CorruptFile):
        load(gzip.compress(data) + b"something else", "a.tif.gz")
