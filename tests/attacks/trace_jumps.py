"""Traces every frame and jumps over lines that assert; sets profile and monitoring hooks too.

Deserves: 5.
Guard: the tests run in a kernel that no student's code enters.
"""

import linecache
import sys


def trace(frame, event, arg):
    if event == "line" and linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("assert"):
        try:
            frame.f_lineno += 1
        except ValueError:
            pass
    return trace


sys.settrace(trace)
sys.setprofile(lambda frame, event, arg: None)
if hasattr(sys, "monitoring"):
    sys.monitoring.use_tool_id(3, "attack")
frame = sys._getframe()
while frame:
    frame.f_trace = trace
    frame = frame.f_back
