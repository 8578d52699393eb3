"""Every page of the built book in a real browser, as a reader meets it: two colour schemes, a desk and a phone."""

import functools
import gzip
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as Late

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PATIENCE = 60_000  # milliseconds, for a machine that does other things too
OPENINGS = 3
HOME_KILOBYTES = 500
GRAVE = {"serious", "critical"}

WIDER_THAN_THE_PAGE = """() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
  return wide.slice(0, 5).map((e) => `${e.tagName.toLowerCase()}.${e.className}`);
}"""

# Without frames nothing comes into view, and no colour scheme changes.
IS_DRAWN = """() => new Promise((tell) => {
  requestAnimationFrame(() => tell(true));
  setTimeout(() => tell(false), 10000);
})"""

# What a reader sees of the figures that controls change.
VISIBLE_FIGURES = """(area) => [...area.querySelectorAll("svg, canvas, img, table, output, .widget-html-content")]
  .filter((e) => e.getClientRects().length && getComputedStyle(e).visibility !== "hidden" && !e.closest("button"))
  .map((e) => (e.tagName === "CANVAS" ? e.toDataURL() : e.outerHTML))
  .join("")"""


class Visit:
    """A page that is open, and everything it complained of or asked for."""

    def __init__(self, browser: Browser, address: str, name: str, **settings: object) -> None:
        self._browser, self._address, self._name, self._settings = browser, address, name, settings
        self.open()

    def open(self) -> None:
        """Open the page in a context of its own, as nobody has seen it."""
        page = self._browser.new_context(**{"viewport": DESK, **self._settings}).new_page()
        page.set_default_timeout(PATIENCE)
        self.page = page
        self.problems: list[str] = []
        self.fetched: list[str] = []
        page.on("console", lambda m: self._complain(f"console: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda error: self._complain(f"error: {error}"))
        page.on("response", lambda r: self._complain(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("request", lambda r: self._request(r.url))
        page.goto(f"{self._address}/{self._name}.html")

    def close(self) -> None:
        self.page.context.close()

    def _complain(self, text: str) -> None:
        self.problems.append(text)

    def _request(self, url: str) -> None:
        self.fetched.append(url)
        if not url.startswith((self._address, "data:", "blob:")):
            self._complain(f"a request to another host: {url}")

    def draw_all(self) -> None:
        """Scroll by script to every figure, and wait until all is drawn."""
        self.page.evaluate("dlbasics.drawAll()")
        self.page.wait_for_function("document.querySelector('.dlb-waiting') === null")


def drawn(test: Callable[..., None]) -> Callable[..., None]:
    """Repeat a test on its page opened anew when the browser, not the page, is at fault.

    On a busy machine Chromium's compositor now and then waits for ever for a tile ("pending tree not ready" in its
    trace): that page's scripts run on, but it gets no frame, while other pages are drawn. Seen with Chromium 156.
    """

    @functools.wraps(test)
    def run(opened: Visit, **fixtures: object) -> None:
        for _ in range(OPENINGS):
            try:
                return test(opened=opened, **fixtures)
            except Late:
                if opened.page.evaluate(IS_DRAWN):
                    raise
            warnings.warn(f"the browser stopped drawing {opened.page.url}; it is opened again", stacklevel=2)
            opened.close()
            opened.open()
        raise AssertionError(f"the browser stopped drawing the page {OPENINGS} times")

    return run


@pytest.fixture(scope="module")
def opened(chromium: Browser, address: str, page_name: str) -> Iterator[Visit]:
    """A page in a bright room at a desk. To open it is most of the work, so its tests follow each other on it."""
    opened = Visit(chromium, address, page_name, color_scheme="light")
    yield opened
    opened.close()


def look_around(opened: Visit, axe: str, scheme: str) -> list[str]:
    """What is wrong with a page that is open, at a desk and, after that, on a phone."""
    page = opened.page
    opened.draw_all()
    page.evaluate("document.querySelectorAll('details.dlb-choice').forEach((choice) => (choice.open = true))")
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    problems = [f"wider than the desk: {element}" for element in page.evaluate(WIDER_THAN_THE_PAGE)]
    problems += audit(page, axe, scheme)
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(250)  # figures follow the page's width a moment later
    return problems + [f"wider than the phone: {element}" for element in page.evaluate(WIDER_THAN_THE_PAGE)]


def audit(page: Page, axe: str, scheme: str) -> list[str]:
    """What axe-core finds grave."""
    page.evaluate(axe)
    options = {"resultTypes": ["violations"], "selectors": False}  # no more than is read below: it takes seconds
    if scheme == "dark":
        options["runOnly"] = ["color-contrast"]  # all else is the same in the dark
    return [
        f"axe, {scheme}, {violation['impact']}: {violation['help']}: "
        + "; ".join(node["html"][:150] for node in violation["nodes"][:3])
        for violation in page.evaluate("(options) => axe.run(document, options)", options)["violations"]
        if violation["impact"] in GRAVE
    ]


@pytest.mark.browser
@drawn
def test_figures_are_drawn_when_a_reader_comes_near(opened: Visit, book: Path, page_name: str) -> None:
    html = (book / f"{page_name}.html").read_text(encoding="utf-8")
    figures, widgets = html.count('class="dlb-plotly"'), html.count("vnd.jupyter.widget-view+json")
    formulas = len(re.findall(r'class="math notranslate nohighlight"', html))
    page = opened.page
    if formulas:
        page.wait_for_function(f"document.querySelectorAll('mjx-container').length >= {formulas}")
        assert page.locator("mjx-merror").count() == 0
    for position in range(0, page.evaluate("document.body.scrollHeight"), DESK["height"]):
        page.evaluate(f"scrollTo(0, {position})")
        page.wait_for_timeout(50)
    page.wait_for_function(
        f"document.querySelectorAll('.dlb-plotly .plot-container').length === {figures}"
        f" && document.querySelectorAll('.widget-subarea > *').length === {widgets}",
    )


@pytest.mark.browser
@drawn
def test_a_page_opens_without_a_complaint_and_follows_the_room_into_the_dark(opened: Visit, axe: str) -> None:
    page = opened.page
    problems = look_around(opened, axe, "light")
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.wait_for_timeout(500)  # colours change over a moment
    problems += audit(page, axe, "dark")
    assert problems + opened.problems == []


@pytest.mark.browser
@pytest.mark.full
def test_a_page_opens_in_the_dark_without_a_complaint(
    chromium: Browser, address: str, axe: str, page_name: str
) -> None:
    opened = Visit(chromium, address, page_name, color_scheme="dark")
    problems = look_around(opened, axe, "dark")
    opened.close()
    assert problems + opened.problems == []


@pytest.mark.browser
@drawn
def test_every_control_changes_its_figure(opened: Visit) -> None:
    opened.draw_all()
    still = []
    for area in opened.page.locator(".cell_output").all():
        for slider in area.locator(".noUi-handle:visible, input[type=range]:visible").all():
            before = area.evaluate(VISIBLE_FIGURES)
            backwards = slider.evaluate(
                "e => e.ariaValueNow !== null ? e.ariaValueNow === e.ariaValueMax : e.value === e.max"
            )
            slider.press("ArrowLeft" if backwards else "ArrowRight")
            still += _unchanged(area, before, slider.get_attribute("aria-label") or "a slider")
        for choice in area.locator("select:visible").all():
            before = area.evaluate(VISIBLE_FIGURES)
            chosen, options = choice.evaluate("e => [e.selectedIndex, e.options.length]")
            choice.select_option(index=(chosen + 1) % options)
            still += _unchanged(area, before, choice.get_attribute("aria-label") or "a list")
        for button in area.locator(".widget-toggle-button:not(.mod-active):visible").all()[:1]:
            before = area.evaluate(VISIBLE_FIGURES)
            button.click()
            still += _unchanged(area, before, button.inner_text())
    assert still == [], "these controls change nothing that a reader sees"
    assert opened.problems == []


def _unchanged(area: object, before: str, name: str) -> list[str]:
    for _ in range(40):
        if area.evaluate(VISIBLE_FIGURES) != before:
            return []
        area.page.wait_for_timeout(50)
    return [name]


@pytest.mark.browser
def test_the_colours_follow_the_button(chromium: Browser, address: str) -> None:
    page = Visit(chromium, address, "book/index", color_scheme="light").page
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.locator(".theme-switch-button:visible").first.click()  # from the system's scheme to its opposite
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(background) != light
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.context.close()


@pytest.mark.browser
def test_search_finds_a_page_by_a_word(chromium: Browser, address: str) -> None:
    opened = Visit(chromium, address, "book/index")
    opened.page.keyboard.press("Control+k")
    opened.page.locator("dialog[open] input[name=q]").fill("embedding")
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_selector("#search-results li a")
    assert opened.page.locator("#search-results li a").count() > 1
    opened.close()
    assert opened.problems == []


@pytest.mark.browser
def test_a_page_that_gets_no_frames_is_opened_again(chromium: Browser, address: str) -> None:
    opened = Visit(chromium, address, "book/index")
    opened.page.evaluate("requestAnimationFrame = () => 0")
    pages = []

    @drawn
    def test(opened: Visit) -> None:
        pages.append(opened.page)
        opened.page.wait_for_function("new Promise((tell) => requestAnimationFrame(() => tell(true)))", timeout=1000)

    with pytest.warns(UserWarning, match="stopped drawing .*book/index"):
        test(opened=opened)
    frozen, fresh = pages
    assert frozen is not fresh
    assert frozen.is_closed()
    assert not fresh.is_closed()
    opened.close()


@pytest.mark.browser
def test_a_page_that_is_drawn_and_late_is_at_fault(chromium: Browser, address: str) -> None:
    opened = Visit(chromium, address, "book/index")
    pages = []

    @drawn
    def test(opened: Visit) -> None:
        pages.append(opened.page)
        opened.page.wait_for_function("false", timeout=100)

    with pytest.raises(Late):
        test(opened=opened)
    assert pages == [opened.page]
    opened.close()


@pytest.mark.browser
def test_home_is_light_before_a_reader_does_anything(chromium: Browser, address: str) -> None:
    page = chromium.new_context(viewport=DESK).new_page()
    sizes: dict[str, int] = {}
    page.on("response", lambda r: sizes.update({r.url: len(gzip.compress(r.body()))}) if r.ok else None)
    page.goto(f"{address}/book/index.html")
    page.wait_for_load_state("networkidle")
    page.context.close()
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    assert sum(sizes.values()) < HOME_KILOBYTES * 1000, f"the heaviest are {heaviest}"


@pytest.mark.browser
def test_the_address_without_a_page_leads_home(chromium: Browser, address: str) -> None:
    page = chromium.new_context().new_page()
    page.goto(f"{address}/")
    page.wait_for_url("**/book/index.html")
    page.context.close()


def test_a_page_with_cells_offers_its_notebook_without_outputs(book: Path, page_name: str) -> None:
    page = book / f"{page_name}.html"
    links = re.findall(r'href="([^"]+\.ipynb)"[^>]*btn-sm', page.read_text(encoding="utf-8").replace("\n", " "))
    if not page.with_suffix(".ipynb").exists():
        assert links == []
        return
    (link,) = links
    assert (page.parent / link).resolve() == page.with_suffix(".ipynb")
    notebook = nbformat.read(page.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_what_a_page_needs_from_a_later_part_says_which(book: Path) -> None:
    def needs(page: str) -> str:
        return re.findall(r"<p>You need .*?</p>", (book / f"{page}.html").read_text(encoding="utf-8"), re.DOTALL)[0]

    assert "(part 4)" in needs("book/representations/contrast")
    assert "(part" not in needs("book/lao/schedules")
