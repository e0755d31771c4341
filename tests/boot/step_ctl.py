# SPDX-License-Identifier: BSD-2-Clause
"""twampctl and the service in its sandbox: who may ask, who may change, a monitor, a restart."""

import json

from bed import SERVICE, same, step, true

CONTROL = "/run/twampd/control.sock"
PLUGIN = "/usr/lib/nagios/plugins/check_twampd"


def ask(b, *argv, user=None, expect=0):
    """What it prints, asked by root or by a user of the group."""
    as_user = ("runuser", "-u", user, "--") if user else ()
    p = b.m.run(*as_user, "/usr/sbin/twampctl", *argv, check=False)
    same(p.returncode, expect, "exit status of twampctl %s: %s%s" % (argv, p.stdout, p.stderr))
    return p.stdout + p.stderr


@step
def root_asks_and_steers(b):
    b.systemctl("restart", SERVICE)
    same(b.m.run("stat", "-c", "%a %U %G", CONTROL).stdout.strip(), "660 twampd twampd",
         "mode and owner of the socket")
    s = json.loads(ask(b, "status", "--json"))
    same((s["pid"], s["listeners"][0]["opened_by"]), (b.pid(), "service manager"), "status")
    b.configure("limits = { max_connections = 77; };\n")
    true("limits.max_connections = 77" in ask(b, "reload"), "reload tells what changed")
    same(json.loads(ask(b, "status", "--json"))["connections"]["max"], 77, "in force")
    ask(b, "drain")
    ask(b, "health", expect=1)
    ask(b, "undrain")
    ask(b, "health")
    true("would be accepted" in ask(b, "why", "127.0.0.1"), "why")
    true("limits.max_connections" in ask(b, "config", "show", "limits"), "config show")
    b.configure("")
    true("limits.max_connections" in ask(b, "config", "diff"), "config diff")
    ask(b, "reload")


@step
def the_group_may_read_and_others_not(b):
    for name, more in (("watcher", ("-G", "twampd")), ("stranger", ())):
        b.m.run("useradd", "-M", *more, name)
    ask(b, "status", user="watcher")
    true("only root" in ask(b, "drain", user="watcher", expect=1), "changing needs root")
    true("Permission denied" in ask(b, "status", user="stranger", expect=3), "a stranger")
    p = b.m.run("runuser", "-u", "watcher", "--", PLUGIN, "-c", "serving,settings", check=False)
    same((p.returncode, p.stdout.split(" - ")[0]), (0, "TWAMPD OK"), "the plugin: " + p.stdout)
    for name in ("watcher", "stranger"):
        b.m.run("userdel", name)


@step
def the_socket_is_there_after_a_restart(b):
    before = b.pid()
    b.systemctl("restart", SERVICE)
    s = json.loads(ask(b, "status", "--json"))
    true(s["pid"] == b.pid() != before, "the new process answers")
    true(s["handover"], "and knows that it took over")
    b.systemctl("stop", SERVICE)
    ask(b, "status", expect=3)
    b.systemctl("start", SERVICE)
    ask(b, "status")
