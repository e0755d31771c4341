#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reload, restart, upgrade and recovery with settings that have an error, and with units that
change, under a booted systemd: what an operator is told, before and after, and that no session is
lost.
"""

import contextlib
import json
import sys

import bed
from bed import CONFIG, SERVICE, SOCKET, client, same, step, taken_over, true
import rawclient

LIGHT = "twampd-light.socket"
BROKEN = "limits = {\n  max_sessions = 0;\n};\n"
NOT_HERE = 'light = ( { port = 101; type = "stamp"; clients = [ "127.0.0.0/8" ]; } );\n'
EDIT = "/etc/systemd/system/twampd.socket.d/override.conf"
LIMIT = "/etc/systemd/system/twampd.service.d/limit.conf"


def systemctl(b, *argv):
    """As an operator does it, without reset-failed."""
    return b.m.run("systemctl", *argv, check=False, timeout=120)


def works(b, *argv):
    done = systemctl(b, *argv)
    same(done.returncode, 0, "status of systemctl %s: %s" % (" ".join(argv), done.stderr))


def status_text(b):
    return b.m.property("StatusText", SERVICE)


def why(b, name, since, *words):
    """An event that says why, with its explanation."""
    entry = b.m.wait(lambda: b.events(name, since=since), name)[-1]
    same(entry["PRIORITY"], "3", "PRIORITY of " + name)
    same(entry["_SYSTEMD_UNIT"], SERVICE, "_SYSTEMD_UNIT of " + name)
    for word in words:
        true(word in entry["MESSAGE"] and word in entry["TWAMPD_DETAIL"], "%r in %r" % (word, entry))
    text = b.m.run("journalctl", "-q", "-x", "-n", "3", "MESSAGE_ID=" + entry["MESSAGE_ID"]).stdout
    true("--check-config" in text or "systemctl restart" in text, "what helps is in: " + text)


@step
def the_previous_version_is_installed(b):
    b.m.run("apt-get", "-qq", "-y", "install", *b.old)
    true(b.active() and b.active(SOCKET), "socket and service are active")


@step
def a_reload_fails_as_the_daemon_does(b):
    # a port that cannot be opened passes --check-config
    pid, since = b.pid(), b.now()
    b.configure(NOT_HERE)
    same(b.m.run("twampd", "--check-config", CONFIG, check=False).returncode, 0, "the file is good")
    done = systemctl(b, "reload", SERVICE)
    true(done.returncode, "systemctl reload fails")
    why(b, "RELOAD_FAILED", since, "cannot listen on UDP 0.0.0.0:101: Permission denied",
        "twampd-light.socket", "(light of %s:1)" % CONFIG)
    told = [e["MESSAGE"] for e in b.journal("-u", SERVICE, since=since) if e.get("_PID") != str(pid)]
    true(any("cannot listen on UDP 0.0.0.0:101" in text for text in told),
         "who ran the reload is told: %r" % told)
    for _ in range(2):
        true("reload failed" in status_text(b) and "0.0.0.0:101" in status_text(b), status_text(b))
        true("a start with the new ones would fail" in status_text(b), "the next start is warned of")
        b.measure()
    same(b.pid(), pid, "the process")
    b.configure("")
    works(b, "reload", SERVICE)
    b.m.wait(lambda: "reload failed" not in status_text(b), "STATUS without it")


@step
def a_restart_with_an_error_costs_no_session(b):
    for text, words in ((BROKEN, "twampd.conf:2:18: limits.max_sessions"), (NOT_HERE, "0.0.0.0:101")):
        with client(b):
            pid, since = b.pid(), b.now()
            b.configure(text)
            works(b, "restart", SERVICE)
            true(b.pid() != pid, "the process is another one")
            taken_over(b, since)
            true(b.events("READY", since=since)[-1]["MESSAGE"].startswith(
                "ready: settings as the process before had them"), "READY")
            why(b, "SETTINGS_KEPT", since, words)
            true(words in status_text(b), status_text(b))
            true(systemctl(b, "reload", SERVICE).returncode, "systemctl reload says so, too")
            works(b, "restart", SERVICE)
            b.configure("")
            works(b, "reload", SERVICE)
            b.m.wait(lambda: words not in status_text(b), "STATUS without it")


@step
def an_upgrade_with_an_error_keeps_the_old_process(b):
    with client(b):
        pid = b.pid()
        b.configure(BROKEN)
        done = b.m.run("apt-get", "-q", "-y", "-o", "Dpkg::Options::=--force-confold", "install",
                       *b.debs)
        said = done.stdout + done.stderr
        true("twampd.service WAS NOT RESTARTED" in said, "apt says so: " + said[-2000:])
        true("twampd.conf:2:18: limits.max_sessions" in said, "and why: " + said[-2000:])
        same(b.pid(), pid, "the process")
        b.configure("")
        works(b, "restart", SERVICE)
        true(b.pid() != pid, "the new version runs")


@step
def clients_that_knock_at_an_error_do_not_close_the_port(b):
    works(b, "enable", LIGHT)
    works(b, "stop", SERVICE)
    works(b, "start", LIGHT)
    b.configure(BROKEN)
    since = b.now()
    for _ in range(10):
        b.m.run("timeout", "1", "twamp", "controller", "127.0.0.1", "--count", "1", check=False)
        b.m.run("timeout", "1", "twamp", "sender", "127.0.0.1", "--count", "2", check=False)
    why(b, "CONFIG_ERROR", since, "twampd.conf:2:18: limits.max_sessions")
    starts = len(b.events("CONFIG_ERROR", since=since))
    true(starts <= 15, "%d starts in 20 s" % starts)
    for unit in (SOCKET, LIGHT):
        true(b.active(unit), unit + " is active")
    b.configure("")
    # What waits in a socket may be what starts it, with the good file.
    b.m.wait(lambda: b.m.property("ActiveState", SERVICE) in ("failed", "active"),
             "the end of the last start")
    works(b, "start", SERVICE)
    b.measure()


@step
def one_command_brings_everything_back(b):
    works(b, "stop", SERVICE, SOCKET, LIGHT)
    b.configure(BROKEN)
    for _ in range(12):
        true(systemctl(b, "start", SERVICE).returncode, "it does not start")
    works(b, "stop", SOCKET, LIGHT)
    b.configure("")
    works(b, "restart", SERVICE)
    for unit in (SERVICE, SOCKET, LIGHT):
        true(b.active(unit), unit + " is active")
    b.measure("::1")
    works(b, "disable", LIGHT)
    works(b, "stop", LIGHT)
    works(b, "restart", SERVICE)


@step
def why_it_does_not_start_is_an_event(b):
    works(b, "stop", SERVICE)
    since = b.now()
    b.configure(NOT_HERE)
    true(systemctl(b, "start", SERVICE).returncode, "it does not start")
    why(b, "START_FAILED", since, "cannot listen on UDP 0.0.0.0:101: Permission denied",
        "twampd-light.socket", "(light of %s:1)" % CONFIG)
    b.configure("")
    b.m.wait(b.active, "systemd tries again")
    b.measure()


@step
def an_edit_of_the_socket_loses_nothing(b):
    with client(b):
        b.drop_in("[Socket]\nListenStream=0.0.0.0:8620\n", EDIT)
        works(b, "restart", SOCKET)
        b.measure("127.0.0.1:8620")
        b.measure("::1")
    with client(b):
        # all ports are others, and the wrong unit is restarted: what waits outlasts it
        since = b.now()
        b.drop_in("[Socket]\nListenStream=\nListenStream=0.0.0.0:8621\n", EDIT)
        true(systemctl(b, "restart", SERVICE).returncode, "it has no socket")
        why(b, "START_FAILED", since, "systemctl restart twampd.socket")
        works(b, "restart", SOCKET)
        b.m.wait(b.active, "the service")
        taken_over(b, since)
        b.measure("127.0.0.1:8621")
    b.drop_in(None, EDIT)
    works(b, "restart", SOCKET)
    b.measure()


def knock():
    with rawclient.Control("127.0.0.1") as c:
        c.greeting()
        return c.setup(mode=1).accept


@step
def a_drain_outlasts_a_restart(b):
    def answered(port):
        return json.loads(b.m.run("twamp", "sender", "127.0.0.1:%d" % port, "--stamp", "--count", "2",
                                  "--interval", "2ms", "--json", check=False).stdout)["answered"]
    entry = '{ port = %d; type = "stamp"; clients = [ "127.0.0.0/8" ]; %s }'
    b.configure("light = ( %s, %s );\n" % (entry % (8700, "drain = true;"), entry % (8701, "")))
    works(b, "reload", SERVICE)
    works(b, "kill", "--kill-who=main", "--signal=USR1", SERVICE)
    b.m.wait(lambda: status_text(b).startswith("draining: "), "STATUS that tells")
    works(b, "restart", SERVICE)
    b.m.wait(lambda: status_text(b).startswith("draining: "), "STATUS that tells after a restart")
    same(b.m.in_network(knock), 5, "Accept while draining")
    same((answered(8700), answered(8701)), (0, 2), "replies of light with and without drain")
    works(b, "kill", "--kill-who=main", "--signal=USR2", SERVICE)
    b.m.wait(lambda: not status_text(b).startswith("draining"), "STATUS without it")
    same(answered(8700), 2, "replies after the drain")
    b.measure()
    b.configure("")
    works(b, "restart", SERVICE)


@step
def stop_for_good_is_one_command(b):
    works(b, "stop", SOCKET)
    for unit in (SERVICE, SOCKET):
        true(not b.active(unit), unit + " is not active")
    same(b.m.run("ss", "-Hltn", "sport = :862").stdout, "", "listeners")
    with contextlib.suppress(AssertionError):
        b.m.in_network(lambda: rawclient.Control("127.0.0.1").close())
    true(not b.active(), "who knocks does not start it")
    works(b, "start", SERVICE)
    b.measure()


def check(b, *options):
    """(status, result) of a check."""
    done = b.m.run("twampd", "--check-config", "--json", *options, check=False)
    return done.returncode, json.loads(done.stdout)


def warnings(result):
    return ["%s: %s" % (fault["key"], fault["text"]) for fault in result["faults"]]


@step
def a_check_reads_the_daemon_that_runs(b):
    status, result = check(b, "--live", "--strict")
    same((status, warnings(result)), (0, []), "status and warnings of what was installed")
    same((result["running"]["pid"], result["running"]["changes"]), (b.pid(), []), "changes of none")
    b.m.write("/root/new.conf", "listen = ( { port = 863; } );\n\nlimits = { max_sessions = 99; };\n"
              "ports = { mode = \"shared\"; };\n")
    for options, wanted in (((), 0), (("--strict",), 2)):
        status, result = check(b, "--live", *options, "--as", CONFIG, "/root/new.conf")
        same(status, wanted, "status of a warning with %r" % (options,))
    text = warnings(result)[0]
    true("listen: this is not used, because twampd.socket passes the sockets" in text, text)
    same((result["faults"][0]["line"], result["faults"][0]["level"]), (1, "warning"), "where it is")
    same({c["key"]: c["applies"] for c in result["running"]["changes"]},
         {"listen": "reload", "limits.max_sessions": "reload", "ports.mode": "restart"}, "what would change")
    text = b.m.run("twampd", "--check-config", "--as", CONFIG, "/root/new.conf").stdout
    true("changes for the running twampd (%d):" % b.pid() in text and
         'ports.mode = "shared" (now "per-session"), after a restart' in text, text)


@step
def a_check_asks_the_service_manager(b):
    # nothing runs: what the units would give, and not what the shell has
    works(b, "stop", SOCKET)
    b.configure("limits = { max_sessions = 60000; };\nports = { first = 1024; };\n")
    b.drop_in("[Service]\nLimitNOFILE=9000\n", LIMIT)
    _, result = check(b, "--live")
    true("running" not in result, "nothing runs: %r" % result)
    for words in ("and the service may have 9000: raise LimitNOFILE= (systemctl edit twampd.service)",
                  "listen.port: port 862 is below 1024, and the service has neither"):
        true(any(words in text for text in warnings(result)), "%r in %r" % (words, result))
    b.drop_in("[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\nLimitNOFILE=90000\n", LIMIT)
    same(warnings(check(b, "--live")[1]), [], "warnings with capability and descriptors")
    b.drop_in(None, LIMIT)
    works(b, "start", SOCKET)
    text = " ".join(warnings(check(b, "--live")[1]))
    true("listen.port" not in text, "the socket passes the port: " + text)
    b.configure("")
    works(b, "start", SERVICE)


if __name__ == "__main__":
    sys.exit(bed.main(__doc__))
