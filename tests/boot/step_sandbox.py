# SPDX-License-Identifier: BSD-2-Clause
"""What the service may not do: each line of the sandbox has its effect."""

import re

from bed import Skip, same, step, true
import sandbox


@step
def capabilities_are_gone(b):
    status = b.status()
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        same(int(status[name], 16), 0, name)
    same((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), "NoNewPrivs and Seccomp")
    for name in ("mnt", "user", "ipc"):
        true(b.m.run("readlink", "/proc/%d/ns/%s" % (b.pid(), name)).stdout !=
             b.m.run("readlink", "/proc/1/ns/" + name).stdout, name + " namespace of its own")


@step
def exposure_is_low(b):
    # at most 1.5
    for unit in ("twampd.service", "twampd@.service"):
        done = b.m.run("systemd-analyze", "security", "--offline=true", "--threshold=15",
                       "/lib/systemd/system/" + unit, check=False)
        print("# " + done.stdout.strip().splitlines()[-1])
        same(done.returncode, 0, "status of systemd-analyze security for " + unit)


@step
def nothing_else_of_the_host_is_in_its_root(b):
    inside = b.m.shell("ls -A /proc/%d/root/ /proc/%d/root/etc /proc/%d/root/var /proc/%d/root/home" %
                       (4 * (b.pid(),)), check=False).stdout
    for name in ("passwd", "shadow", "hostname", "log", "lib/dpkg", "srv", "boot"):
        true(not re.search(r"^%s$" % name, inside, re.M), "%s is in: %s" % (name, inside))
    true("twampd" in inside, "its settings are not in: " + inside)


@step
def every_line_of_the_sandbox_has_its_effect(b):
    sandbox.prepare(b.m)
    table, wrong = sandbox.probes(b.m), []
    for option, value in sandbox.lines_of(b.m):
        if option in table:
            result = sandbox.try_option(b.m, option, value, table[option])
            if isinstance(result, tuple):
                print("# cannot be shown here: " + result[1])
            elif result:
                wrong.append(result)
        elif option not in sandbox.ELSEWHERE:
            wrong.append(option + " has no probe")
        elif sandbox.ELSEWHERE[option]:
            print("# %s: %s" % (option, sandbox.ELSEWHERE[option]))
    same(wrong, [], "lines without effect")


@step
def the_clock_can_be_read_and_not_set(b):
    numbers = sandbox.PERL_SYSCALL.get(b.m.run("uname", "-m").stdout.strip())
    if not numbers:
        raise Skip("the number of adjtimex is known for amd64 and arm64 only")
    lines = dict(sandbox.lines_of(b.m))
    unit = ["%s=%s" % (name, lines[name]) for name in
            ("User", "CapabilityBoundingSet", "SystemCallFilter", "SystemCallErrorNumber")]

    def adjtimex(modes, properties):
        command = ("!/usr/bin/perl -e $$b=pack('L',%d).(chr(0)x252);exit(syscall(%d,$$b)<0)" %
                   (modes, numbers["adjtimex"]))
        return sandbox.attempt(b.m, properties, command).returncode
    same(adjtimex(0, unit), 0, "status of reading the state of the clock")
    true(adjtimex(1, unit), "setting the clock is refused")
    true(adjtimex(0, unit + ["ProtectClock=yes"]), "ProtectClock=yes would be in the way")


@step
def files_in_shm_go_with_the_service(b):
    script = "touch /dev/shm/probe-%s"
    for value, left in (("no", True), ("yes", False)):
        sandbox.attempt(b.m, ["User=nobody", "RemoveIPC=" + value], script % value)
        there = b.m.wait(lambda: (b.m.shell("ls /dev/shm").stdout.find("probe-" + value) >= 0)
                         == left or None, "RemoveIPC=" + value)
        true(there, "RemoveIPC=" + value)
