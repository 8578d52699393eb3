"""Every attack of the corpus, graded by the command: it earns what its honest part deserves, and reaches nothing."""

import json
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from attacks.corpus import ATTACKS, NOTEBOOK, PORT, SCRIPT, Attack, stolen
from grading.attacked.source import write_source
from grading.rows import environment
from grading.walls import needs_walls

SETTINGS = """\
c = get_config()
c.CourseDirectory.root = {root!r}
c.ExecutePreprocessor.timeout = 8
c.Sandbox.notebook_seconds = 120
c.Sandbox.memory = 2 << 30
"""
HONEST = "honest-beside-them"
pytestmark = needs_walls


@dataclass
class Graded:
    """What came of a class of attackers with one honest student among them.

    Attributes:
        rows: of the table, by student.
        course: the course's folder.
        reached: what stands in the folder that no student's code should reach.
        called: what came in at the port that no student's code should reach.
    """

    rows: dict[str, dict]
    course: Path
    reached: list[str]
    called: list[bytes]


def grade_all(attacks: list[Attack], root: Path) -> Graded:
    course, reach = root / "course", root / "reached"
    reach.mkdir(parents=True)
    reach.chmod(0o777)
    root.chmod(0o755)
    course.mkdir()
    (course / "nbgrader_config.py").write_text(SETTINGS.format(root=str(course)))
    (course / "notes.txt").write_text("SECRET-GRADEBOOK")
    write_source(course / "source" / "attacked")
    with_secret = environment() | {"GRADER_TEST_SECRET": "SECRET-ENVIRONMENT"}
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "attacked"]
    subprocess.run(command, cwd=course, env=with_secret, check=True, capture_output=True)
    released = nbformat.read(course / "release" / "attacked" / NOTEBOOK, as_version=4)
    for attack in attacks:
        attack.write(course / "submitted" / attack.name / "attacked", released, reach=reach)
    honest = nbformat.read(course / "source" / "attacked" / NOTEBOOK, as_version=4)
    folder = course / "submitted" / HONEST / "attacked"
    folder.mkdir(parents=True)
    nbformat.write(honest, folder / NOTEBOOK)
    (folder / "notes.txt").write_text("SECRET-OTHER-STUDENT")
    called: list[bytes] = []
    with listening(called):
        command = [sys.executable, "-m", "grader", "attacked", "--json", "--workers", "2"]
        done = subprocess.run(command, cwd=course, env=with_secret, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("["), done.stderr[-3000:]
    rows = {row["student"]: row for row in json.loads(done.stdout)}
    return Graded(rows, course, sorted(path.name for path in reach.iterdir()), called)


class listening:  # noqa: N801 - reads like the function it is used as
    """Note whoever calls at the port of the attacks: TCP, UDP and the abstract socket."""

    def __init__(self, called: list[bytes]) -> None:
        self.called = called
        self.sockets = [
            socket.socket(socket.AF_INET, socket.SOCK_STREAM),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        ]

    def __enter__(self) -> None:
        addresses = [("127.0.0.1", PORT), ("127.0.0.1", PORT), f"\0grader-attack-{PORT}"]
        for one, address in zip(self.sockets, addresses, strict=True):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.settimeout(0.2)
            one.bind(address)
            if one.type == socket.SOCK_STREAM:
                one.listen(16)
        self.open = True
        self.threads = [threading.Thread(target=self.note, args=(one,)) for one in self.sockets]
        for thread in self.threads:
            thread.start()

    def note(self, one: socket.socket) -> None:
        while self.open:
            try:
                if one.type == socket.SOCK_STREAM:
                    caller, _ = one.accept()
                    caller.close()
                    self.called.append(b"a connection")
                else:
                    self.called.append(one.recv(1024))
            except TimeoutError:
                continue

    def __exit__(self, *error: object) -> None:
        self.open = False
        for thread in self.threads:
            thread.join()
        for one in self.sockets:
            one.close()


@pytest.fixture(scope="module")
def graded(request, tmp_path_factory) -> Graded:
    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    wanted = {item.callspec.params["attack"].name for item in here}
    return grade_all([attack for attack in ATTACKS if attack.name in wanted], tmp_path_factory.mktemp("attacked"))


# Enough of each kind for every run of the tests; `make test-full` grades them all.
QUICK = """
    ast_transformer equal_to_everything shadow_torch dies_at_once dies_when_called endless_cell
    forged_wire_messages garbage_on_heartbeat leaves_files leaves_marks_in_sandbox much_memory
    prints_away_its_error prints_one_long_line raises_stop_iteration zeroed_argument ungraded_test zip_bomb
""".split()  # noqa: SIM905 - one line a name would be longer than the test


def marked(attack: Attack) -> object:
    return pytest.param(attack, id=attack.name, marks=[] if attack.name in QUICK else [pytest.mark.full])


MARKED = [marked(attack) for attack in ATTACKS]


@pytest.mark.parametrize("attack", MARKED)
def test_an_attack_earns_what_its_honest_part_deserves(attack, graded):
    row = graded.rows[attack.name]
    assert (row["score"] or 0) == attack.deserves, row
    assert attack.flags <= set(row["flags"]), row
    assert (row["problem"] is None) == ("refused" not in attack.flags), row


@pytest.mark.parametrize("attack", MARKED)
def test_an_attack_reads_no_secret(attack, graded):
    path = graded.course / "autograded" / attack.name / "attacked" / NOTEBOOK
    if "refused" in attack.flags:
        assert not path.exists()
    else:
        assert stolen(nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize("attack", MARKED)
def test_no_page_lets_an_attacks_script_run_or_shows_a_hidden_test(attack, graded):
    if "refused" not in attack.flags:
        page = (graded.course / "feedback" / attack.name / "attacked" / "attacked.html").read_text()
        assert "SECRET-HIDDEN-TEST" not in page
        assert f"<script>{SCRIPT}" not in page
        assert f'="{SCRIPT}' not in page


def test_nothing_outside_is_reached(graded):
    assert graded.reached == []
    assert graded.called == []


def test_the_honest_student_beside_them_gets_every_point(graded):
    row = graded.rows[HONEST]
    assert (row["score"], row["flags"]) == (10, [])
