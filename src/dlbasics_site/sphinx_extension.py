"""What the book asks of Sphinx: local scripts, cells with a name, the objectives card, its own page buttons."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles
from sphinx.util.typing import ExtensionMetadata

from dlbasics_site.checklist import ChecklistDirective
from dlbasics_site.curriculum import curriculum_markdown, part_of
from dlbasics_site.curriculum import front_matter as read_front_matter
from dlbasics_site.pages import configured_repository, read_book, read_notebook
from dlbasics_site.plain_markdown import objectives_markdown
from dlbasics_site.quiz import QuizDirective

_GITHUB = re.compile(r"^https://github\.com/(?P<owner>[^/]+)/(?P<name>[^/]+)$")
_NOTEBOOK_BRANCH = "gh-pages"  # where the published site lies, with its notebooks; Colab opens them from a branch

# Boxes and sections whose title says what they are for; each gets a class, so that it looks the same on every page.
_KINDS = {
    "predict": "dlb-predict",
    "try it": "dlb-try",
    "check yourself": "dlb-check",
    "take away": "dlb-take-away",
    "where next": "dlb-next",
}
_FORMULA = re.compile(r'class="[^"]*\bmath\b|\\\(|\$\$')
_PROMISE = re.compile(r"In \d+ minutes you (can|will)")  # the card at the top of a page


class ObjectivesDirective(SphinxDirective):
    """The card at the top of a page: what a reader can do afterwards, the minutes and what it builds on.

    Everything comes from the page's front matter: `objectives`, `minutes` and `needs`.
    """

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the card."""
        front_matter = read_front_matter(Path(self.env.doc2path(self.env.docname)))
        if not front_matter.get("objectives"):
            raise self.error("the front matter has no `objectives`, which this card shows")
        lines = [*objectives_markdown(front_matter).splitlines(), ""]
        if needs := [self._link(need) for need in front_matter.get("needs", [])]:
            lines.append("You need " + ", ".join(needs) + ".")
        card = nodes.container(classes=["dlb-objectives"])
        self.state.nested_parse(StringList(lines, source=self.get_source_info()[0]), self.content_offset, card)
        return [card]

    def _link(self, need: str) -> str:
        page = need if need.startswith("book/") else f"book/{need}"
        if page in self.env.found_docs:
            is_ahead = 0 < part_of(self.env.docname) < part_of(page)  # a reader in order has not met it yet
            return f"[](/{page}.md)" + f" (part {part_of(page)})" * is_ahead
        return need.rpartition("/")[2].replace("-", " ") + " (to come)"


class CurriculumDirective(SphinxDirective):
    """The map of the curriculum: every page's objectives, where they are taught, and what practises them."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the map; an objective without teaching or practice fails the build."""
        try:
            lines = curriculum_markdown(read_book(Path(self.env.srcdir))).splitlines()
        except ValueError as error:
            raise self.error(str(error)) from error
        self.env.note_reread()  # it shows other pages
        part = nodes.section()
        part.document = self.state.document
        nested_parse_with_titles(self.state, StringList(lines, source=self.get_source_info()[0]), part)
        return part.children


def _configure(app: Sphinx, config: Config) -> None:
    config.mathjax_path = "vendor/mathjax/tex-mml-chtml.js"
    config.nb_ipywidgets_js = {}  # dlbasics.js loads them, when a widget nears the viewport
    options = config.html_theme_options
    repository = configured_repository(options)
    options["repository_url"] = repository
    options["use_repository_button"] = options["use_issues_button"] = bool(repository)
    options["launch_buttons"] = {}  # the theme's cannot point at a notebook that is not in the source tree


def _name_boxes_and_sections(app: Sphinx, document: nodes.document) -> None:
    for node in [*document.findall(nodes.admonition), *document.findall(nodes.section)]:
        title = node.next_node(nodes.title)
        if title is not None and title.parent is node:
            words = title.astext().strip().lower()
            node["classes"] += [name for start, name in _KINDS.items() if words.startswith(start)]
    for node in document.findall(nodes.container):
        if "sd-card" in node["classes"] and _PROMISE.match(node.astext()):
            node["classes"].append("dlb-promise")


