# SPDX-License-Identifier: BSD-2-Clause
"""Many sessions, many connections, and clients that are killed: nothing of them stays in the
real twampd. No times are measured here.
"""

import os
import resource
import signal
import subprocess
import sys

import harness
import rawclient
from harness import same, test, true, wait_for
from rawclient import make_packet, make_request, make_setup, make_start, seconds

MANY = 1000
WINDOW = 50  # packets on their way: less than any socket buffer holds
# malloc and the kernel keep some; a leak of 200 octets a session and round is more than this.
SLACK = 768 << 10  # final counters of sessions wait for their turn in the log, a bounded number
ROUNDS = 3


def raise_own_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < min(hard, 8192):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    if hard < 3 * MANY:
        raise harness.Skip("RLIMIT_NOFILE is %d here" % hard)


def packets_in_all(sender, targets, rounds=2):
    """Each session answers each packet, with its own numbers."""
    for number in range(rounds):
        for start in range(0, len(targets), WINDOW):
            part = targets[start:start + WINDOW]
            for i, to in enumerate(part):
                sender.send(to, make_packet(start + i))
            left = {(to[1], start + i) for i, to in enumerate(part)}
            while left:
                r = sender.receive()
                true(r is not None, "%d replies are missing" % len(left))
                same(r.seq, number, "Sequence Number of session %d" % r.sender_seq)
                left.remove((r.source[1], r.sender_seq))


def back_where_it_was(d, fds, what):
    d.wait_idle(120)
    wait_for(lambda: len(d.fds()) <= fds, "descriptors after %s: %d, before %d" %
             (what, len(d.fds()), fds))


def measure(d, round_of_work, what):
    """The same work again and again: after two rounds nothing may grow. These are what the
    allocator takes once and keeps: in the second, final counters of the first still wait."""
    fds = len(d.fds())
    for _ in range(2):
        round_of_work()
        back_where_it_was(d, fds, what)
    settled = d.memory()
    for _ in range(ROUNDS):
        round_of_work()
        back_where_it_was(d, fds, what)
    grown = d.memory() - settled
    true(grown < SLACK or d.run.sanitized,
         "memory grew by %d octets in %d rounds" % (grown, ROUNDS))


