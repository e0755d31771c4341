# SPDX-License-Identifier: BSD-2-Clause
"""The real twampd and the ports of ports.also: granted to whoever asks for them, although they are
outside of the range, and shared by many sessions beside others that have ports of their own.
"""

import os
import re
import shutil
import signal
import socket
import sys

import harness
from harness import run, same, test, true, wait_for
from keyed import connect, keyed_daemon, open_session
from packets import Layout
from rawclient import make_packet, make_request, make_start, make_stop, ntp, seconds

FIRST, LAST = 40000, 59999
AUTHENTICATED = 2
ACTIVATE = [sys.executable, "-B",
            os.path.join(os.path.dirname(os.path.abspath(__file__)), "activate.py")]
NO_CAPABILITY = [shutil.which("setpriv") or "/usr/bin/setpriv", "--bounding-set=-all",
                 "--inh-caps=-all"]
DEFAULT = [862, 20001]


def also(ports=None, **config):
    """With these, or with the default."""
    ports = {"first": FIRST, "last": LAST, "also": DEFAULT if ports is None else ports}
    return dict(config, ports=ports)


def reflects(sender, to, seq=0):
    answer = sender.exchange(to, make_packet(seq))
    true(answer is not None, "no reply to packet %d from %r" % (seq, to))
    same((answer.sender_seq, answer.source), (seq, to), "whose reply, and from where")
    return answer


class Careless:
    """A client as twampy is one: from fixed ports, IPVN 4 and no addresses over IPv6, too; it does
    not look at the port that it is granted, and stops 0 sessions."""

    def __init__(self, t, sender_port=20000, receiver_port=20001, source=None):
        self.to = (t.server, receiver_port)
        self.control = t.connect(**({"source": source} if source else {}))
        self.sender = t.sender(*([source] if source else []), port=sender_port)
        self.control.send(make_request(sender_port=sender_port, receiver_port=receiver_port,
                                       ipvn=4, timeout=seconds(60)))
        self.answer = self.control.accept_session()

    def measure(self, packets=5):
        """How many came back."""
        self.control.send(make_start())
        same(self.control.start_ack().accept, 0, "Start-Ack")
        return sum(self.sender.exchange(self.to, make_packet(n)) is not None
                   for n in range(packets))

    def stop(self):
        self.control.send(make_stop(0))
        self.control.wait_closed()
        self.sender.close()


# --- clients as they are --------------------------------------------------------------

@test(both=True)
def a_client_that_ignores_the_granted_port(t):
    # R-087 R-105: out of the box, on both of its ports; and again at once: R-107
    t.daemon(also())
    for port in (20001, 862, 20001, 862):
        client = Careless(t, receiver_port=port)
        same((client.answer.accept, client.answer.port), (0, port), "Accept and Port")
        same(client.measure(), 5, "packets that came back")
        client.stop()


@test(both=True)
def two_of_them_at_once(t):
    # told apart by the address and by the sender's port
    t.daemon(also())
    clients = [Careless(t), Careless(t, sender_port=20002),
               Careless(t, source=t.client_other)]
    same([c.measure() for c in clients], [5, 5, 5], "packets that came back")
    for client in clients:
        client.stop()


# --- the same addresses again ---------------------------------------------------------

@test(both=True)
def a_stopped_session_makes_room(t):
    # of the same client; its final counters are told
    d = t.daemon(also())
    first = Careless(t)
    same(first.measure(), 5, "packets that came back")
    first.control.send(make_stop(1))
    second = t.connect().request(sender_port=20000, receiver_port=20001)
    same((second.accept, second.port), (0, 20001), "the same again")
    d.wait_log("session.*ended.*5 reflected|reflected 5", 0)
    first.sender.send(first.to, make_packet(9))
    same(first.sender.receive_raw(0.3), None, "reply before the second is started")


