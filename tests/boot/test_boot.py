#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The packages under a booted systemd: installation, sandbox, activation, reload, restart, watchdog,
journal, removal.
"""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import pathlib
import re
import sys
import threading
import time

import bed
from bed import CONFIG, DROP_IN, HERE, SERVICE, SOCKET, Skip, same, step, true
import packets
import rawclient
import sandbox

PTRACE_ATTACH, WALL = 16, 0x40000000
KEY = (b"probe", b"a long passphrase of the test")


# --- install and upgrade --------------------------------------------------------------

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


# --- sandbox --------------------------------------------------------------------------

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


# --- socket activation ----------------------------------------------------------------

@step
def the_first_client_starts_the_service(b):
    b.systemctl("stop", SERVICE)
    true(b.active(SOCKET) and not b.active(), "the socket alone is active")
    since = b.now()
    b.measure("::1")
    true(b.active(), "the service is active")
    true(b.events("ACTIVATED", since=since), "the journal tells about the socket")
    same(int(b.status()["CapPrm"], 16), 0, "capabilities")


@step
def start_brings_the_socket_with_it(b):
    b.systemctl("stop", SOCKET, SERVICE)
    true(not b.active(SOCKET) and not b.active(), "nothing is active")
    b.systemctl("start", SERVICE)
    true(b.active(SOCKET) and b.active(), "both are active")
    b.measure()


@step
def without_the_socket_it_listens_itself(b):
    b.systemctl("mask", "--now", SOCKET)
    b.systemctl("stop", SERVICE)
    failed = b.systemctl("start", SERVICE, check=False)
    true(failed.returncode, "without a capability port 862 cannot be opened")
    true("CAP_NET_BIND_SERVICE" in json.dumps(b.m.journal("-u", SERVICE)), "the journal says so")
    b.systemctl("stop", SERVICE)
    path = "/etc/systemd/system/twampd.service.d/twampd-listen.conf"
    b.drop_in(b.m.run("cat", "/usr/share/twampd/twampd-listen.conf").stdout, path)
    b.systemctl("start", SERVICE)
    b.measure("::1")
    for name in ("CapPrm", "CapBnd"):
        same(int(b.status()[name], 16), 1 << 10, name)
    b.drop_in(None, path)
    b.systemctl("unmask", SOCKET)
    b.systemctl("stop", SERVICE)
    b.systemctl("start", SOCKET)
    b.measure()


@step
def a_light_port_comes_from_a_socket_unit(b):
    unit = "twampd-light.socket"
    b.configure("ports = { also = [ ]; };\n")  # else sessions take it
    b.systemctl("stop", SERVICE)
    since = b.now()
    b.systemctl("start", unit, SERVICE)
    b.m.wait(lambda: b.events("LIGHT_UNUSED", since=since), "the warning: no entry, no reply")
    b.configure('light = ( { type = "stamp"; clients = [ "127.0.0.0/8", "::1" ]; } );\n')
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: len(b.events("LIGHT_OPENED", since=since)) == 2, "a port for each family")
    same(int(b.status()["CapPrm"], 16), 0, "capabilities")
    b.systemctl("stop", SERVICE)
    for host, count, least in (("127.0.0.1", 200, 1), ("::1", 10, 10)):
        # the first packets start the service
        done = b.m.run("twamp", "sender", host, "--stamp", "--count", count, "--json", check=False)
        answered = json.loads(done.stdout)["answered"]
        true(answered >= least, "%d of %d packets to %s are answered" % (answered, count, host))
    b.systemctl("stop", unit, SERVICE)
    b.configure("")
    b.systemctl("start", SERVICE)
    b.measure()


# --- reload ---------------------------------------------------------------------------

@step
def a_good_reload_holds(b):
    pid, since = b.pid(), b.now()
    b.configure("limits = { max_padding = 100; };\nlisten = ( { port = 863; } );\n")
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("RELOADED", since=since), "the event of a reload")
    same(b.pid(), pid, "the process")
    refused = b.m.run("twamp", "controller", "127.0.0.1", "--padding", "101", check=False)
    true(refused.returncode, "the new limit holds")
    b.measure("::1", "--padding", "100")


@step
def ready_and_reloaded_say_what_holds(b):
    """What was read and changed, who opened the sockets, where times come from; and a warning
    of a listen that is set for nothing, but not of one that nobody set."""
    b.configure("")
    b.systemctl("reload", SERVICE)
    since = b.now()
    b.systemctl("restart", SERVICE)
    b.m.wait(lambda: b.events("READY", since=since), "the event of readiness")
    text = b.events("READY", since=since)[-1]["MESSAGE"]
    for words in ("settings from /etc/twampd/twampd.conf", "(opened by the service manager)",
                  "receive timestamps of the kernel", "synchronized, error up to "):
        true(words in text, "%r is not in: %s" % (words, text))
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("RELOADED", since=since), "the event of a reload")
    text = b.events("RELOADED", since=since)[-1]["MESSAGE"]
    true(text.endswith("; nothing changed"), text)
    same(b.events("LISTEN_UNUSED", since=since), [], "warnings where nothing was set")
    b.configure("limits = { max_padding = 99; };\nlisten = ( { port = 863; } );\n")
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("LISTEN_UNUSED", since=since), "the warning")
    warning = b.events("LISTEN_UNUSED", since=since)[-1]
    same(warning["PRIORITY"], "4", "PRIORITY")
    true("/etc/twampd/twampd.conf:2 " in warning["MESSAGE"], warning["MESSAGE"])
    text = b.events("RELOADED", since=since)[-1]["MESSAGE"]
    true(text.endswith("; changed: listen, limits.max_padding"), text)
    b.configure("")
    b.systemctl("reload", SERVICE)


@step
def a_bad_reload_fails_and_says_why(b):
    pid, since = b.pid(), b.now()
    b.configure("limits = {\n  max_padding = 0;\n};\n")
    done = b.systemctl("reload", SERVICE, check=False)
    true(done.returncode, "systemctl reload fails")
    text = json.dumps(b.journal("-u", SERVICE, since=since))
    true("twampd.conf:2:17: limits.max_padding" in text, "the journal names the line: " + text)
    true(b.active(), "the service is active")
    same(b.pid(), pid, "the process")
    b.measure()
    b.systemctl("kill", "--signal=HUP", SERVICE)
    b.m.wait(lambda: b.events("RELOAD_FAILED", since=since), "the event of a failed reload")
    true("twampd.conf:2" in b.m.property("StatusText", SERVICE), "STATUS names the line")
    true(b.active(), "the service is active after SIGHUP")
    b.configure("")
    b.systemctl("reload", SERVICE)


@step
def a_wrong_file_is_not_tried_again_and_again(b):
    b.configure("nonsense = 1;\n")
    b.systemctl("stop", SERVICE)
    true(b.systemctl("start", SERVICE, check=False).returncode, "start fails")
    same(b.m.property("ExecMainStatus", SERVICE), "2", "exit status")
    same(b.m.property("ActiveState", SERVICE), "failed", "state")
    b.configure("")
    b.systemctl("restart", SERVICE)
    b.measure()


# --- restart without loss -------------------------------------------------------------

def senders(number):
    """Sessions in modes 1, 2 and 4 that send 200 packets a second until they are told."""
    opened = []
    for i in range(number):
        mode = (1, 2, 4)[i % 3]
        control = rawclient.connect("127.0.0.1", mode=mode, key=KEY if mode > 1 else None)
        sender = rawclient.Sender("127.0.0.1")
        answer = control.request(sender_port=sender.port)
        same((answer.accept, control.start().accept), (0, 0), "Accept-Session and Start-Ack")
        opened.append(packets.Session(control, sender, ("127.0.0.1", answer.port), mode, answer.sid))
    return opened


def keep_sending(sessions, told):
    n = 0
    begin = time.monotonic()
    while not told.is_set():
        for s in sessions:
            s.sender.sock.sendto(s.seal(s.layout.sent(n, rawclient.ntp(), 0x8001)), s.to)
        n += 1
        time.sleep(max(0, begin + n / 200 - time.monotonic()))
    return n


def check_replies(sessions, sent):
    for s in sessions:
        for n in range(sent):
            got = s.sender.receive_raw()
            true(got is not None, "mode %d: %d of %d replies" % (s.modes, n, sent))
            seq, t3, _, t2 = s.layout.stamps(s.open(got[0]))
            same(seq, n, "Sequence Number in mode %d" % s.modes)
            true(s.layout.unix(t2) <= s.layout.unix(t3), "T2 is after T3")


def restart_under_load(restart):
    """Run restart() while 50 sessions send."""
    sessions = senders(50)
    told = threading.Event()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        work = pool.submit(keep_sending, sessions, told)
        time.sleep(0.5)
        try:
            restart()
            time.sleep(0.5)
        finally:
            told.set()
        sent = work.result()
    check_replies(sessions, sent)
    print("# %d packets in each of %d sessions, all reflected" % (sent, len(sessions)))
    for s in sessions:
        s.control.stop(1)
        true(s.control.quiet(0.01), "the connection lives after Stop-Sessions")
        s.control.close()
        s.sender.close()


@step
def a_restart_loses_nothing(b):
    b.m.write("/etc/twampd/twampd.keys", "%s %s\n" % tuple(part.decode() for part in KEY), 0o600)
    b.m.run("systemd-tmpfiles", "--create", "twampd.conf")
    b.configure("limits = { max_sessions_per_client = 200; max_connections_per_client = 200; "
                "request_rate = 0; connection_rate = 0; };\n")
    b.systemctl("restart", SERVICE)
    b.m.wait(lambda: "0 connections, 0 sessions" in b.m.property("StatusText", SERVICE),
             "the end of what the steps before left, which a restart keeps")
    pid, since = b.pid(), b.now()
    b.m.in_network(lambda: restart_under_load(lambda: b.systemctl("restart", SERVICE)))
    true(b.pid() != pid, "the process is another one")
    true("50 connections and 50 sessions" in json.dumps(b.events("HANDED_OVER", since=since)),
         "HANDED_OVER")
    true("50 connections and 50 sessions" in json.dumps(b.events("TAKEN_OVER", since=since)),
         "TAKEN_OVER")
    same(b.events("HANDOVER_LOST", since=since), [], "what is lost")
    same(b.m.property("NFileDescriptorStore", SERVICE), "0", "descriptors that are still stored")
    since = b.now()
    b.m.in_network(lambda: restart_under_load(lambda: b.m.run(
        "apt-get", "-qq", "-y", "--reinstall", "install", *b.debs)))
    true(b.events("TAKEN_OVER", since=since), "the package was installed again")
    b.m.run("rm", "/etc/twampd/twampd.keys")
    b.configure("")
    b.systemctl("restart", SERVICE)


@step
def stop_ends_what_a_restart_keeps(b):
    def stop():
        with rawclient.connect("127.0.0.1") as c:
            b.systemctl("stop", SERVICE)
            same(c.wait_closed(), b"", "octets before the end")
    since = b.now()
    b.m.in_network(stop)
    same(b.events("HANDED_OVER", since=since), [], "HANDED_OVER")
    b.systemctl("start", SERVICE)


# --- crashes --------------------------------------------------------------------------

@step
def a_killed_daemon_is_started_again(b):
    count, pid = b.restarts(), b.pid()
    b.systemctl("kill", "--signal=KILL", SERVICE)
    b.wait_restarted(count, "a restart after SIGKILL")
    true(b.pid() != pid, "the process is another one")
    b.measure()


@step
def a_stopped_daemon_is_killed_by_the_watchdog(b):
    # a drop-in overrides what the unit says
    b.drop_in("[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n")
    b.systemctl("restart", SERVICE)
    same(b.m.property("WatchdogUSec", SERVICE), "2s", "WatchdogSec of the drop-in")
    count, since = b.restarts(), b.now()
    b.systemctl("kill", "--signal=STOP", SERVICE)
    b.wait_restarted(count, "a restart after SIGSTOP")
    true("Watchdog timeout" in json.dumps(b.journal("-u", SERVICE, since=since)),
         "the journal says that it was the watchdog")
    b.measure()


def threads(pid):
    """{name: [number on the host]} of the threads of a process on the host."""
    out = {}
    for folder in pathlib.Path("/proc/%d/task" % pid).iterdir():
        out.setdefault((folder / "comm").read_text().strip(), []).append(int(folder.name))
    return out


@step
def a_stuck_reflector_thread_is_noticed(b):
    """One thread alone is halted, as a debugger does it: the main loop goes on."""
    pid = b.m.host_pid(b.pid())
    mine = [t for name, t in threads(pid).items() if re.match("twampd/r|reflector", name)]
    true(mine, "there is a reflector thread among %r" % threads(pid))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    count, since = b.restarts(), b.now()
    if libc.ptrace(PTRACE_ATTACH, mine[0][0], None, None) < 0:
        raise Skip("no ptrace here")

    def restarted():
        """Who traces a thread has to collect it when its process is killed."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(mine[0][0], os.WNOHANG | WALL)
        return b.restarts() > count and b.active()
    b.m.wait(restarted, "a restart for a stuck thread")
    true(b.events("STUCK", since=since), "the journal tells about the thread")
    b.drop_in(None)
    b.systemctl("restart", SERVICE)


