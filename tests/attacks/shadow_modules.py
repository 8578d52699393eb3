"""Hands in modules and packages in the names of all that the grader itself might import.

Deserves: 5.
Guard: no process but the student's looks for modules among the student's files.
"""


def submit(notebook, folder):
    named(notebook, "double").source += "\n" + prelude
    for name in ("grader", "nbgrader", "nbclient", "distributed", "math", "statistics", "torch_shadow", "dlbasics"):
        (folder / f"{name}.py").write_text(f"{prelude}\nreach('shadow-{name}')\ndef prod(*args):\n    return 0\n")
    (folder / "msgpack").mkdir()
    (folder / "msgpack" / "__init__.py").write_text(f"{prelude}\nreach('shadow-msgpack')\n")
