# SPDX-License-Identifier: BSD-2-Clause
"""A restart that no client notices: what one process hands over, the next goes on with."""

import contextlib
import fcntl
import os
import re
import socket
import time

import harness
import rawclient
from harness import same, test, true, wait_for
from keyed import INDIVIDUAL, connect, keyed_daemon, open_session
from manager import HAND_OVER, managed
from rawclient import make_packet, make_request, seconds

F_ADD_SEALS, ALL_SEALS = 1033, 15
MODES = (1, 2, 4, 8)


def packet(s, number):
    return s.layout.sent(number, rawclient.ntp(), 0x8001)


def send(s, count):
    for n in range(count):
        s.send(packet(s, s.seq + n))


def receive(s, count, before):
    """Replies that go on in their Sequence Numbers, to packets that arrived before a moment."""
    for _ in range(count):
        got = s.sender.receive_raw()
        true(got is not None, "a packet is lost: no reply %d" % s.seq)
        seq, t3, _, t2 = s.layout.stamps(s.open(got[0]))
        same(seq, s.seq, "Sequence Number")
        t2, t3 = s.layout.unix(t2), s.layout.unix(t3)
        true(t2 <= before <= t3, "T2 %.6f, T3 %.6f, the new process %.6f" % (t2, t3, before))
        s.seq += 1


@test(both=True)
def sessions_go_on(t):
    #
    m, d = managed(t)
    sessions = []
    chosen = (1, 4) if ":" in t.server else MODES
    for modes in chosen:
        c = connect(t, modes)
        s, _ = open_session(t, c, modes)
        s.check(packet(s, 0))
        s.check(packet(s, 1))
        sessions.append((c, s))
    m.end(d)
    for _, s in sessions:
        send(s, 3)  # nobody is there
    before, since = time.time(), d.log_size()
    m.start(d)
    d.wait_log(r"took %d connections and %d sessions over" % (len(chosen), len(chosen)), since)
    for c, s in sessions:
        receive(s, 3, before)
        s.check(packet(s, 5))
        c.stop(1)
        d.wait_log(r"received 6, reflected 6, gaps 0, duplicates 0, reordered 0", since)
        # the connection lives on: another round
        s, _ = open_session(t, c, s.modes)
        s.check(packet(s, 0))
        c.stop(1)
        since = d.log_size()
    m.wait_empty()


@test
def more_than_once(t):
    m, d = managed(t)
    c = connect(t, 4)
    s, _ = open_session(t, c, 4)
    for _ in range(3):
        m.end(d)
        send(s, 2)
        before = time.time()
        m.start(d)
        receive(s, 2, before)
    c.stop(1)
    c.quiet(0.1)
    same(open_session(t, c, 4)[0].seq, 0, "a new session")


@test
def everything_is_in_the_midst_of_something(t):
    """Half a message, a greeting, an accepted session, one that is stopping."""
    m, d = managed(t)
    fresh = t.control()
    fresh.greeting()
    halves = []
    for modes in (1, 2):
        c = connect(t, modes)
        sender = t.sender()
        octets = c.seal(make_request(sender_port=sender.port))
        c.send(octets[:40])  # its head was read, and part of its body
        halves.append((c, octets[40:], sender, modes))
    waiting = connect(t, 2)
    accepted, _ = open_session(t, waiting, 2, start=False)
    accepted.send(packet(accepted, 0))  # too early
    leaver = connect(t, 1)
    stopping, _ = open_session(t, leaver, 1, timeout=seconds(100))
    leaver.stop(1)
    leaver.close()
    harness.wait_for(lambda: d.connections() == 4, "the end of a connection")
    m.restart(d)
    same(fresh.setup(1).accept, 0, "Accept of Server-Start")
    for c, rest, sender, modes in halves:
        c.send(rest)
        answer = c.accept_session()
        same(answer.accept, 0, "Accept-Session in mode %d" % modes)
        same(c.start().accept, 0, "Start-Ack in mode %d" % modes)
        true(modes != 1 or sender.exchange((t.server, answer.port), make_packet(7)), "no reply")
    same(waiting.start().accept, 0, "Start-Ack of the accepted session")
    accepted.check(packet(accepted, 1))
    stopping.check(packet(stopping, 0))