# --- the journal ----------------------------------------------------------------------

def refusals():
    """A conversation for each way of refusing; run in the machine's network."""
    with contextlib.ExitStack() as stack:
        def connect():
            return stack.enter_context(rawclient.connect("127.0.0.1"))
        c = connect()
        answers = [c.request(sender="192.0.2.7").accept, c.request(slots=1).accept,
                   c.request(padding=200).accept, c.start().accept]
        other = connect()
        answers += [other.request().accept for _ in range(4)][-1:]
        wrong = stack.enter_context(rawclient.Control("127.0.0.1"))
        wrong.greeting()
        answers.append(wrong.setup(mode=3).accept)
    return answers


@step
def refusals_are_explained(b):
    #
    b.configure("limits = { max_padding = 100; request_rate = 1; request_burst = 5; };\n")
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("RELOADED"), "the reload")
    since = b.now()
    same(b.m.in_network(refusals), [1, 3, 4, 1, 5, 3], "Accept codes")
    wanted = {("REFUSED_REQUEST", "policy-address", "1"), ("REFUSED_START", "nothing-to-start", "1"),
              ("REFUSED_REQUEST", "schedule-fields", "3"), ("REFUSED_REQUEST", "max-padding", "4"),
              ("REFUSED_REQUEST", "rate-limit", "5"),
              ("REFUSED_CONNECTION", "mode-multiple", "3")}

    def seen():
        return b.journal("-u", SERVICE, "_COMM=twampd", since=since)
    b.m.wait(lambda: wanted <= {(e.get("TWAMPD_EVENT"), e.get("TWAMPD_REASON"),
                                 e.get("TWAMPD_ACCEPT")) for e in seen()}, "the refusals")
    for entry in seen():
        if not entry["TWAMPD_EVENT"].startswith("REFUSED"):
            continue
        true(entry["TWAMPD_PEER"].startswith("127.0.0.1:"), "TWAMPD_PEER")
        same(entry["PRIORITY"], "5", "PRIORITY")
        same(entry["_SYSTEMD_UNIT"], SERVICE, "_SYSTEMD_UNIT")
        text = b.m.run("journalctl", "-q", "-x", "-o", "short",
                       "MESSAGE_ID=" + entry["MESSAGE_ID"], "TWAMPD_PEER=" + entry["TWAMPD_PEER"],
                       "TWAMPD_REASON=" + entry["TWAMPD_REASON"]).stdout
        text = " ".join(text.replace("\u2591", " ").split())
        for words in ("Accept: " + entry["TWAMPD_ACCEPT"], "Reason: " + entry["TWAMPD_REASON"],
                      "What to do: " + entry["TWAMPD_REMEDY"], "Client: " + entry["TWAMPD_PEER"],
                      "Possible causes: ", "What helps: "):
            true(words in text, "%r is not in: %s" % (words, text))
    b.configure("")
    b.systemctl("reload", SERVICE)


