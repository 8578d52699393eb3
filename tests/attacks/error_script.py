"""Raises errors whose name and message are scripts, escape sequences and text that turns around.

Deserves: 5.
Guard: feedback is sanitised HTML; of an exception only a shortened name and message cross.
"""

import sys

call = "graderAttack()"
Script = type(f"<script>{call}</script>", (Exception,), {})


def double(x):
    raise Script(f"\x1b[31m</pre><script>{call}</script>\x1b]0;title\x07\x1b[2J<img src=x onerror={call}>\u202e")


print(f"<script>{call}</script>", file=sys.stderr)
# %% before honest
raise Script("</pre><script>graderAttack()</script>")
