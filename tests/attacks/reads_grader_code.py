"""Uses nbgrader's and the grader's own programs, from within: the gradebook, the exchange, the course.

Deserves: 5.
Guard: there is no course and no gradebook where the student's code runs.
"""

import subprocess
import sys

for place in (".", "../../..", REACH + "/..", REACH + "/../course"):
    try:
        from nbgrader.api import Gradebook

        path = os.path.abspath(os.path.join(place, "gradebook.db"))
        if os.path.exists(path):
            with Gradebook("sqlite:///" + path) as gradebook:
                report(f"gradebook of {len(gradebook.students)} students")
                for assignment in gradebook.assignments:
                    for notebook in assignment.notebooks:
                        steal("gradebook", "".join(cell.source for cell in notebook.source_cells))
    except Exception:
        pass
said = subprocess.run([sys.executable, "-m", "nbgrader", "db", "student", "list"], capture_output=True, timeout=20)
steal("nbgrader db", said.stdout + said.stderr)
