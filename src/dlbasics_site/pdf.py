"""Print the built book: a PDF of every page, and all joined into one with contents, outline and working links."""

import io
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NullObject, TextStringObject

from dlbasics_site.chromium import BrowserError, Chromium, launch
from dlbasics_site.pages import Book, BookError, read_parts
from dlbasics_site.printing import print_contents, print_footers, print_page
from dlbasics_site.serve import make_server

_INVISIBLE = 2.0  # points; no higher are the links that only mark a place
_SHEET_TOP = 842.0  # points

Places = dict[str, tuple[int, float]]
"""Where an address is in the PDF: the index of the sheet, and the height on it in points."""


@dataclass(frozen=True)
class Printed:
    """One page of the book on paper.

    Attributes:
        page: its name in the table of contents.
        heading: its title.
        address: under which it was printed, and other pages link to it.
        sheets: the PDF.
    """

    page: str
    heading: str
    address: str
    sheets: PdfReader


def print_book(book: Book, pages: Iterable[str] = ()) -> Path:
    """Print a built book into `_build/pdf/`, and join it into `_build/deep-learning-basics.pdf`.

    Args:
        book: the book, already built.
        pages: only these pages, by their names in the table of contents, into `_build/pdf/selection.pdf`; none means
            all.

    Returns:
        The joined file.

    Raises:
        BookError: a page is not built, or there is no browser that works.
    """
    wanted = set(pages) or set(book.toc)
    if missing := [page for page in sorted(wanted) if not (book.html / f"{page}.html").exists()]:
        raise BookError(f"There is no {missing[0]} in {book.html}: build the book first (make book).")
    started = time.perf_counter()
    try:
        with launch() as browser, _served(book.html) as site:
            printed = [_print(browser, site, book, page) for page in book.toc if page in wanted]
            joined = _join(browser, book, printed)
    except BrowserError as error:
        raise BookError(str(error)) from error
    target = book.build_folder / ("deep-learning-basics.pdf" if wanted == set(book.toc) else "pdf/selection.pdf")
    joined.write(target)
    print(
        f"Printed {len(printed)} pages on {len(joined.pages)} sheets in {time.perf_counter() - started:.0f} s, "
        f"{target.stat().st_size / 1e6:.0f} MB: {target}"
    )
    return target


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with make_server(folder, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _print(browser: Chromium, site: str, book: Book, page: str) -> Printed:
    address = f"{site}/{page}.html"
    try:
        heading, sheets = print_page(browser, address)
    except BrowserError as error:
        raise BrowserError(f"{page}: {error}") from error
    path = book.build_folder / "pdf" / f"{page.replace('/', '-')}.pdf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sheets)
    print(path.name, flush=True)
    return Printed(page, heading, address, _read(sheets))


def _join(browser: Chromium, book: Book, printed: list[Printed]) -> PdfWriter:
    fonts, title = book.html / "_static" / "vendor" / "fonts", str(book.sphinx_config["html_title"])
    by_name = {page.page: page for page in printed}
    parts = [
        (caption, [by_name[page] for page in pages if page in by_name]) for caption, pages in read_parts(book.root)
    ]
    parts = [(caption, pages) for caption, pages in parts if pages]

    def contents(first: dict[str, int]) -> PdfReader:
        rows = [(caption, [(p.heading, p.address, first[p.page] + 1) for p in pages]) for caption, pages in parts]
        return _read(print_contents(browser, fonts, title, rows))

    count = len(contents(dict.fromkeys(by_name, 0)).pages)  # how long the contents are does not depend on the numbers
    first = {}
    for page in printed:
        first[page.page] = count
        count += len(page.sheets.pages)

    front = contents(first)
    writer = PdfWriter()
    places: Places = {}
    footers = [""] * len(front.pages)
    for address, heading, sheets in [("", "", front), *((p.address, p.heading, p.sheets) for p in printed)]:
        _append(writer, sheets, address, places)
        footers += [heading] * (len(sheets.pages) if heading else 0)
    for sheet, footer in zip(writer.pages, _read(print_footers(browser, fonts, footers)).pages, strict=True):
        _lead(writer, sheet, places)
        sheet.merge_page(footer)
        sheet.compress_content_streams()  # merging unpacks them
    for caption, pages in parts:
        above = None
        if caption:
            above = writer.add_outline_item(title=caption, page_number=first[pages[0].page], bold=True)
        for page in pages:
            writer.add_outline_item(title=page.heading, page_number=first[page.page], parent=above)
    writer.compress_identical_objects()  # each page brought its own copy of the fonts
    writer.add_metadata({"/Title": title})
    writer.page_mode = "/UseOutlines"
    return writer


def _read(sheets: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(sheets))


def _append(writer: PdfWriter, sheets: PdfReader, address: str, places: Places) -> None:
    """Add the sheets of one page, and remember where its places are; a name is unique on its page only."""
    offset = len(writer.pages)
    places[address] = (offset, _SHEET_TOP)
    for name, place in sheets.named_destinations.items():
        if (number := sheets.get_destination_page_number(place)) is not None:
            places[f"{address}#{name.removeprefix('/')}"] = (offset + number, float(place.top or _SHEET_TOP))
    writer.append(sheets, import_outline=False)
    for sheet in list(writer.pages)[offset:]:
        for link in _links(sheet):
            if place_name := link.get("/Dest"):
                link[NameObject("/Where")] = TextStringObject(f"{address}#{str(place_name).removeprefix('/')}")


def _lead(writer: PdfWriter, sheet: PageObject, places: Places) -> None:
    """Let the links of a sheet lead to places in this file where there are any; drop those that only mark a place."""
    kept = ArrayObject()
    for link in _links(sheet):
        action = link.get("/A")
        address = str(link.pop("/Where", "") or (action.get_object().get("/URI", "") if action else ""))
        place = places.get(address) or places.get(address.partition("#")[0])
        if address and place:
            link.pop("/A", None)
            top = [NameObject("/XYZ"), NullObject(), FloatObject(place[1]), NullObject()]
            link[NameObject("/Dest")] = ArrayObject([writer.pages[place[0]].indirect_reference, *top])
        corners = link["/Rect"]
        assert isinstance(corners, ArrayObject)
        _, low, _, high = (float(edge) for edge in corners)
        if high - low > _INVISIBLE:
            kept.append(link)
    if "/Annots" in sheet:
        sheet[NameObject("/Annots")] = kept


def _links(sheet: PageObject) -> list[DictionaryObject]:
    links = sheet.get("/Annots", ArrayObject()).get_object()
    assert isinstance(links, ArrayObject)
    return [link.get_object() for link in links]
