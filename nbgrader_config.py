"""nbgrader's settings: what instructors author and students open is in sight, what grading leaves behind is not."""

from pathlib import Path

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

c.ExecutePreprocessor.timeout = 60  # seconds a cell; nbgrader's 30 is short for a training run on an old laptop