@test(both=True)
def a_running_one_does_not(t):
    # active, or only accepted: 5, and what to do
    d = t.daemon(also())
    c = t.connect()
    sender = t.sender(port=20000)
    for started in (False, True):
        if started:
            same(c.start().accept, 0, "Start-Ack")
        else:
            same(c.request(sender_port=20000, receiver_port=20001).accept, 0, "Accept")
        since = d.log_size()
        again = t.connect()

        def ask():
            same(again.request(sender_port=20000, receiver_port=20001).accept, 5, "Accept")
            return "tuple-in-use" in d.log(since)

        wait_for(ask, "the reason in the log")
        true("use another Sender Port" in d.log(since), "no remedy: " + d.log(since))
    reflects(sender, (t.server, 20001))


@test
def that_of_another_client_does_not(t):
    # with third_party a stranger could end a session that is not his
    t.daemon(also(third_party=True))
    first = Careless(t)
    same(first.measure(), 5, "packets that came back")
    first.control.send(make_stop(1))
    stranger = t.connect(source=t.client_other)
    same(stranger.request(sender=t.client, sender_port=20000, receiver_port=20001).accept, 5,
         "Accept of a stranger")
    reflects(first.sender, first.to, 5)


@test(both=True)
def shared_mode_makes_room_too(t):
    # where each thread has a port, when none is left
    t.daemon({"ports": {"mode": "shared"}, "reflector": {"threads": 2}})
    sender = t.sender()
    for _ in range(2):
        c = t.connect()
        answers = [c.request(sender_port=sender.port, timeout=seconds(60)) for _ in range(3)]
        same([a.accept for a in answers], [0, 0, 5], "two ports, three requests")
        same(c.start().accept, 0, "Start-Ack")
        for a in answers[:2]:
            reflects(sender, (t.server, a.port))
        c.stop(2)


# --- ports ----------------------------------------------------------------------------

@test(both=True)
def others_have_ports_of_their_own(t):
    # R-101 R-102 R-104: only who asks; and no search of the range finds one of these
    d = t.daemon(also(ports=None) | {"ports": {"first": 20000, "last": 20003, "also": DEFAULT}})
    c = t.connect()
    ports = [c.request(receiver_port=p, sender_port=1000 + p).port for p in (20000, 0, 9, 862)]
    same(sorted(ports), [862, 20000, 20002, 20003], "ports")
    same(c.request(sender_port=7).accept, 4, "the range is full")
    same([c.request(sender_port=p, receiver_port=20001).port for p in (7, 8, 9)], [20001] * 3,
         "many on one")
    same(sorted(set(d.udp_ports())), [862, 20000, 20001, 20002, 20003], "sockets")
    c.close()
    wait_for(lambda: not d.udp_ports(), "no socket is left: they go with the last session")


@test(both=True)
def open_and_close(t):
    # the socket comes with the first session and goes with the last, a hundred times
    d = t.daemon(also())
    fds = d.fds()
    for n in range(100):
        client = Careless(t, sender_port=21000 + n % 3)
        same((client.answer.accept, client.answer.port), (0, 20001), "round %d" % n)
        if n % 10 == 0:
            same(client.measure(2), 2, "packets that came back")
        client.control.close()
        client.sender.close()
    d.wait_idle()
    wait_for(lambda: d.fds() == fds, "as many descriptors as before")


@test(both=True)
def a_port_that_cannot_be_had(t):
    # said once, and another one is granted: R-101 R-103
    d = t.daemon(also([20001]))
    pid = os.fork()
    if pid == 0:
        harness.enter_namespace(t.net.server)
        taken = socket.socket(socket.AF_INET if t.family == 4 else socket.AF_INET6,
                              socket.SOCK_DGRAM)
        taken.bind(("", 20001))
        signal.pause()
    try:
        wait_for(lambda: "20001" in run("ip", "netns", "exec", t.net.server, "ss", "-lun").stdout,
                 "the port is taken")
        for n in range(3):
            answer = t.connect().request(sender_port=9000 + n, receiver_port=20001)
            same(answer.accept, 0, "Accept")
            true(FIRST <= answer.port <= LAST, "port %d" % answer.port)
        d.wait_log(r"UDP port 20001: Address already in use", 0)
        same(d.log().count("UDP port 20001"), 1, "times it is said")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    wait_for(lambda: t.connect().request(sender_port=9100, receiver_port=20001).port == 20001,
             "it is granted when it can be had")


