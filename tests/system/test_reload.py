# SPDX-License-Identifier: BSD-2-Clause
"""The real twampd and its settings: what a reload changes, broken files, and the command line. R-248.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import harness
import rawclient
from harness import same, test, true, wait_for
from rawclient import make_packet, seconds
from steps import reflects

# --- what a reload changes ------------------------------------------------------------

@test
def limits_hold_for_new_requests(t):
    # on connections that there are, too
    d = t.daemon({"limits": {"max_sessions": 1, "max_padding": 100}})
    c = t.connect()
    same(c.request().accept, 0, "Accept")
    same(c.request().accept, 4, "Accept above the limit")
    d.reload({"limits": {"max_sessions": 2, "max_padding": 200}})
    same(c.request(padding=200).accept, 0, "Accept after the reload")
    same(c.request().accept, 4, "Accept above the new limit")


@test
def lowering_a_limit_ends_nothing(t):
    # running sessions and connections go on, but nothing comes in
    d = t.daemon()
    c, sender, to = t.session()
    c2, sender2, to2 = t.session()
    d.reload({"limits": {"max_sessions": 1, "max_connections": 1}})
    for seq in range(3):
        reflects(sender, to, seq)
        reflects(sender2, to2, seq)
    with rawclient.Control(t.server) as third:
        third.greeting()
        same(third.setup().accept, 4, "Server-Start of a third")
    c.stop(1)
    c2.stop(1)
    same(c.request().accept, 4, "Accept while two drain")


@test
def ports_hold_for_new_requests(t):
    d = t.daemon({"ports": {"first": 41000, "last": 41009}})
    c, sender, to = t.session()
    true(41000 <= to[1] <= 41009, "port %d" % to[1])
    d.reload({"ports": {"first": 42000, "last": 42000}})
    reflects(sender, to)
    c2 = t.connect()
    same(c2.request(receiver_port=to[1] + 1).port, 42000, "port after the reload")
    same(c2.request().accept, 4, "Accept with the new range used up")
    reflects(sender, to, 1)


@test
def timers_hold_for_connections_that_there_are(t):
    # SERVWAIT applies now, REFWAIT and max_timeout for new sessions
    d = t.daemon()
    idle = t.connect()
    c, sender, to = t.session()
    d.reload({"timers": {"servwait": 4, "refwait": 1, "max_timeout": 5}})
    c2 = t.connect()
    same(c2.request(timeout=seconds(6)).accept, 3, "Accept of a Timeout above the new maximum")
    same(c2.request(timeout=seconds(5)).accept, 0, "Accept of one that is not")
    same(idle.wait_closed(), b"", "octets before the close of the idle connection")
    reflects(sender, to)


@test
def refwait_holds_for_new_sessions(t):
    d = t.daemon()
    old, sender, to = t.session()
    d.reload({"timers": {"refwait": 1}})
    new, sender2, to2 = t.session()
    d.wait_sessions(1)
    reflects(sender, to)


@test(both=True)
def listeners_come_and_go(t):
    d = t.daemon({"listen": [{"port": 862}, {"address": t.server, "port": 8621}]})
    old = t.connect(port=8621)
    d.reload({"listen": [{"port": 862}, {"address": t.server, "port": 8622}]})
    t.connect(port=8622)
    t.connect(port=862)
    try:
        rawclient.Control(t.server, 8621)
    except ConnectionRefusedError:
        pass
    else:
        raise AssertionError("the listener that was taken away takes connections")
    same(old.request().accept, 0, "Accept on a connection of the listener that went")
    d.reload({"listen": [{"port": 862}, {"address": t.server, "port": 8621}]})
    t.connect(port=8621)


@test
def log_level_holds_at_once(t):
    d = t.daemon()

    def refusal():
        with rawclient.connect(t.server) as c:
            same(c.request(conf_sender=1).accept, 3, "Accept")

    refusal()
    d.wait_log("conf-fields")
    d.config["log"] = {"level": "error"}
    d.write(d.config)
    d.signal(signal.SIGHUP)
    # Nothing tells when this level holds, but then refusals leave no trace before an error.
    def quiet():
        d.wait_idle()
        since = d.log_size()
        refusal()
        d.wait_idle()
        d.write(text="nonsense = 1;\n")
        d.signal(signal.SIGHUP)
        d.wait_log("reload failed", since)
        return len(d.log(since).splitlines()) == 1
    wait_for(quiet, "silence at level error")
    d.reload({"log": {"level": "info"}})
    since = d.log_size()
    refusal()
    d.wait_log("conf-fields", since)


@test
def settings_that_need_a_restart_are_named(t):
    # by what runs: said with every reload until the restart, and not when they are taken back
    d = t.daemon()
    for threads, said in ((1, True), (1, True), (2, False), (1, True)):
        since = d.log_size()
        d.reload({"reflector": {"threads": threads}})
        d.wait_log("settings reloaded", since)
        same("restart: reflector.threads" in d.log(since), said, "said with %d threads" % threads)
    same(t.connect().request().accept, 0, "Accept")


@test
def the_first_shared_port_needs_a_restart(t):
    d = t.daemon({"ports": {"mode": "shared"}})
    since = d.log_size()
    d.reload({"ports": {"first": 41000}})
    d.wait_log(r"restart: ports\.first", since)
    same(t.connect().request().port in (40000, 40001), True, "one of the ports that there are")


@test(both=True, limit=300)
def no_packet_is_lost_by_reloads(t):
    # running sessions go on: 20 good and 20 bad reloads under load
    d = t.daemon()
    c, sender, to = t.session(padding=100)
    over = threading.Event()
    sent, replies = [0], set()

    def pump():
        while not over.wait(0.002):
            sender.send(to, make_packet(sent[0], padding=bytes(100)))
            sent[0] += 1

    def collect():
        end = None
        while end is None or (len(replies) < sent[0] and time.monotonic() < end):
            if over.is_set() and end is None:
                end = time.monotonic() + harness.PATIENCE
            answer = sender.receive(0.1)
            if answer:
                replies.add((answer.seq, answer.sender_seq))

    threads = [threading.Thread(target=pump, daemon=True),
               threading.Thread(target=collect, daemon=True)]
    for thread in threads:
        thread.start()
    try:
        for i in range(20):
            d.reload({"limits": {"max_sessions": 100 + i},
                      "ports": {"first": 42000 + i},
                      "listen": [{"port": 862}, {"port": 8600 + i}]})
            d.reload(text="nonsense = %d;\n" % i, expect="reload failed")
    finally:
        over.set()
        for thread in threads:
            thread.join(2 * harness.PATIENCE)
    same(replies, {(n, n) for n in range(sent[0])}, "replies")


@test
def storm_of_signals(t):
    d = t.daemon()
    c, sender, to = t.session()
    before = len(d.fds())
    for seq in range(300):
        d.signal(signal.SIGHUP)
        if seq % 10 == 0:
            reflects(sender, to, seq)
    d.reload()
    wait_for(lambda: len(d.fds()) == before, "as many descriptors as before")
    reflects(sender, to, 1000)

# --- files that do not work -----------------------------------------------------------

BROKEN = {
    # the whole file, its faulty line, what must be said
    "syntax": ("listen = ({ port = 862; });\nlimits = { max_sessions = ;\n", 2, ""),
    "unknown_key": ("listen = ({ port = 862; });\n\nmax_sesions = 5;\n", 3, "max_sesions"),
    "unknown_key_in_group": ("listen = ({ port = 862; });\nlimits = {\n  max_sesions = 5;\n};\n", 3,
                             "max_sesions"),
    "wrong_type": ("listen = ({ port = 862; });\nlimits = {\n\n  max_sessions = \"5\";\n};\n", 4,
                   "integer"),
    "float_for_integer": ("limits = { max_sessions = 5.5; };\n", 1, "integer"),
    "out_of_range": ("limits = { max_sessions = 0; };\n", 1, "1"),
    "negative": ("limits = {\n max_padding = -1; };\n", 2, "max_padding"),
    "huge": ("limits = {\n max_padding = 99999999999999L; };\n", 2, "max_padding"),
    "port_range": ("ports = { first = 50000; last = 49999; };\n", 1, "ports"),
    "port_0_in_range": ("ports = { first = 0; last = 49999; };\n", 1, "ports.first"),
    "listen_port": ("listen = ({ port = 65536; });\n", 1, "port"),
    "listen_address": ("\nlisten = ({ address = \"nowhere\"; port = 862; });\n", 2, "nowhere"),
    "listen_empty": ("listen = ( );\n", 1, "listen"),
    "listen_key": ("listen = ({ port = 862; adress = \"::\"; });\n", 1, "adress"),
    "mode": ("modes = [ \"unauthenticatd\" ];\n", 1, "unauthenticatd"),
    "mode_without_keys": ("modes = [ \"encrypted\" ];\n", 1, "all need keys"),
    "no_mode": ("modes = [ ];\n", 1, "modes"),
    "level": ("log = { level = \"loud\"; };\n", 1, "debug"),
    "group_as_scalar": ("limits = 5;\n", 1, "limits"),
}


def broken(name, text, line, part):
    def function(t):
        # named with file and line, nothing changes, the daemon stays up
        d = t.shared()
        c, sender, to = t.session(timeout=0)
        reflects(sender, to, 0)
        said = d.reload(text=text, expect="reload failed")
        true("%s:%d" % (os.path.basename(d.file), line) in said,
             "%s:%d is not in: %s" % (os.path.basename(d.file), line, said))
        true(part in said, "%r is not in: %s" % (part, said))
        reflects(sender, to, 1)
        same(t.connect().request(padding=65000).accept, 0, "Accept under the old settings")
        d.reload()
        reflects(sender, to, 2)
    function.__name__ = "broken_file_" + name
    return function


def bad_check(name, text, line, part):
    def function(t):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            f.write(text)
            f.flush()
            out = check_config(t, f.name)
            same(out.returncode != 0, True, "a failing exit status")
            where = "%s:%d" % (os.path.basename(f.name), line)
            true(where in out.stderr, "%s is not in: %s" % (where, out.stderr))
            true(part in out.stderr, "%r is not in: %s" % (part, out.stderr))
    function.__name__ = "check_config_" + name
    return function


def check_config(t, path):
    return subprocess.run([t.run.twampd, "--config", path, "--check-config"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


for n, (x, l, p) in BROKEN.items():
    test(broken(n, x, l, p))
    test(bad_check(n, x, l, p))


@test
def file_that_is_gone(t):
    d = t.daemon()
    os.rename(d.file, d.file + ".away")
    since = d.log_size()
    d.signal(signal.SIGHUP)
    line = d.wait_log("reload failed", since)
    true(os.path.basename(d.file) in line, "the file is not named in: " + line)
    same(t.connect().request().accept, 0, "Accept")
    os.rename(d.file + ".away", d.file)
    d.reload()


def cannot_bind(listen):
    def function(t):
        # all that can fail is prepared first: the other new settings do not hold either
        d = t.daemon()
        blocker = None
        if listen["port"] == 8700:
            blocker = subprocess.Popen(
                [sys.executable, "-c",
                 "import socket, sys; s = socket.socket(); s.bind(('0.0.0.0', 8700)); s.listen();"
                 "print('bound', flush=True); sys.stdin.read()"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                preexec_fn=lambda: harness.enter_namespace(t.net.server))
            blocker.stdout.readline()
        try:
            old = d.config
            line = d.reload({"listen": [{"port": 8699}, listen], "limits": {"max_padding": 10}},
                            expect="reload failed")
            true(str(listen["port"]) in line, "the port is not named in: " + line)
            same(t.connect().request(padding=11).accept, 0, "Accept under the old settings")
            try:
                rawclient.Control(t.server, 8699).close()
            except ConnectionRefusedError:
                pass
            else:
                raise AssertionError("a listener of the settings that failed is open")
            d.config = old
            d.reload()
        finally:
            if blocker:
                blocker.stdin.close()
                blocker.wait(10)
                blocker.stdout.close()
    function.__name__ = "listener_that_cannot_be_bound_%s" % listen["address"].replace(".", "_")
    return function


test(cannot_bind({"address": "0.0.0.0", "port": 8700}))
test(cannot_bind({"address": "203.0.113.5", "port": 8701}))


@test
def start_with_a_broken_file(t):
    d = t.daemon(text="limits = { max_sessions = 0; };\n", wait=False)
    true(d.wait_exit() != 0, "exit status 0")
    true(re.search(r"twampd\.conf:1\b.*max_sessions", d.log()), "log: " + d.log())


@test
def start_with_a_listener_that_cannot_be_bound(t):
    d = t.daemon({"listen": [{"address": "203.0.113.5", "port": 862}]}, wait=False)
    true(d.wait_exit() != 0, "exit status 0")
    true("203.0.113.5" in d.log(), "the address is not in: " + d.log())

# --- the command line -----------------------------------------------------------------

@test
def check_config_good(t):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write(harness.config_text(harness.BASE))
        f.flush()
        out = check_config(t, f.name)
        same((out.returncode, out.stderr if out.returncode else ""), (0, ""), "exit status")


@test
def check_config_of_a_missing_file(t):
    out = check_config(t, "/nonexistent/twampd.conf")
    true(out.returncode != 0, "exit status 0")
    true("/nonexistent/twampd.conf" in out.stderr, "stderr: " + out.stderr)


@test
def check_config_does_not_disturb_a_running_daemon(t):
    d = t.shared()
    c, sender, to = t.session(timeout=0)
    same(check_config(t, d.file).returncode, 0, "exit status")
    reflects(sender, to)


@test
def dump_can_be_read_again(t):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write(harness.config_text(harness.BASE))
        f.flush()
        out = subprocess.run([t.run.twampd, "--config", f.name, "--check-config", "--dump"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        same((out.returncode, out.stderr), (0, ""), "exit status and stderr")
        true("max_sessions_per_connection" in out.stdout, "stdout: " + out.stdout)
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write(out.stdout)
        f.flush()
        again = subprocess.run([t.run.twampd, "--config", f.name, "--check-config", "--dump"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               timeout=60)
        same((again.returncode, again.stderr), (0, ""), "exit status and stderr")
        same(again.stdout, out.stdout, "dump of the dump")


@test
def version_help_and_rubbish(t):
    for argument, good in (("--version", True), ("--help", True), ("--rubbish", False),
                           ("rubbish", False)):
        out = subprocess.run([t.run.twampd, argument], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, timeout=60)
        same(out.returncode == 0, good, "exit status of " + argument)
        true((out.stdout if good else out.stderr).strip(), "nothing is said about " + argument)


if __name__ == "__main__":
    harness.main()
