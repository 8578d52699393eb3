"""Hands in 20,000 empty files in folders 60 deep.

Deserves: 0.
Flags: refused.
Guard: the intake counts files, and how deep they lie.
"""


def submit(notebook, folder):
    deep = folder.joinpath(*["d"] * 60)
    deep.mkdir(parents=True)
    for number in range(20_000):
        (deep / str(number)).touch()