@test
def without_the_capability(t):
    # as the service runs: 862 is not to be had, and all the rest goes on
    d = t.daemon(also(listen=[{"port": 8620}]),
                 prefix=NO_CAPABILITY)
    c = t.connect(port=8620)
    true(c.request(sender_port=9, receiver_port=862).port >= FIRST, "another port")
    same(c.request(sender_port=9, receiver_port=20001).port, 20001, "the other one")
    d.wait_log(r"UDP port 862: Permission denied \(ports\.also of %s:\d+\); sessions" % d.file, 0)


@test(both=True)
def a_passed_socket(t):
    # of a socket unit, without the capability: again and again, and then it becomes a Light port
    config = also(listen=[{"port": 8620}])
    light = [{"port": 862, "type": "stamp", "clients": ["0.0.0.0/0", "::/0"]}]
    d = t.daemon(config, prefix=ACTIVATE + ["udp4:light", "udp6:light", "--"] + NO_CAPABILITY)
    true("862" not in re.sub("8620", "", d.log()), "said that nobody reads it: " + d.log())
    sender = t.sender()
    for _ in range(3):
        c = t.connect(port=8620)
        same(c.request(sender_port=sender.port, receiver_port=862).port, 862, "Port")
        same(c.start().accept, 0, "Start-Ack")
        reflects(sender, (t.server, 862))
        c.close()
        d.wait_sessions(0)
    c = t.connect(port=8620)
    same(c.request(sender_port=sender.port, receiver_port=862).port, 862, "Port")
    same(c.start().accept, 0, "Start-Ack")
    d.reload(dict(config, light=light), expect="UDP .*:862: Address already in use")
    reflects(sender, (t.server, 862))
    c.close()
    d.wait_sessions(0)

    def reload():
        since = d.log_size()
        d.reload(dict(config, light=light), expect="settings reloaded|reload failed")
        return "settings reloaded" in d.log(since)

    wait_for(reload, "the socket is free")
    same(len(sender.exchange((t.server, 862), make_packet(1) + bytes(30)).raw), 44, "octets")


@test(both=True)
def a_light_port_is_not_one_of_them(t):
    d = t.daemon(also(light=[{"port": 862, "type": "stamp", "clients": ["0.0.0.0/0", "::/0"]}]))
    same(len(set(d.udp_ports())), 1, "ports")
    answer = t.connect().request(sender_port=9, receiver_port=862)
    same(answer.accept, 0, "Accept")
    true(FIRST <= answer.port <= LAST, "port %d" % answer.port)


# --- change ---------------------------------------------------------------------------

@test(both=True)
def reload_changes_the_list(t):
    # what runs goes on, whatever the list says now
    d = t.daemon(also())
    first = Careless(t)
    first.control.send(make_start())
    same(first.control.start_ack().accept, 0, "Start-Ack")
    d.reload(also([20002]))
    reflects(first.sender, first.to, 0)
    answer = t.connect().request(sender_port=20009, receiver_port=20001)
    true(FIRST <= answer.port <= LAST, "no longer granted, got %d" % answer.port)
    same(t.connect().request(sender_port=20009, receiver_port=20002).port, 20002, "now granted")
    d.reload(also())
    same(t.connect().request(sender_port=20010, receiver_port=20001).port, 20001, "again granted")
    reflects(first.sender, first.to, 1)
    d.reload(also([]))
    reflects(first.sender, first.to, 2)
    first.stop()


@test(both=True)
def keyed_sessions(t):
    # T-001: packets of the keyed modes on such a port
    keyed_daemon(t, also())
    control = connect(t, AUTHENTICATED)
    session, _ = open_session(t, control, AUTHENTICATED, receiver_port=20001)
    same(session.to[1], 20001, "Port")
    session.check(Layout(AUTHENTICATED).sent(0, ntp(), 1))


if __name__ == "__main__":
    harness.main()
