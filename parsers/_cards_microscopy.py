"""Format cards of electron microscopy; all are known by bytes or words that no other format begins with."""

from __future__ import annotations

from ._card import Format, Magic

_PARSERS = "interlayer.parsers"
_TAIL = f"{_PARSERS}.rosettasciio_em"

MICROSCOPY: tuple[Format, ...] = (
    Format(
        name="tiff",
        title="TIFF micrograph (FEI, Zeiss, JEOL, TVIPS, Olympus, DigitalMicrograph, ImageJ, OME; "
        "not yet checked on real files: Hitachi, TESCAN, Phenom, ORION, Atlas, point electronic, Micro-Manager)",
        techniques=("image",),
        module=f"{_PARSERS}.tiff",
        extensions=(".tif", ".tiff"),
        magic=(Magic(rb"\A(II\*\0|MM\0\*|II\+\0|MM\0\+)"),),
        sidecars=("*.hdr",),
    ),
    Format(
        name="tia-ser",
        title="FEI TIA series",
        techniques=("image", "eds", "eels"),
        module=f"{_PARSERS}.tia_ser",
        extensions=(".ser",),
        magic=(Magic(rb"\AII\x97\x01"),),
        sidecars=("*.emi",),
    ),
    Format(
        name="tia-emi",
        title="FEI TIA collection with the series beside it",
        techniques=("image", "eds", "eels"),
        module=f"{_PARSERS}.tia_emi",
        extensions=(".emi",),
        magic=(Magic(rb"\AJK\0\x02\0\0\0\0"),),
    ),
    Format(
        name="emd",
        title="EMD: Velox, Berkeley",
        techniques=("image", "eds", "eds_events", "eels"),
        module=f"{_PARSERS}.emd",
        extensions=(".emd", ".h5"),
        magic=(
            Magic(rb"(?s)\A\x89HDF\r\n\x1a\n.*emd_group_type"),
            Magic(rb"(?s)\A\x89HDF\r\n\x1a\n", name=r"\.emd$"),
            Magic(rb"(?s)\A\x89HDF\r\n\x1a\n(?=.*\0Velox\0).*\0Presentation\0"),
        ),
    ),
    Format(
        name="hyperspy-hdf5",
        title="HyperSpy, HDF5",
        techniques=("image", "eds", "eels"),
        module=f"{_PARSERS}.hyperspy_hdf5",
        extensions=(".hspy", ".hdf5"),
        magic=(
            Magic(rb"(?s)\A\x89HDF\r\n\x1a\n(?=.*HyperSpy).*\0Experiments\0"),
            Magic(rb"(?s)\A\x89HDF\r\n\x1a\n", name=r"\.hspy$"),
        ),
    ),
    Format(
        name="mrc",
        title="MRC2014",
        techniques=("image",),
        module=f"{_PARSERS}.mrc",
        extensions=(".mrc", ".mrcs"),
        magic=(
            Magic(rb"(?s)\A.{208}MAP[ \0]"),
            Magic(rb"(?s)\A.{12}[\0\x01\x02\x04\x06\x0c]\0\0\0", name=r"\.mrcs?$"),
        ),
    ),
    Format(
        name="emsa-msa",
        title="EMSA/MAS spectrum (ISO 22029)",
        techniques=("eds", "eels"),
        module=f"{_PARSERS}.emsa_msa",
        extensions=(".msa", ".emsa", ".ems"),
        magic=(Magic(rb"(?i)\A#FORMAT\s*:\s*EMSA", "text"),),
    ),
    Format(
        name="ripple-rpl",
        title="Lispix ripple (.rpl with .raw)",
        techniques=("image", "eds", "eels"),
        module=f"{_PARSERS}.ripple_rpl",
        extensions=(".rpl",),
        magic=(Magic(rb"(?i)\A(;[^\r\n]*[\r\n]+)*key\tvalue\s", "text"),),
        sidecars=("*.raw",),
    ),
    Format(
        name="dm",
        title="Gatan DigitalMicrograph 3 and 4",
        techniques=("image", "eels", "eds"),
        module=f"{_PARSERS}.dm",
        extensions=(".dm3", ".dm4"),
        magic=(
            Magic(rb"(?s)\A\0\0\0\x03.{4}\0\0\0[\0\x01]"),
            Magic(rb"(?s)\A\0\0\0\x04.{8}\0\0\0[\0\x01]"),
        ),
    ),
    Format(
        name="dm5",
        title="Gatan DigitalMicrograph 5, HDF5",
        techniques=("image", "eels", "eds"),
        module=f"{_PARSERS}.dm5",
        extensions=(".dm5",),
        magic=(
            Magic(rb"(?s)\A\x89HDF\r\n\x1a\n(?=.*DocumentObjectList).*ImageSourceList"),
            Magic(rb"(?s)\A\x89HDF\r\n\x1a\n", name=r"\.dm5$"),
        ),
    ),
    Format(
        name="raster-image",
        title="PNG, JPEG or BMP image",
        techniques=("image",),
        module=f"{_PARSERS}.raster_image",
        extensions=(".png", ".jpg", ".jpeg", ".bmp"),
        magic=(
            Magic(rb"\A\x89PNG\r\n\x1a\n"),
            Magic(rb"\A\xff\xd8\xff[\xc0-\xfe]"),
            Magic(rb"(?s)\ABM.{4}\0\0\0\0.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
        ),
        pictures=True,
    ),
    Format(
        name="bruker-bcf",
        title="Bruker composite (.bcf), through RosettaSciIO",
        techniques=("image", "eds"),
        module=_TAIL,
        extensions=(".bcf",),
        magic=(Magic(rb"\AAAMVHFSS", name=r"\.bcf$"),),
    ),
    Format(
        name="bruker-spx",
        title="Bruker spectrum (.spx), through RosettaSciIO",
        techniques=("eds",),
        module=_TAIL,
        extensions=(".spx",),
        magic=(Magic(rb"(?s)\A<\?xml.*TRTSpectrum", name=r"\.spx$"),),
    ),
    Format(
        name="jeol-asw",
        title="JEOL Analysis Station project with the files that it lists",
        techniques=("image", "eds_events"),
        module=f"{_PARSERS}.jeol_asw",
        extensions=(".asw",),
        magic=(Magic(rb"(?s)\A\0{12}\x01.{4}FileType"),),
    ),
    Format(
        name="jeol-image",
        title="JEOL Analysis Station image or element map (.img, .map)",
        techniques=("image",),
        module=f"{_PARSERS}.jeol_image",
        extensions=(".img", ".map"),
        magic=(Magic(rb"(?s)\A.{4}JED-2200:LibJxImageForm"),),
    ),
    Format(
        name="jeol-pts",
        title="JEOL Analysis Station X-ray events of a map (.pts)",
        techniques=("eds_events",),
        module=f"{_PARSERS}.jeol_pts",
        extensions=(".pts",),
        magic=(Magic(rb"(?s)\A.{4}PTTDFILE"),),
    ),
    Format(
        name="jeol-eds",
        title="JEOL spectrum (.eds), through RosettaSciIO",
        techniques=("eds",),
        module=_TAIL,
        extensions=(".eds",),
        magic=(Magic(rb"\A\x02\0\0\0\x02\0\0\0", name=r"\.eds$"),),
    ),
    Format(
        name="edax-spc",
        title="EDAX spectrum (.spc), through RosettaSciIO",
        techniques=("eds",),
        module=_TAIL,
        extensions=(".spc",),
        magic=(Magic(rb"(?s)\A.{100}", name=r"\.spc$"),),
    ),
    Format(
        name="em-tail",
        title="NanoMegas .blo, Panta Rhei .prz, Phenom .elid, TVIPS, Semper .unf, .zspy, through RosettaSciIO",
        techniques=("image", "eds", "eels"),
        module=_TAIL,
        extensions=(".blo", ".prz", ".elid", ".tvips", ".unf", ".zspy"),
        magic=(
            Magic(rb"\AIMGBLO", name=r"\.blo$"),
            Magic(rb"\APK\x03\x04", name=r"\.(prz|zspy)$"),
            Magic(rb"\ABZh", name=r"\.elid$"),
            Magic(rb"(?s)\A\0\x01\0\0", name=r"\.tvips$"),
            Magic(rb"(?s)\A[\x0a\x0c]\0\0\0", name=r"\.unf$"),
        ),
    ),
)