@test
def timers_go_on(t):
    m, d = managed(t, {"timers": {"servwait": 8, "refwait": 8}})
    idle = connect(t, 1)
    s, _ = open_session(t, connect(t, 1), 1)
    stopped = connect(t, 1)
    other, _ = open_session(t, stopped, 1, timeout=seconds(9))
    stopped.stop(1)
    since = m.restart(d)
    idle.wait_closed()
    d.wait_log("nothing was heard for timers.servwait", since)
    d.wait_log("no packet for timers.refwait", since)
    d.wait_log("stopped, and its Timeout is over", since)
    same(s.sender.receive_raw(0.1), None, "reply after the end")
    same(other.sender.receive_raw(0.1), None, "reply after the end")


@test
def individual_sessions_keep_their_names(t):
    m, d = managed(t, {"timers": {"refwait": 5}})
    modes = 1 | INDIVIDUAL
    c = connect(t, modes)
    s, answer = open_session(t, c, modes)
    gone, ended = open_session(t, c, modes)

    def ended_by_refwait():
        s.check(packet(s, s.seq))
        return "timers.refwait" in d.log()
    wait_for(ended_by_refwait, "the end of a session by REFWAIT")
    m.restart(d)
    s.check(packet(s, s.seq))
    acks = c.individual(9, ended.sid, answer.sid)
    same([(a.accept, sorted(a.sids)) for a in acks], [(0, sorted([ended.sid, answer.sid]))],
         "Stop-N-Ack for a session that REFWAIT ended, and for one that runs")
    same(gone.seq, 0, "packets of the session that ended")


@test
def places_stay_taken(t):
    m, d = managed(t, {"limits": {"max_sessions": 2, "max_connections": 2}})
    c = connect(t, 1)
    open_session(t, c, 1)
    m.restart(d)
    open_session(t, connect(t, 1), 1)
    same(connect_refused(t), 4, "Server-Start of a third connection")
    c.stop(1)
    same(c.request(sender_port=9).accept, 4, "third session while the first is stopping")


def connect_refused(t):
    with rawclient.Control(t.server) as c:
        c.greeting()
        return c.setup(1).accept


@test
def authentication_goes_on(t):
    # the derivation takes longer than the restart is put off
    m, d = managed(t, {"auth": {"count": 1 << 20}})
    c = t.control()
    c.greeting()
    c.send(c.make_keyed_setup(4, (b"probe-1", b"correct horse battery staple")))
    d.wait_read()
    m.restart(d)
    same(c.keyed_start().accept, 0, "Server-Start")
    s, _ = open_session(t, c, 4)
    s.check(packet(s, 0))


@test(both=True)
def shared_ports_go_on(t):
    m, d = managed(t, {"ports": {"mode": "shared"}})
    sessions = [open_session(t, connect(t, modes), modes)[0] for modes in MODES for _ in range(3)]
    for s in sessions:
        s.check(packet(s, 0))
    m.end(d)
    for s in sessions:
        send(s, 2)
    before = time.time()
    m.start(d)
    for s in sessions:
        receive(s, 2, before)


@test(both=True)
def light_ports_go_on(t):
    m, d = managed(t, {"light": [{"port": 8620, "type": "twamp-light", "clients": [t.client]}]})
    sender, to = t.sender(), (t.server, 8620)
    true(sender.exchange(to, make_packet(0)) is not None, "no reply")
    m.end(d)
    for n in (1, 2, 3):
        sender.send(to, make_packet(n))
    before = time.time()
    m.start(d)
    for n in (1, 2, 3):
        reply = sender.receive()
        true(reply is not None, "packet %d is lost" % n)
        same(reply.sender_seq, n, "Sender Sequence Number")
        true((reply.t2 >> 32) - rawclient.NTP_UNIX + (reply.t2 & 0xffffffff) / 2**32 <= before,
             "T2 of packet %d" % n)
    d.reload(text=harness.config_text({k: v for k, v in d.config.items() if k != "light"}))
    same(sender.exchange(to, make_packet(4), 0.2), None, "reply after the port has ended")


