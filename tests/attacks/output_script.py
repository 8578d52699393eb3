"""Displays scripts: HTML, JavaScript, SVG, LaTeX, markdown, widgets, names of MIME types and links that run code.

Deserves: 5.
Guard: feedback is sanitised HTML.
"""

from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display

call = "graderAttack()"
display(HTML(f"<script>{call}</script><img src=x onerror={call}><svg onload={call}></svg>"))
display(HTML(f"</div></div></body><script>{call}</script><a href='javascript:{call}'>why 0?</a>"))
display(Javascript(call), Latex(f"$\\href{{javascript:{call}}}{{x}}$"), Markdown(f"<img src=x onerror={call}>"))
display(SVG(f"<svg xmlns='http://www.w3.org/2000/svg' onload='{call}'><script>{call}</script></svg>"))
display({"image/png": f"x' onerror='{call}"}, raw=True)
display({"text/html": f"<script>{call}</script>", f"image/x><script>{call}</script>": "x"}, raw=True)
display({"application/vnd.jupyter.widget-view+json": {"model_id": f"</script><script>{call}</script>"}}, raw=True)
print(f"\x1b]8;;javascript:{call}\x07link\x1b]8;;\x07 \x1b[31m<script>{call}</script>\x1b[0m")
