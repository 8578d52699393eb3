"""The four layouts in which platforms hand out submissions, each as a folder or as a zip.

nbgrader: `STUDENT/ASSIGNMENT/NAME.ipynb`, with or without a `timestamp.txt`. The student's id is the folder's name.
Canvas: `doejane_LATE_12345_67890_NAME-1.ipynb`, all side by side. The id is `doejane_12345`: name and Canvas's number
    of the user.
Moodle: `Jane Doe_123_assignsubmission_file_`, a folder's name or the beginning of a file's. The id is `Jane_Doe_123`:
    name and participant's number; what is neither letter, digit, dot nor hyphen becomes an underscore.
Gradescope: `submission_123/NAME.ipynb`, with a `submission_metadata.yml`. The id is its `:sid:`, else what stands
    before the `@` of its `:email:`, else the folder's name. All submitters of a group get the group's submission.

Of two submissions of one student the latest counts: with Canvas the file with the higher number of its own (the second
in the file's name; it grows with every upload), with Gradescope the later `:created_at:`, then the higher number.
nbgrader and Moodle hand out the latest only.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping

from grader.intake import gradescope
from grader.intake.arranging import meant
from grader.intake.caps import Caps
from grader.intake.names import listed
from grader.intake.sources import Found, Plan, Source


def survey(
    source: Source, name: str, assignment: str, expected: frozenset[str], caps: Caps, *, deeper: int = 2
) -> tuple[str, Source, list[Found]]:
    """Finds out the layout of a source, or of the only folder in it (at most two deep), as zips are often packed.

    Args:
        source: where to look.
        name: what to call it in an error.
        assignment: nbgrader's name of it.
        expected: names of its notebooks, without `.ipynb`.
        caps: for what must be read to find out.
        deeper: how many folders, each the only thing in its own, may still be opened.

    Returns:
        The layout's name, the source or the folder in it, and what was found there, in no order.

    Raises:
        ValueError: the layout is none that is understood, or could be two; or its metadata is damaged.
        Refusal: the metadata is not a plain file.
    """
    names = source.names()
    # From the most telling to the least. A student may name a file as another platform would: so a layout must explain
    # all that the others do.
    plans = {
        "Gradescope": gradescope.plan(source, names, caps),
        "Moodle": _moodle(names),
        "Canvas": _canvas(names, expected),
        "nbgrader": _nbgrader(source, names, assignment),
    }
    everything = set().union(*(plan.own for plan in plans.values()))
    understood = (
        f"understood are nbgrader's STUDENT/{assignment}/, and the exports of Canvas (doejane_12345_67890_NAME.ipynb), "
        "Moodle (Jane Doe_123_assignsubmission_file_) and Gradescope (submission_metadata.yml)"
    )
    if not everything:
        if list(names.values()) == ["folder"] and deeper:
            (only,) = names
            return survey(source.inside(only), f"{name}/{only}", assignment, expected, caps, deeper=deeper - 1)
        raise ValueError(f"{name} holds no submission of {assignment!r}; seen: {listed(names)}; {understood}")
    for layout, plan in plans.items():
        if plan.own == everything:
            fault = f"it is not named as {layout} names a submission"
            odd = [
                Found(one, ((one, "" if kind == "folder" else one),), fault=fault)
                for one, kind in names.items()
                if one not in plan.own and (layout != "nbgrader" or kind == "other")
            ]
            return layout, source, plan.found + odd
    some = "; ".join(f"as {layout}: {listed(plan.own)}" for layout, plan in plans.items() if plan.own)
    raise ValueError(f"{name} could be the export of more than one platform; {some}; keep them apart; {understood}")


def _nbgrader(source: Source, names: Mapping[str, str], assignment: str) -> Plan:
    own = {name for name, kind in names.items() if kind == "folder" and source.holds(f"{name}/{assignment}")}
    return Plan(own, [Found(name, ((f"{name}/{assignment}", ""),), renamed=False) for name in own])


# Canvas takes such numbers out of names, so the first pair is Canvas's own, whatever the student calls the file.
_CANVAS = re.compile(r"(?P<name>.+?)(?:_LATE)?_(?P<user>\d+)_(?P<file>\d+)_(?P<rest>.+)", re.DOTALL)
_ANONYMOUS = re.compile(r"(?P<name>anon)(?:_LATE)?_(?P<user>[0-9A-Za-z]{5})_(?P<file>\d+)_(?P<rest>.+)", re.DOTALL)


def _canvas(names: Mapping[str, str], expected: frozenset[str]) -> Plan:
    own = set()
    latest: dict[str, dict[str, tuple[int, str, str]]] = defaultdict(dict)
    for name, kind in names.items():
        if kind != "folder" and (match := _ANONYMOUS.fullmatch(name) or _CANVAS.fullmatch(name)):
            own.add(name)
            files = latest[f"{match['name']}_{match['user']}"]
            file = (int(match["file"][-18:]), name, match["rest"])
            key = meant(match["rest"], expected) or f"/{match['rest']}"
            files[key] = max(files.get(key, file), file)
    found = [
        Found(student, tuple((name, rest) for _, name, rest in sorted(files.values())))
        for student, files in latest.items()
    ]
    return Plan(own, found)


# Moodle writes a name's underscores as spaces; a group without a number is its "Default group".
_MOODLE = re.compile(r"(?P<name>.+?)(?:_(?P<number>\d+))?_assignsubmission_[a-z]+(?:_(?P<rest>.*))?", re.DOTALL)


def _moodle(names: Mapping[str, str]) -> Plan:
    own = set()
    places: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in sorted(names):
        if match := _MOODLE.fullmatch(name):
            own.add(name)
            full_name = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", match["name"])).strip("._")
            places["_".join(filter(None, (full_name, match["number"])))].append((name, match["rest"] or ""))
    return Plan(own, [Found(student, tuple(some)) for student, some in places.items()])