@test
def drops_meanwhile_are_counted(t):
    # the queue of the socket fills while nobody reads it
    m, d = managed(t)
    c = connect(t, 1)
    s, _ = open_session(t, c, 1)
    s.check(packet(s, 0))
    m.end(d)
    send(s, 10000)
    since = d.log_size()
    m.start(d)
    c.stop(1)
    line = d.wait_log(r"session.*ended.*dropped rcvbuf [1-9]", since)
    true("received 10001," in line, line)


@test
def drops_of_shared_sockets_meanwhile_are_counted(t):
    light = {"address": t.server, "port": 8620, "type": "twamp-light", "clients": [t.client],
             "packet_rate": 0}
    m, d = managed(t, {"light": [light], "ports": {"mode": "shared", "first": 40000},
                       "reflector": {"threads": 1}})
    c = connect(t, 1)
    s, _ = open_session(t, c, 1)
    s.check(packet(s, 0))
    lonely = t.sender()
    true(lonely.exchange((t.server, 8620), make_packet(0)), "a reply")
    m.end(d)
    send(s, 10000)
    for seq in range(10000):
        lonely.send((t.server, 8620), make_packet(seq))
    since = d.log_size()
    m.start(d)
    c.stop(1)
    line = d.wait_log(r"session.*ended.*no room for [1-9]\d* packets", since)
    lost = 10001 - int(re.search(r"received (\d+)", line).group(1))
    true("no room for %d packets" % lost in line, line)
    d.terminate()
    line = d.wait_log(r"reflecting without control ended: .* rcvbuf [1-9]", since)
    true("received 10001," in line, line)


@test
def thousands_at_once(t):
    m, d = managed(t)
    c, sender = connect(t, 1), t.sender()
    c.send(b"".join(make_request(sender_port=sender.port) for _ in range(2000)))
    ports = [c.accept_session().port for _ in range(2000)]
    same(c.start().accept, 0, "Start-Ack")
    m.end(d)
    same(len(m.store), 2, "descriptors that the manager holds")
    sender.send((t.server, ports[1999]), make_packet(0))
    since = d.log_size()
    m.start(d)
    d.wait_log("took 1 connection and 2000 sessions over", since)
    same(sender.receive().seq, 0, "Sequence Number")
    same(sender.exchange((t.server, ports[0]), make_packet(0)).seq, 0, "Sequence Number")
    c.stop(2000)
    d.wait_sessions(0)


@test
def changed_ports_keep_what_runs(t):
    # another mode, or another list: the sessions keep the ports that they have
    for before, after in (({"mode": "shared"}, {"mode": "per-session"}),
                          ({"also": [20001]}, {"also": [20001]}),
                          ({"also": [20001]}, {"also": []}),
                          ({"also": [20001]}, {"mode": "shared", "also": []})):
        m, d = managed(t, {"ports": before})
        c = connect(t, 1)
        s, answer = open_session(t, c, 1, receiver_port=20001)
        same(answer.port == 20001, "also" in before, "Port is %d" % answer.port)
        s.check(packet(s, 0))
        m.end(d)
        d.config["ports"] = harness.merge(d.config["ports"], after)
        d.write(d.config)
        since = d.log_size()
        m.start(d)
        d.wait_log(r"took 1 connection and 1 session over", since)
        s.check(packet(s, 1))
        c.stop(1)
        s, answer = open_session(t, c, 1, receiver_port=20001)
        same(answer.port == 20001, 20001 in d.config["ports"]["also"], "Port is %d" % answer.port)
        s.check(packet(s, 0))
        d.terminate()


@test
def a_light_port_takes_that_of_sessions(t):
    # what the new settings want comes first, and is whole
    m, d = managed(t, {"ports": {"also": [20001]}})
    c = connect(t, 1)
    s, answer = open_session(t, c, 1, receiver_port=20001)
    same(answer.port, 20001, "Port")
    s.check(packet(s, 0))
    m.end(d)
    d.config["light"] = [{"port": 20001, "type": "stamp", "clients": ["0.0.0.0/0"]}]
    d.write(d.config)
    since = d.log_size()
    m.start(d)
    d.wait_log(r"could not take over all .*: 0 connections and 1 sessions", since)
    light = t.sender()
    same(len(light.exchange((t.server, 20001), make_packet(7) + bytes(30)).raw), 44, "octets")