def crowd_of_requests():
    """More refusals than anybody reads; run in the machine's network."""
    with rawclient.connect("127.0.0.1") as c:
        c.send(rawclient.make_request(conf_sender=1) * 500)
        return [c.accept_session().accept for _ in range(500)][-1]


def knock_as_a_stranger():
    with rawclient.Control("::1") as c:
        return c.greeting().modes


@step
def events_have_their_fields(b):
    # of a session that ends, of what is left out, and of who is in no class
    since = b.now()
    b.measure()
    b.m.wait(lambda: b.events("SESSION_ENDED", since=since), "the end of a session")
    ended = b.events("SESSION_ENDED", since=since)[-1]
    same([ended["TWAMPD_" + k] for k in ("GAPS", "DUPLICATES", "REORDERED", "CLASS")],
         ["0", "0", "0", "default"], "fields of SESSION_ENDED")
    b.configure('clients = ( { name = "probes"; prefixes = [ "192.0.2.0/24" ]; } );\n')
    b.systemctl("reload", SERVICE)
    since = b.now()
    same(b.m.in_network(knock_as_a_stranger), 0, "Modes for a stranger")
    for name, words in (("DENIED", "Reason: no-class"), ("CLOSED", "the client is in no class")):
        b.m.wait(lambda: b.events(name, since=since), name)
        entry = b.events(name, since=since)[-1]
        same((entry["TWAMPD_CLASS"], entry["PRIORITY"]),
             ("none", "5" if name == "DENIED" else "6"), "class and level of " + name)
        text = b.m.run("journalctl", "-q", "-x", "MESSAGE_ID=" + entry["MESSAGE_ID"]).stdout
        text = " ".join(text.replace("\u2591", " ").split())
        true(words in text, "%r is not in: %s" % (words, text))
    b.configure("")
    b.systemctl("reload", SERVICE)
    since = b.now()  # last: it uses up the client's share of the log
    same(b.m.in_network(crowd_of_requests), 3, "Accept")
    b.m.wait(lambda: b.events("SUPPRESSED", since=since), "what was left out")
    left_out = b.events("SUPPRESSED", since=since)[-1]
    number = int(left_out["TWAMPD_LEFT_OUT"])
    true(number > 100, "TWAMPD_LEFT_OUT=%d" % number)
    same(left_out["TWAMPD_SOURCES"], "127.0.0.1=%d" % number, "TWAMPD_SOURCES")
    same(left_out["TWAMPD_EVENTS"], "REFUSED_REQUEST=%d" % number, "TWAMPD_EVENTS")


