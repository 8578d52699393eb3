"""``grade ASSIGNMENT``: grades a class, or what is new of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from grader.options import STUCK, parser
from grader.sandbox import SandboxError, find_bubblewrap, require_linux
from grader.unprotected import WARNING


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade; returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        require_linux()
        if options.no_sandbox:
            print(WARNING, file=sys.stderr)
        else:
            find_bubblewrap()
    except SandboxError as error:
        print(f"grade: {error}", file=sys.stderr)
        return STUCK
    from grader.command import grade  # only here: other systems than Linux lack what it imports

    return grade(options)


if __name__ == "__main__":
    sys.exit(main())