@test
def who_knocks_meanwhile_is_heard(t):
    m, d = managed(t)
    m.end(d)
    early = t.control()
    m.start(d)
    early.greeting()
    same(early.setup(1).accept, 0, "Server-Start")


@test
def an_end_stays_an_end(t):
    #
    m, d = managed(t)
    c = connect(t, 1)
    open_session(t, c, 1)
    same(d.terminate(), 0, "exit status")
    same(c.wait_closed(), b"", "octets before the end")
    m.catch_up()
    same(m.store, [], "what is in the store")
    true("its connection or the server ended" in d.log(), "the final counters are logged")


@test
def without_a_manager_it_is_an_end(t):
    d = keyed_daemon(t)
    c = connect(t, 1)
    d.signal(HAND_OVER)
    same(d.wait_exit(), 0, "exit status")
    same(c.wait_closed(), b"", "octets before the end")
    true("no service manager" in d.log(), d.log())


@test
def a_manager_that_is_gone(t):
    # cannot be handed over: ended properly, and said
    m, d = managed(t)
    c = connect(t, 1)
    open_session(t, c, 1)
    os.rename(m.path, m.path + ".gone")
    d.signal(HAND_OVER)
    same(d.wait_exit(), 0, "exit status")
    os.rename(m.path + ".gone", m.path)
    same(c.wait_closed(), b"", "octets before the end")
    true("cannot hand over to the next process" in d.log(), d.log())
    true("its connection or the server ended" in d.log(), "the final counters are logged")


# --- what is wrong with it --------------------------------------------------------------

def memory_file(octets, seals=ALL_SEALS):
    fd = os.memfd_create("state", os.MFD_CLOEXEC | 2)
    os.pwrite(fd, octets, 0)
    fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


def flipped(octets, at):
    return octets[:at] + bytes([octets[at] ^ 0x10]) + octets[at + 1:]


def changed_state(m, change):
    """Put the memory file in the store that @change makes of its octets."""
    entry = next(e for e in m.store if e[0] == "twampd-state")
    m.replace("twampd-state", change(os.pread(entry[1], 1 << 20, 0)))


@test
def damage_is_dropped_and_named(t):
    # what else can be wrong, also with sockets: tests/unit/server/test-handover.c
    wrong = (
        (lambda o: memory_file(flipped(o, len(o) - 1)), "it is damaged"),
        (lambda o: memory_file(o, 7), "it is not a sealed memory file"),
        (lambda o: None, "there are sockets without it"),
    )
    m, d = managed(t)
    for change, words in wrong:
        c = connect(t, 2)
        s, _ = open_session(t, c, 2)
        s.check(packet(s, 0))
        m.end(d)
        changed_state(m, change)
        since = d.log_size()
        m.start(d)
        d.wait_log("could not take over all .*: " + words, since)
        same(c.wait_closed(), b"", "octets before the end")
        d.wait_idle()
        m.wait_empty()


@test
def what_nobody_asks_for_is_closed(t):
    m, d = managed(t)
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as s:
        m.end(d)
        m.pack(m.unpack() + [(b"c", os.dup(s.fileno())), (b"a", os.dup(s.fileno())),
                             (b"c", os.open("/dev/null", os.O_RDONLY))])
        m.start(d)
        inode = os.fstat(s.fileno()).st_ino
        true("socket:[%d]" % inode not in d.fds().values(), "the socket is closed")
    connect(t, 1)


@test
def a_store_that_keeps_nothing(t):
    # FileDescriptorStoreMax=0 is not told to anybody
    m, d = managed(t)
    m.keeps = False
    c = connect(t, 1)
    m.restart(d)
    same(c.wait_closed(), b"", "octets before the end")
    connect(t, 1)


if __name__ == "__main__":
    harness.main()
