"""Whose TIFF file it is: the functions that know a vendor's tags, in the order in which they are asked.

Each looks at one page and returns a `Vendor`, or None when the page is not its own. The private tag is trusted;
resolution tags beside it describe a print. Thermo Fisher stands in `_tiff_thermo`, Zeiss in `_tiff_zeiss`, TESCAN and
point electronic in `_tiff_scanning`, transmission microscopes in `_tiff_transmission`, programs in `_tiff_programs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._image import Vendor
from ._tiff_programs import imagej, micro_manager, ome, resolution_tags
from ._tiff_scanning import point_electronic, tescan_tag
from ._tiff_tags import tag, text_or_none
from ._tiff_thermo import fei, thermo_xml
from ._tiff_transmission import digital_micrograph, jeol_sightx, olympus_sis, tvips
from ._tiff_zeiss import fibics, image_tags, smartsem

# In this order: private tags before texts, since several programs keep the tags of the instrument when they save again,
# except ImageJ, which drops them; its description is the newest statement about the pixels.
VENDORS: tuple[Callable[[Any], Vendor | None], ...] = (
    imagej, ome, digital_micrograph, fei, thermo_xml, smartsem, image_tags, fibics, tescan_tag, olympus_sis, tvips,
    jeol_sightx, micro_manager, point_electronic,
)  # fmt: skip


def recognise(page: Any) -> Vendor:
    """Return what the vendor of a page says about it, or its plain resolution tags.

    Parameters
    ----------
    page : tifffile.TiffPage
        First page of the image.

    Returns
    -------
    Vendor
    """
    for look in VENDORS:
        vendor = look(page)
        if vendor is not None:
            return vendor
    vendor = resolution_tags(page)
    model = " ".join(filter(None, (text_or_none(tag(page, 271)), text_or_none(tag(page, 272)))))
    vendor.attrs["instrument"] = model or None
    return vendor
