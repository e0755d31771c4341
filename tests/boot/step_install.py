# SPDX-License-Identifier: BSD-2-Clause
"""The packages are installed, and upgraded from the version before."""

import json
import re

from bed import CONFIG, SERVICE, SOCKET, same, step, true


@step
def the_previous_version_is_installed(b):
    b.m.run("apt-get", "-qq", "-y", "install", *b.old)
    true(b.active(SOCKET) and b.active(), "socket and service are active after the installation")
    for unit in (SOCKET, SERVICE):
        same(b.systemctl("is-enabled", unit).stdout.strip(), "enabled", unit)
    same(b.systemctl("--failed", "--plain", "--no-legend").stdout, "", "failed units")


@step
def an_upgrade_keeps_settings_and_socket(b):
    mine = "limits = { max_padding = 8999; };\n"
    b.configure(mine)
    pid, since = b.pid(), b.m.property("ActiveEnterTimestampMonotonic", SOCKET)
    b.m.run("apt-get", "-qq", "-y", "-o", "Dpkg::Options::=--force-confold", "install", *b.debs)
    true(b.active(SOCKET) and b.active(), "socket and service are active after the upgrade")
    true(b.pid() != pid, "the daemon is the new one")
    same(b.m.property("ActiveEnterTimestampMonotonic", SOCKET), since, "since when it listens")
    same(b.m.run("cat", CONFIG).stdout, mine, "settings")
    b.measure("127.0.0.1", "--padding", "1000")
    b.configure("")


@step
def the_service_runs_as_it_should(b):
    b.systemctl("restart", SERVICE)
    same(b.m.property("Type", SERVICE), b.type(), "Type")
    same(b.m.run("id", "-un", "--", b.status()["Uid"].split()[0]).stdout.strip(), "twampd", "user")
    true(re.match(r"\d+ connections?, \d+ sessions?, \d+ packets reflected",
                  b.m.property("StatusText", SERVICE)), "STATUS has figures")
    b.measure()
    b.m.wait(lambda: re.search(r", [1-9]\d* packets", b.m.property("StatusText", SERVICE)),
             "live figures in STATUS")


@step
def it_measures_over_both_families(b):
    for host in ("127.0.0.1", "::1"):
        result = b.measure(host)
        true('"lost": 0' in json.dumps(result), "packets are lost: %r" % result)
