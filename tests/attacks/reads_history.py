"""Reads the history of inputs: In, _ih, %history, the shell's history manager and its file.

Deserves: 5.
Guard: the tests are no input of the student's kernel, and its history is its own and in memory.
"""

import sqlite3

shell = get_ipython()


def look():
    steal("In", repr((In, _ih, Out, shell.history_manager.input_hist_raw, shell.history_manager.input_hist_parsed)))
    shell.run_line_magic("history", "-g -f all_of_it.txt SECRET*")
    steal("%history", open("all_of_it.txt").read())
    os.remove("all_of_it.txt")
    for place in (shell.history_manager.hist_file, os.path.expanduser("~/.ipython/profile_default/history.sqlite")):
        if os.path.isfile(place):
            rows = sqlite3.connect(f"file:{place}?mode=ro", uri=True).execute("select source from history")
            steal(place, repr(rows.fetchall()))


def double(x):
    look()
    return x + 1


# %% before honest
look()
# %% after test_honest
look()