@step
def every_event_so_far_is_in_the_catalog(b):
    listed = set(re.findall(r"^([0-9a-f]{32}) twampd: ", b.m.run(
        "journalctl", "-q", "--list-catalog").stdout, re.M))
    entries = [e for e in b.m.journal("_COMM=twampd") if "TWAMPD_EVENT" in e]
    kinds = {e["TWAMPD_EVENT"] for e in entries}
    true(len(kinds) > 8, "kinds of events: %r" % kinds)
    same({e["TWAMPD_EVENT"] for e in entries if e["MESSAGE_ID"] not in listed}, set(),
         "events that are not in the catalog")


# --- keys, instances ------------------------------------------------------------------

@step
def a_credential_brings_keys(b):
    same(b.greeting_modes() & 15, 1, "modes without keys")
    b.m.write("/root/secrets", "probe a long passphrase of the test\n", 0o600)
    b.drop_in("[Service]\nLoadCredential=twampd.keys:/root/secrets\n")
    b.systemctl("restart", SERVICE)
    true(b.greeting_modes() & 6, "modes that need keys are offered with a credential")
    b.drop_in(None)
    b.systemctl("restart", SERVICE)
    same(b.greeting_modes() & 15, 1, "modes without the credential")


@step
def the_keys_file_is_readable_for_the_daemon_alone(b):
    b.m.write("/etc/twampd/twampd.keys", "probe a long passphrase of the test\n", 0o600)
    b.m.run("systemd-tmpfiles", "--create", "twampd.conf")
    same(b.m.run("stat", "-c", "%a %U %G", "/etc/twampd/twampd.keys").stdout.strip(),
         "640 root twampd", "mode and owner of the keys")
    since = b.now()
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("RELOADED", since=since), "the reload")
    true(b.greeting_modes() & 6, "modes that need keys are offered after a reload")


