"""Hands in what Python and Jupyter run at their start: sitecustomize, .pth files, configurations, start-up scripts.

Deserves: 5.
Guard: the kernels and the grader start elsewhere, and take no configuration from the submission.
"""


def submit(notebook, folder):
    code = prelude + "\nreach('startup')\ntry:\n    report('a start-up file was run')\nexcept Exception:\n    pass\n"
    start = folder / ".ipython" / "profile_default" / "startup"
    start.mkdir(parents=True)
    for path in (
        "sitecustomize.py",
        "usercustomize.py",
        "conftest.py",
        "nbgrader_config.py",
        "ipython_config.py",
        "ipython_kernel_config.py",
        "jupyter_config.py",
        "jupyter_nbconvert_config.py",
        ".ipython/profile_default/startup/00-first.py",
        ".pythonrc.py",
    ):
        (folder / path).write_text(code)
    (folder / "attack.pth").write_text("import sitecustomize\n")
    (folder / "pyvenv.cfg").write_text("home = .\ninclude-system-site-packages = true\n")
    (folder / ".env").write_text("PYTHONPATH=.\nPYTHONSTARTUP=.pythonrc.py\n")
