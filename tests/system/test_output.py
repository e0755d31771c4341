#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the programs print, and what becomes of it: an output that is full or closed, standard
streams that are not there, and the command line of twampd --check-config.
"""

import subprocess
import tempfile

import harness
from harness import same, test, true

LOCAL = 30  # twamp: an error of this host


def call(argv, stdout=subprocess.PIPE, **options):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                          text=True, timeout=60, **options)


def settings(text=""):
    f = tempfile.NamedTemporaryFile("w", suffix=".conf")
    f.write(text)
    f.flush()
    return f


def prints(t):
    """Command lines that print, with the exit status when that fails."""
    file = t.stack.enter_context(settings()).name
    daemon = (["--check-config", file], ["--check-config", "--dump", file], ["--help"],
              ["--version"], ["--schema"])
    client = (["--help"], ["--version"], ["controller", "--help"], ["explain", "4"],
              ["explain", "no-class"], ["dscptable"], ["keygen", "probe-1"],
              ["controller", t.server, "--count", "2"],
              ["controller", t.server, "--count", "2", "--json"])
    return [([t.run.twampd] + a, 1) for a in daemon] + [([t.run.twamp] + a, LOCAL) for a in client]


@test
def output_that_is_full(t):
    t.shared()
    for argv, status in prints(t):
        with open("/dev/full", "w") as full:
            out = call(argv, stdout=full)
        same(out.returncode, status, "exit status of " + " ".join(argv))
        true("not all of the output could be written" in out.stderr or "No space" in out.stderr, "%r of %r" % (out.stderr, argv))


@test
def output_that_is_closed(t):
    t.shared()
    for argv, status in prints(t):
        out = call(["/bin/sh", "-c", '"$@" >&-', "sh"] + argv)
        same(out.returncode, status, "exit status of " + " ".join(argv))
        true("could be written" in out.stderr or "Bad file" in out.stderr, "nothing is said by %r" % argv)
        same(call(argv).returncode, 0, "exit status with an output of " + " ".join(argv))


@test
def standard_streams_that_are_closed_become_no_socket(t):
    # every combination of them; activated, too, as the sockets that are passed come after them
    for closed in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
        d = t.daemon(prefix=["/bin/sh", "-c", 'exec "$@" ' + closed, "sh"], wait=False)
        harness.wait_for(lambda: 862 in [port for _, port, _ in d.sockets("tcp")], "it listens")
        t.connect().close()
        for fd in (0, 1, 2):
            true("socket:" not in d.fds()[fd] and "anon_inode" not in d.fds()[fd],
                 "descriptor %d is %s with %s" % (fd, d.fds()[fd], closed))
        same(d.terminate(), 0, "exit status")


@test
def check_config_of_a_file(t):
    with settings("limits = {\n\tmax_sessions = 0;\n};\n") as bad, settings() as good:
        for argv in (["--check-config", good.name], [good.name, "--check-config"],
                     ["--check-config", "--dump", good.name]):
            out = call([t.run.twampd] + argv)
            same((out.returncode, out.stderr), (0, ""), "status and stderr of %r" % argv)
        out = call([t.run.twampd, "--check-config", bad.name])
        same(out.returncode, 2, "exit status")
        true("%s:2:" % bad.name in out.stderr and "limits.max_sessions" in out.stderr, out.stderr)
        for argv in (["--config", good.name, "--check-config", good.name],
                     ["--check-config", good.name, bad.name], [good.name]):
            out = call([t.run.twampd] + argv)
            same(out.returncode, 2, "exit status of %r" % argv)
            true("no argument expected" in out.stderr, out.stderr)


@test
def byte_order_marks(t):
    mark = "\ufeff"
    d = t.daemon(text=mark + harness.config_text(harness.BASE))
    t.connect().close()
    d.reload(text=mark + harness.config_text(harness.BASE))
    line = d.reload(text="\n\n" + mark + harness.config_text(harness.BASE), expect="reload failed")
    true("twampd.conf:3:" in line and "byte order mark" in line, line)
    d.write_keys((mark + "probe-1 thirty-two is enough for anybody\n").encode())
    d.reload()
    with open(d.file, "wb") as f:
        f.write("log = { level = \"info\"; };".encode("utf-16"))
    out = call([t.run.twampd, "--check-config", d.file])
    true(out.returncode == 2 and "UTF-16" in out.stderr, out.stderr)


if __name__ == "__main__":
    harness.main()
