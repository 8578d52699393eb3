"""nbgrader's gradebook of one job: the one that was handed in, whoever opens it, and gone afterwards."""

from collections.abc import Callable

import pytest
from nbgrader.api import Gradebook, MissingEntry

from grader.course import Course, snapshot
from grader.throwaway import throwaway_gradebook


def test_who_opens_it_finds_the_assignment_and_what_was_written_before(make_course: Callable[..., Course]) -> None:
    with throwaway_gradebook(snapshot(make_course(), "ps1").database):
        with Gradebook("sqlite://") as gradebook:
            gradebook.add_student("ada")
            gradebook.add_submission("ps1", "ada")
        with Gradebook("postgresql://elsewhere", "a course") as gradebook:
            submission = gradebook.find_submission("ps1", "ada")
            submission.notebooks[0].grades[0].auto_score = 0.5
            gradebook.db.commit()
        with Gradebook("") as gradebook:
            assert gradebook.find_submission("ps1", "ada").score == 0.5


def test_what_was_not_committed_is_gone(make_course: Callable[..., Course]) -> None:
    with throwaway_gradebook(snapshot(make_course(), "ps1").database):
        with Gradebook("") as gradebook:
            gradebook.add_student("ada")
            gradebook.find_student("ada").first_name = "Ada"
        with Gradebook("") as gradebook:
            assert gradebook.find_student("ada").first_name is None


def test_nothing_of_one_job_is_in_the_next(make_course: Callable[..., Course]) -> None:
    database = snapshot(make_course(), "ps1").database
    with throwaway_gradebook(database), Gradebook("") as gradebook:
        gradebook.add_student("ada")
    with throwaway_gradebook(database), Gradebook("") as gradebook, pytest.raises(MissingEntry):
        gradebook.find_student("ada")


def test_afterwards_a_gradebook_is_again_what_its_address_says(make_course: Callable[..., Course]) -> None:
    course = make_course()
    with pytest.raises(MissingEntry), throwaway_gradebook(snapshot(course, "ps1").database), Gradebook("") as gradebook:
        gradebook.find_student("ada")
    with Gradebook(course.db_url) as gradebook:
        assert gradebook.students == []
        assert gradebook.find_assignment("ps1").name == "ps1"
