"""Keeps a host of `cluster_hosts`: the namespaces it is in, for as long as it runs.

When a line comes, it ends whatever else is in its network namespace, and says so; at the end of
its input, which is how its parent's end shows, it does so too and ends. Nothing of a host
is left then, whatever it has started: the namespaces go with their last process.
"""

from __future__ import annotations

import os
import signal
import sys


def end_all_others() -> None:
    """End every process of this network namespace but this one."""
    while found := _others():
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _others() -> list[int]:
    own = os.readlink("/proc/self/ns/net")
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdecimal() and os.readlink(f"/proc/{name}/ns/net") == own:
                found.append(int(name))
        except OSError:
            continue  # it has ended, or is not one of ours
    return [process for process in found if process != os.getpid()]


if __name__ == "__main__":
    # Ctrl-C is the parent's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("ready", flush=True)
    for _ in sys.stdin:
        end_all_others()
        print("ended", flush=True)
    end_all_others()
