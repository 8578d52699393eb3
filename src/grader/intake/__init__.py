"""Intake: finds what students handed in for one assignment, and reads it within caps or says why it is refused.

A submission that is not what it should be never stops the others: it comes as one that is refused, with the reason.
Where one of several notebooks is unreadable, only that one is left out, with a note.
"""

from grader.intake.caps import Caps
from grader.intake.collecting import Intake, collect

__all__ = ["Caps", "Intake", "collect"]
