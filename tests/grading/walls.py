"""Whether this machine can wall code in: what tests of the real thing need."""

import pytest

import programs

needs_walls = pytest.mark.skipif(
    programs.bubblewrap() is None, reason="bubblewrap is not installed (Debian: apt-get install bubblewrap)"
)