@step
def the_tests_of_the_package_pass(b):
    b.m.copy(HERE.parent.parent / "debian/tests/measure", "/root/measure")
    b.m.run("env", "AUTOPKGTEST_TMP=/tmp", "/bin/sh", "/root/measure")


# --- the end --------------------------------------------------------------------------

@step
def stop_ends_well(b):
    b.systemctl("stop", SERVICE)
    same(b.m.property("Result", SERVICE), "success", "Result")
    b.systemctl("start", SERVICE)


@step
def remove_and_purge_leave_nothing(b):
    b.m.run("rm", "-rf", "/etc/systemd/system/twampd.service.d")  # of the tests
    b.m.run("apt-get", "-qq", "-y", "remove", "twampd")
    same(b.m.run("pgrep", "-x", "twampd", check=False).stdout, "", "processes")
    true("twampd.conf" in b.m.run("ls", "/etc/twampd").stdout, "remove keeps the settings")
    b.m.run("apt-get", "-qq", "-y", "purge", "twampd", "twamp")
    left = b.m.shell("find / -xdev \\( -path /proc -o -path /sys -o -path /root -o -path /tmp -o "
                     "-path /run/systemd -o -path /var/log/journal \\) -prune -o "
                     "-name '*twamp*' -print").stdout
    same(left, "", "files left")
    same(b.systemctl("list-units", "--all", "--plain", "--no-legend", "twampd*").stdout, "",
         "units left")
    true("twampd: " not in b.m.run("journalctl", "--list-catalog").stdout, "the catalog is clean")


if __name__ == "__main__":
    sys.exit(bed.main(__doc__))
