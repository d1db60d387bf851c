"""Runs a program on a terminal of its own and types what it is told, when it is told.

    python3 terminal.py '[["Type it.", "secret\\r"], ...]' program arguments ...

Each step waits until its text was shown, and then types. Prints one line of JSON: all that was shown,
the exit status, and whether the terminal shows again what is typed.
"""

import json
import os
import pty
import select
import subprocess
import sys
import termios
import time

steps = json.loads(sys.argv[1])
controller, terminal = pty.openpty()
child = subprocess.Popen(
    sys.argv[2:], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
)
shown = b""
seen_through = 0
give_up_at = time.monotonic() + 60


def read_some():
    global shown
    ready, _, _ = select.select([controller], [], [], 0.05)
    if ready:
        shown += os.read(controller, 65536)


for text, answer in steps:
    while True:
        at = shown.find(text.encode(), seen_through)
        if at >= 0:
            seen_through = at + len(text.encode())
            break
        if child.poll() is not None or time.monotonic() > give_up_at:
            break
        read_some()
    os.write(controller, answer.encode())

while child.poll() is None and time.monotonic() < give_up_at:
    read_some()
if child.poll() is None:
    child.kill()
    child.wait()
read_some()
echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
print(json.dumps({"shown": shown.decode("utf-8", "replace"), "code": child.returncode, "echoes": echoes}))
