"""Hands in files whose names are commands, scripts, escape sequences, too long, or end a line.

Deserves: 0.
Flags: refused.
Guard: the intake refuses names with control characters, and escapes whatever it says of them.
"""


def submit(notebook, folder):
    for name in (
        "-rf",
        "$(touch x)",
        "a\nb.csv",
        f"<script>{SCRIPT}()<",
        "\x1b[2J.txt",
        "\u202eb.py",
        "x" * 250,
        "...",
    ):
        (folder / name).write_text("x")
