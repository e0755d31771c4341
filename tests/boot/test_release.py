#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""From Debian 12 to 13: a package that was built on the one runs on the other, an upgrade finds
running sessions, and the unit has what the newer service manager offers.
"""

import sys

import bed
from bed import SERVICE, boot, client, same, step, taken_over, true

BEFORE, NOW = "bookworm", "trixie"


def stored(b):
    return int(b.m.property("NFileDescriptorStore", SERVICE))


def break_it(b):
    """A restart that fails for good: what was handed over is in the store."""
    b.drop_in("[Service]\nExecStart=\nExecStart=/usr/sbin/twampd --nonsense\n")
    true(b.systemctl("restart", SERVICE, check=False).returncode, "the restart fails")
    same(b.m.property("ActiveState", SERVICE), "failed", "state")
    same(stored(b), 2, "descriptors in the store")


@step
def the_package_of_the_release_before_runs(b):
    """As after an upgrade of the host: the libraries of before are there as well."""
    b.m.run("dpkg", "--force-depends", "--install", *b.old)
    before = boot.make_root(b.folder, boot.dependencies(bed.packages(b.folder, BEFORE)), BEFORE)
    for program in ("/usr/sbin/twampd", "/usr/bin/twamp"):
        for line in b.m.run("ldd", program).stdout.splitlines():
            if "not found" in line:
                name = line.split()[0]
                there = next(before.glob("usr/lib/*/" + name))
                b.m.copy(there, "/" + str(there.relative_to(before)))
    b.m.run("ldconfig")
    b.systemctl("restart", SERVICE)
    same(b.m.property("Type", SERVICE), "notify", "Type")
    b.measure()
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("RELOADED"), "the event of a reload")


@step
def an_upgrade_finds_running_sessions(b):
    pid, since = b.pid(), b.now()
    with client(b):
        b.m.run("dpkg", "--install", *b.debs)  # apt would first want the dependencies of before
        true(b.pid() != pid, "the process is another one")
        taken_over(b, since)
    same(b.m.property("Type", SERVICE), "notify-reload", "Type")
    same(b.m.property("FileDescriptorStorePreserve", SERVICE), "yes", "FileDescriptorStorePreserve")
    same(b.events("HANDOVER_LOST", since=since), [], "what is lost")


@step
def a_reload_is_one_and_fails_as_the_daemon_does(b):
    since = b.now()
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("RELOADED", since=since), "the event of a reload")
    b.configure("limits = { max_sessions = 0; };\n")
    done = b.systemctl("reload", SERVICE, check=False)
    true(done.returncode, "systemctl reload fails")
    b.configure("")
    b.systemctl("reload", SERVICE)
    same(len(b.events("RELOADED", since=since)), 2, "good reloads")
    same(len(b.events("RELOAD_FAILED", since=since)), 1, "failed reloads")
    same(b.m.property("ActiveState", SERVICE), "active", "state")
    b.systemctl("kill", "--kill-whom=main", "--signal=HUP", SERVICE)
    b.m.wait(lambda: len(b.events("RELOADED", since=since)) == 3, "the reload of SIGHUP")
    b.m.wait(b.active, "the end of the reload")


@step
def sessions_outlive_a_start_that_failed(b):
    since = b.now()
    with client(b):
        break_it(b)
        b.drop_in(None)
        b.systemctl("start", SERVICE)
        taken_over(b, since)
    b.m.wait(lambda: stored(b) == 0, "an empty store")


@step
def what_was_handed_over_can_be_let_go(b):
    since = b.now()
    b.m.shell("setsid twamp controller 127.0.0.1 --count 100000 </dev/null >/dev/null 2>&1 &")
    b.m.wait(lambda: b.events("SESSIONS_STARTED", since=since), "the session is started")
    break_it(b)
    b.systemctl("reset-failed", SERVICE)
    b.systemctl("clean", "--what=fdstore", SERVICE)
    same(stored(b), 0, "descriptors in the store")
    b.m.wait(lambda: b.m.run("pgrep", "-x", "twamp", check=False).returncode, "the client's end")
    b.drop_in(None)
    b.systemctl("start", SERVICE)
    b.measure()


@step
def a_removal_leaves_no_port_open(b):
    break_it(b)
    b.drop_in(None)
    b.m.run("apt-get", "-qq", "-y", "remove", "twampd")
    same(b.m.run("ss", "-Hlntu").stdout, "", "open ports")


if __name__ == "__main__":
    sys.exit(bed.main(__doc__, before=BEFORE, on=NOW))
