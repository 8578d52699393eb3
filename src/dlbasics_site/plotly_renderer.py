"""Put plotly figures into the pages as data, which a small script draws when a reader comes near."""

import json
from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar

from docutils import nodes
from myst_nb.core.render import MimeData, MimeRenderPlugin, NbElementRenderer

PLOTLY_MIMETYPE = "application/vnd.plotly.v1+json"

_DEFAULT_HEIGHT = 450  # plotly's own, in pixels; the place is kept free so that the text does not jump


class PlotlyRenderer(MimeRenderPlugin):
    """Renders `application/vnd.plotly.v1+json` as a placeholder that names the figure for those who cannot see it."""

    # Before the text/html that plotly writes beside its JSON, which carries plotly.js or asks the network for it.
    mime_priority_overrides: ClassVar[Sequence[tuple[str, str, int | None]]] = [("*", PLOTLY_MIMETYPE, 5)]

    @staticmethod
    def handle_mime(renderer: NbElementRenderer, data: MimeData, inline: bool) -> list[nodes.Element] | None:
        """Render plotly's JSON, and leave every other type to others.

        Args:
            renderer: unused; part of the plug-in's signature.
            data: one output of one cell.
            inline: whether it stands inside a paragraph, where a figure has no place.

        Returns:
            One raw HTML node, or None for a type that is not plotly's. Its `aria-label` is empty where the figure has
            no `layout.meta["alt"]`; the check of the finished pages then fails the build.
        """
        if inline or data.mime_type != PLOTLY_MIMETYPE:
            return None
        figure: dict[str, Any] = json.loads(data.content) if isinstance(data.content, str) else dict(data.content)
        layout = figure.get("layout", {})
        meta = layout.get("meta")
        alt = meta.get("alt", "") if isinstance(meta, dict) else ""
        height = int(layout.get("height") or _DEFAULT_HEIGHT)
        drawn = {key: figure[key] for key in ("data", "layout", "frames", "config") if key in figure}
        content = json.dumps(drawn, separators=(",", ":")).replace(
            "</", "<\\/"
        )  # no figure may close the script element
        html = (
            f'<div class="dlb-plotly" role="img" aria-label="{escape(alt)}" style="min-height:{height}px">'
            f'<script type="application/json">{content}</script></div>'
        )
        return [nodes.raw(text=html, format="html", classes=["output", "plotly"])]
