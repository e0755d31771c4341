# SPDX-License-Identifier: BSD-2-Clause
"""A restart under load loses nothing; a crash and a stuck process end in a restart."""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import pathlib
import re
import threading
import time

from bed import SERVICE, Skip, same, step, true
from asserting import wait_for
from daemon import CALM
import packets
import rawclient

PTRACE_ATTACH, WALL = 16, 0x40000000
KEY = (b"probe", b"a long passphrase of the test")


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


def keep_sending(sessions, told, sent):
    """A packet in each session 200 times a second; sent has a member for each time."""
    begin = time.monotonic()
    while not told.wait(max(0, begin + len(sent) / 200 - time.monotonic())):
        for s in sessions:
            s.sender.sock.sendto(s.seal(s.layout.sent(len(sent), rawclient.ntp(), 0x8001)), s.to)
        sent.append(True)


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
    told, sent = threading.Event(), []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        work = pool.submit(keep_sending, sessions, told, sent)
        try:
            wait_for(lambda: len(sent) > 50, "packets before")
            restart()
            after = len(sent)
            wait_for(lambda: len(sent) > after + 50, "packets after")
        finally:
            told.set()
        work.result()
    check_replies(sessions, len(sent))
    print("# %d packets in each of %d sessions, all reflected" % (len(sent), len(sessions)))
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
                "request_rate = 0; connection_rate = 0; };\n" + CALM)
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
