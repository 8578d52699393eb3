"""Opens the kernel's own settings for writing, and the files that make it run a helper as root. It writes nothing.

Deserves: 5.
Guard: never root, also outside of its user namespace; no capabilities.
"""

for path in (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sysrq-trigger",
    "/proc/1/oom_score_adj",
    "/sys/kernel/uevent_helper",
    "/sys/fs/cgroup/cgroup.procs",
    "/sys/fs/cgroup/release_agent",
    "/dev/mem",
    "/dev/kmsg",
    "/dev/sda",
    "/dev/kvm",
    "/dev/tty",
):
    try:
        os.close(os.open(path, os.O_WRONLY))
        if path != "/proc/1/oom_score_adj" or os.stat("/proc/1").st_uid != os.getuid():
            report("could open for writing " + path)
    except OSError:
        pass