def thousand_sessions(t, stop):
    sender = t.sender()
    c = t.connect()
    request = make_request(sender_port=sender.port, ipvn=t.family, timeout=0)
    targets, sids = [], set()
    for _ in range(MANY // WINDOW):
        c.send(request * WINDOW)
        for _ in range(WINDOW):
            answer = c.accept_session()
            same(answer.accept, 0, "Accept")
            targets.append((t.server, answer.port))
            sids.add(answer.sid)
    same((len(set(targets)), len(sids)), (MANY, MANY), "different ports and SIDs")
    same(c.start().accept, 0, "Start-Ack")
    packets_in_all(sender, targets)
    if stop:
        c.stop(MANY)
        same(c.request(timeout=0).accept, 0, "Accept after Stop")
    c.close()
    sender.close()


@test(both=True, limit=600)
def thousand_sessions_on_one_connection(t):
    # R-110 R-141 R-190
    raise_own_limit()
    d = t.daemon()
    stop = [False]

    def work():
        thousand_sessions(t, stop[0])
        stop[0] = not stop[0]
    measure(d, work, "1000 sessions on one connection")


@test(both=True, limit=600)
def thousand_connections_with_a_session_each(t):
    #
    raise_own_limit()
    d = t.daemon()

    def work():
        sender = t.sender()
        controls = []
        try:
            for _ in range(MANY // WINDOW):
                batch = [rawclient.Control(t.server) for _ in range(WINDOW)]
                controls += batch
                for c in batch:
                    c.send(make_setup() + make_request(sender_port=sender.port, ipvn=t.family,
                                                       timeout=0) + make_start())
            targets = []
            for c in controls:
                c.greeting()
                same(c.server_start().accept, 0, "Server-Start")
                answer = c.accept_session()
                same((answer.accept, c.start_ack().accept), (0, 0), "Accept and Start-Ack")
                targets.append((t.server, answer.port))
            same(len(set(targets)), MANY, "different ports")
            same(len(d.session_ports()), MANY, "sessions at once")
            packets_in_all(sender, targets)
        finally:
            for i, c in enumerate(controls):
                (c.close if i % 2 else c.reset)()
            sender.close()
    measure(d, work, "1000 connections")


@test(limit=300)
def sessions_come_and_go(t):
    # 3000 sessions one after the other, with packets
    d = t.daemon()
    sender = t.sender()

    def work():
        c = t.connect()
        for _ in range(600):
            answer = c.request(sender_port=sender.port, timeout=0)
            same((answer.accept, c.start().accept), (0, 0), "Accept and Start-Ack")
            true(sender.exchange((t.server, answer.port), make_packet()) is not None, "no reply")
            c.stop(1)
        c.close()
    measure(d, work, "600 sessions in turn")


@test(limit=300)
def handshakes_come_and_go(t):
    d = t.daemon()

    def work():
        for i in range(1000):
            with rawclient.Control(t.server) as c:
                if i % 3:
                    c.greeting()
                if i % 3 == 2:
                    c.setup()
    measure(d, work, "1000 connections in turn")


# --- clients that are killed ----------------------------------------------------------

STATES = ["connected", "half_setup", "ready", "half_request", "requested", "started", "sending",
          "stopped", "many_sessions"]


def victim(state, server):
    """Run in a process of its own: comes into a state, says so, and waits to be killed."""
    c = rawclient.Control(server)
    sender = rawclient.Sender("::" if ":" in server else "0.0.0.0")
    at = STATES.index(state)
    if at == STATES.index("half_setup"):
        c.send(make_setup()[:80])
    if at >= STATES.index("ready"):
        c.greeting()
        same(c.setup().accept, 0, "Server-Start")
    if at == STATES.index("half_request"):
        c.send(make_request()[:60])
    ports = []
    if at >= STATES.index("requested"):
        for _ in range(100 if state == "many_sessions" else 2):
            answer = c.request(sender_port=sender.port, timeout=seconds(2))
            same(answer.accept, 0, "Accept")
            ports.append(answer.port)
    if at >= STATES.index("started"):
        same(c.start().accept, 0, "Start-Ack")
    if at >= STATES.index("sending"):
        for port in ports:
            true(sender.exchange((server, port), make_packet()) is not None, "no reply")
    if state == "stopped":
        c.stop(len(ports))
    print("at " + state, flush=True)
    seq = 1
    while True:
        if state == "sending":
            sender.send((server, ports[0]), make_packet(seq))
            seq += 1
        else:
            signal.pause()


def killed(state):
    def function(t):
        # no session, port or descriptor is left
        d = t.shared(idle=True)
        before = len(d.fds())
        process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--victim", state,
                                    t.server], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        try:
            same(process.stdout.readline(), b"at %s\n" % state.encode(), "the client's word")
            if state in ("requested", "started", "sending"):
                same(len(d.session_ports()), 2, "sessions of the client")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        d.wait_idle()
        wait_for(lambda: len(d.fds()) <= before, "descriptors are closed: %r" % d.fds())
        same(t.connect().request().accept, 0, "Accept of the next client")
    function.__name__ = "client_killed_" + state
    return function


for s in STATES:
    test(killed(s), both=True)


@test(limit=300)
def many_clients_killed_at_once(t):
    #
    d = t.shared(idle=True)
    before = len(d.fds())
    processes = []
    try:
        for state in STATES * 3:
            processes.append(subprocess.Popen(
                [sys.executable, os.path.abspath(__file__), "--victim", state, t.server],
                stdout=subprocess.PIPE, stdin=subprocess.DEVNULL))
        for process in processes:
            true(process.stdout.readline().startswith(b"at "), "a client did not get there")
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
            process.stdout.close()
    d.wait_idle()
    wait_for(lambda: len(d.fds()) <= before, "descriptors are closed: %r" % d.fds())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--victim"]:
        victim(*sys.argv[2:4])
    else:
        harness.main()