def _number_cells(app: Sphinx, document: nodes.document, page: str) -> None:
    """Give each cell the id under which messages name it: `cell-3` is the third code cell, hidden ones counted."""
    containers = [node for node in document.findall(nodes.container) if node.get("nb_element") == "cell_code"]
    if not containers:
        return
    cells = read_notebook(Path(app.env.doc2path(page)), app.config.myst_enable_extensions).cells
    code_cells = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
    for node in containers:
        node["ids"].append(f"cell-{code_cells.index(node['cell_index']) + 1}")


def _prepare_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None
) -> None:
    context["script_files"] = [script for script in context["script_files"] if not _is_thebe(script)]
    context["css_files"] = [sheet for sheet in context["css_files"] if not _is_thebe(sheet)]
    if not _FORMULA.search(context.get("body", "")):  # MathJax is a quarter of a megabyte
        context["script_files"] = [script for script in context["script_files"] if not _is_mathjax(script)]
    if document is None:
        return
    has_cells = "kernelspec" in app.env.metadata[page]
    buttons = [button for button in context["header_buttons"] if button.get("label") != "download-buttons"]
    downloads = _download_buttons(page, context, has_cells=has_cells)
    launches = _launch_buttons(page, app, has_cells=has_cells)
    context["header_buttons"] = [*launches, downloads, *buttons]


def _is_mathjax(script: Any) -> bool:
    return "mathjax" in str(getattr(script, "filename", "")).lower()


def _is_thebe(asset: Any) -> bool:
    """Whether a script or style sheet is sphinx-thebe's, which throws on every page even when it is switched off."""
    attributes = getattr(asset, "attributes", {})
    return "thebe" in str(getattr(asset, "filename", "")) or "thebe" in str(attributes.get("body", ""))


def _download_buttons(page: str, context: dict[str, Any], *, has_cells: bool) -> dict[str, Any]:
    links = []
    if has_cells:
        notebook = f"{page}.ipynb"
        links.append({"type": "link", "text": "Notebook", "icon": "fas fa-book", "url": context["pathto"](notebook, 1)})
    if not context["sourcename"].endswith(".ipynb"):  # there the notebook is the source
        source = f"{context['pathto']('_sources', 1)}/{context['sourcename']}"
        links.append({"type": "link", "text": "Source", "icon": "fas fa-file", "url": source})
    links.append({"type": "javascript", "text": "Print or PDF", "icon": "fas fa-file-pdf", "javascript": "dlbPrint()"})
    return {
        "type": "group",
        "tooltip": "Download this page",
        "icon": "fas fa-download",
        "buttons": links,
        "label": "download-buttons",
    }


def _launch_buttons(page: str, app: Sphinx, *, has_cells: bool) -> list[dict[str, Any]]:
    options = app.config.html_theme_options
    repository = _GITHUB.match(options["repository_url"])
    if not has_cells or not repository:
        return []
    address = f"{repository['owner']}/{repository['name']}"
    branch = options.get("repository_branch") or "main"
    source = quote(Path(app.env.doc2path(page)).relative_to(app.srcdir).as_posix())
    links = [
        (
            "Colab",
            "logo_colab.png",
            f"https://colab.research.google.com/github/{address}/blob/{_NOTEBOOK_BRANCH}/{page}.ipynb",
        ),
        ("Binder", "logo_binder.svg", f"https://mybinder.org/v2/gh/{address}/{branch}?urlpath=lab/tree/{source}"),
    ]
    buttons = [
        {"type": "link", "text": name, "icon": f"_static/images/{logo}", "url": url} for name, logo, url in links
    ]
    return [
        {
            "type": "group",
            "tooltip": "Run this page",
            "icon": "fas fa-rocket",
            "buttons": buttons,
            "label": "launch-buttons",
        }
    ]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register everything with Sphinx.

    Args:
        app: the application that loads this extension.
    """
    app.add_directive("objectives", ObjectivesDirective)
    app.add_directive("quiz", QuizDirective)
    app.add_directive("checklist", ChecklistDirective)
    app.add_directive("curriculum", CurriculumDirective)
    app.add_css_file("icons.css", priority=900)
    app.add_css_file("dlbasics.css", priority=901)
    app.add_js_file("dlbasics.js", loading_method="defer")
    app.connect("config-inited", _configure)
    app.connect("doctree-read", _name_boxes_and_sections)
    app.connect("doctree-resolved", _number_cells)
    app.connect("html-page-context", _prepare_page, priority=600)  # after the theme has made its buttons
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
