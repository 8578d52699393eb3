"""nbgrader's settings: what instructors author and students open is in sight, what grading leaves behind is not."""

import warnings
from pathlib import Path

from dlbasics.sources import DEBIAN_FOLDER, cache_folder

root = Path(__file__).resolve().parent
private = root / ".nbgrader"
private.mkdir(exist_ok=True)  # SQLite makes the gradebook's file, not its folder

c = get_config()

c.CourseDirectory.course_id = "dlbasics"
c.CourseDirectory.root = str(root)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = ".nbgrader/submitted"
c.CourseDirectory.autograded_directory = ".nbgrader/autograded"
c.CourseDirectory.feedback_directory = ".nbgrader/feedback"
c.CourseDirectory.db_url = f"sqlite:///{(private / 'gradebook.db').as_posix()}"

# Beside an assignment's notebook lie its text, its cases, and its banks of wrong and right solutions: no student's
# folder, and no folder in which a student's code runs, gets a copy.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "__pycache__", "*.pyc", "*.md", "*.py", "feedback"]

c.ExecutePreprocessor.timeout = 60  # seconds a cell; nbgrader's 30 is short for a training run on an old laptop

# Feedback shows what a check said, not the source of a hidden test.
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "grader.feedback.WordsOnly",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]

# What `grade` shows to notebooks in its sandbox: the images, read-only, at the place where they are. And what it loads
# once for all.
images = cache_folder()
c.Sandbox.read_only = [str(images)] if images.exists() else []
if not images.exists() and not DEBIAN_FOLDER.exists():
    warnings.warn(
        f"no images in {images}: unless a cluster's workers have them there, notebooks will be graded on the digits "
        "that stand in for them. `python -m dlbasics.data` gets the images; DLBASICS_DATA names where they are.",
        stacklevel=1,
    )
c.Sandbox.modules = ["torch._dynamo"]  # which torch's optimisers import when they are first used, for seconds
c.Sandbox.prepare = [
    "from dlbasics import data; data.load_ahead()",
    "from dlbasics.checking import tasks; tasks.load_ahead()",
]
c.Sandbox.environment = {"DLBASICS_DATA": str(images.parent)}
