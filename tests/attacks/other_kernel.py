"""Names another kernel, one that the grader should not start, and another language.

Deserves: 5.
Guard: the grader names the kernel.
"""


def submit(notebook, folder):
    notebook.metadata["kernelspec"] = {"name": "../../attack", "display_name": "bash", "language": "bash"}
    notebook.metadata["language_info"] = {"name": "r", "file_extension": "/../../x.R", "pygments_lexer": "x" * 9999}
