# SPDX-License-Identifier: BSD-2-Clause
"""Sockets that the service manager passes: used, kept over a reload, and looked at before."""

import concurrent.futures
import json
import os
import re
import shutil
import socket
import struct
import sys
import tempfile
import time

import harness
import rawclient
from harness import same, test, true
from manager import Manager
from rawclient import make_packet

ACTIVATE = [sys.executable, "-B",
            os.path.join(os.path.dirname(os.path.abspath(__file__)), "activate.py")]
NO_CAPABILITY = [shutil.which("setpriv") or "/usr/bin/setpriv", "--bounding-set=-all",
                 "--inh-caps=-all"]
QUIET = 0.3  # for replies that must not come
UNUSED = r"no entry of light names the UDP socket \S+:862 that the service manager passed"
ELSEWHERE = {"listen": [{"port": 9999}]}  # would show itself if it were used


def activated(t, *specs, **options):
    return t.daemon(ELSEWHERE, prefix=ACTIVATE + list(specs) + ["--"], **options)


def listening(d):
    return sorted({port for _, port, state in d.sockets("tcp") if state == 10})


def measure(t):
    c, sender, to = t.session()
    answer = sender.exchange(to, make_packet(0))
    true(answer is not None, "no reply")
    c.stop(1)


@test(both=True)
def passed_sockets_are_used_and_listen_is_not(t):
    d = activated(t, "tcp4:control", "tcp6:control")
    same(listening(d), [862], "listening ports")
    d.wait_log(r"notice: listening on 2 sockets that the service manager passed")
    d.wait_log(r"warning: the setting listen at \S+twampd.conf:\d+ is not used")
    d.wait_log(r"ready: .*listening on \S+:862, \S+:862 \(opened by the service manager\)")
    since = d.log_size()
    d.reload()
    d.wait_log(r"warning: the setting listen at", since)
    true("listening on 2" not in d.log(since), "what is as it was is told again")
    d.wait_log(r"listening on 0\.0\.0\.0:862")
    d.wait_log(r"listening on \[::\]:862")
    measure(t)


@test
def a_passed_socket_is_asked(t):
    """Of twampctl, by the name "admin": it is used, and stays the service manager's."""
    folder = tempfile.mkdtemp(prefix="twampd-run-")
    t.stack.callback(shutil.rmtree, folder)
    path = os.path.join(folder, "passed.sock")
    d = t.daemon(prefix=ACTIVATE + ["unix%" + path + ":admin", "--"],
                 env={"RUNTIME_DIRECTORY": folder})

    def ask():
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(harness.PATIENCE)
            s.connect(path)
            s.sendall(b'{"cmd":"status"}\n')
            return json.loads(s.makefile().readline())["result"]
    same(ask()["pid"], d.pid, "who answers")
    d.reload()
    same(ask()["connections"]["used"], 0, "after a reload")
    same([f for f in os.listdir(folder) if f.endswith(".sock")], ["passed.sock"],
         "it makes none of its own")
    same(d.terminate(), 0, "exit status")
    true(os.path.exists(path), "the file is not the daemon's to remove")
    for spec, why in (("tcp4:admin", "not a Unix stream socket"), ("file:admin", "not a Unix")):
        d = t.daemon(ELSEWHERE, prefix=ACTIVATE + [spec, "--"], wait=False)
        same(d.wait_exit(), 1, "exit status")
        true(why in d.log(), d.log())


@test
def no_listen_and_no_warning(t):
    d = t.daemon(text="limits = { max_sessions = 9; };",
                 prefix=ACTIVATE + ["tcp4:control", "--"])
    d.reload(text="limits = { max_sessions = 8; };")
    true("is not used" not in d.log(), d.log())


@test(both=True)
def a_socket_of_both_families_serves_both(t):
    # an IPv4-mapped address counts as IPv4: this one is in the class, and nobody else
    client = harness.CLIENT[t.family]
    prefix = client + ("/32" if t.family == 4 else "/128")
    d = t.daemon({"clients": [{"name": "one", "prefixes": [prefix]}]},
                 prefix=ACTIVATE + ["dual:control", "--"])
    measure(t)
    line = d.wait_log(r"connection from .* established")
    wanted = client if t.family == 4 else "[%s]" % client
    true("from %s:" % wanted in line, "the client is %s in: %s" % (wanted, line))
    true("class one" in line, line)


def first_tos(sniffer):
    """TOS or Traffic Class of the next TCP segment from port 862 that carries data."""
    while True:
        m = sniffer.recv(65536)
        v4 = m[0] >> 4 == 4
        protocol, start = (m[9], (m[0] & 15) * 4) if v4 else (m[6], 40)
        size = struct.unpack("!H", m[2:4])[0] if v4 else 40 + struct.unpack("!H", m[4:6])[0]
        if (protocol == 6 and m[start:start + 2] == struct.pack("!H", 862) and
                size > start + (m[start + 12] >> 4) * 4):
            return m[1] if v4 else (m[0] & 15) << 4 | m[1] >> 4


@test(both=True)
def dscp_of_the_syn_on_a_socket_of_both_families(t):
    #
    t.daemon(prefix=ACTIVATE + ["dual:control", "--"])
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as sniffer:
        sniffer.bind((harness.CLIENT_LINK, 3))
        sniffer.settimeout(5)
        t.connect(tos=0xb8)
        same(first_tos(sniffer) & 0xfc, 0xb8, "TOS of the Server-Greeting")


@test
def a_reload_keeps_passed_sockets(t):
    d = activated(t, "tcp4:control")
    inode = d.fds()[3]
    c, sender, to = t.session()
    d.reload({"listen": [{"port": 9998}], "limits": {"max_sessions": 1}})
    same(d.fds()[3], inode, "descriptor 3 after a reload")
    same(listening(d), [862], "listening ports after a reload")
    d.reload(text="limits = { max_sessions = 0; };", expect="reload failed")
    same(d.fds()[3], inode, "descriptor 3 after a reload that failed")
    true(sender.exchange(to, make_packet(0)) is not None, "no reply after the reloads")
    c.stop(1)
    t.connect()


@test
def names_that_nobody_chose_are_taken(t):
    activated(t, "tcp4:twampd@red.socket", "tcp6:unknown")
    measure(t)


@test
def clients_may_knock_before_the_daemon_is_there(t):
    # the socket's queue is the kernel's, and accept() must not block on it
    d = activated(t, "tcp4:control")
    quiet = [t.control() for _ in range(5)]
    for c in quiet:
        c.greeting()
    d.terminate()


@test
def environment_is_not_left(t):
    # LISTEN_FDS of another process is not ours
    d = t.daemon(env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    true(862 in listening(d), "the setting listen holds")


# --- Light ports ----------------------------------------------------------------------

def light(*entries, **settings):
    """Settings with these entries of light, and listeners that need no capability."""
    base = {"type": "stamp", "clients": ["0.0.0.0/0", "::/0"]}
    return dict(ELSEWHERE, light=[dict(base, **e) for e in entries], **settings)


def stamp(seq):
    return make_packet(seq) + bytes(30)


def answered(t, sender, seq, number=None):
    reply = sender.exchange((t.server, 862), stamp(seq))
    true(reply is not None, "no reply to packet %d" % seq)
    same((reply.sender_seq, reply.source), (seq, (t.server, 862)), "whose reply, from where")
    if number is not None:
        same(reply.seq, number, "Sequence Number")


def silent(t, sender, seq):
    same(sender.exchange((t.server, 862), stamp(seq), QUIET), None, "reply to packet %d" % seq)


@test(both=True)
def a_light_port_is_passed(t):
    # T-070 T-072: no capability is needed for the port, one thread numbers the replies
    d = t.daemon(light({"stateful": True}, reflector={"threads": 4}),
                 prefix=ACTIVATE + ["udp4:light", "udp6:light", "--"] + NO_CAPABILITY)
    for address in (r"0\.0\.0\.0:862", r"\[::\]:862"):
        d.wait_log(r"STAMP on %s, stateful, passed by the service manager" % address)
    senders = [t.sender(t.client) for _ in range(8)]
    for number in range(3):
        for sender in senders:
            answered(t, sender, 40 + number, number)
    same(listening(d), [9999], "listen holds, as no listener was passed")
    true(not re.search(UNUSED, d.log()), "every socket is used")


@test(both=True)
def settings_say_who_is_answered_on_a_passed_light_port(t):
    # T-074: nobody without an entry; what came meanwhile is not answered later
    kind = "udp%d:twampd-light.socket" % t.family  # a name that nobody chose
    d = t.daemon(ELSEWHERE, prefix=ACTIVATE + [kind, "--"] + NO_CAPABILITY)
    d.wait_log(UNUSED)
    inode = d.fds()[3]
    s = t.sender(t.client)
    silent(t, s, 1)
    address = "0.0.0.0" if t.family == 4 else "::"
    entry = {"address": address, "stateful": True}
    d.reload(light(entry))
    same(s.receive_raw(QUIET), None, "reply to what came before")
    answered(t, s, 2, 0)
    answered(t, s, 3, 1)
    d.reload(light(dict(entry, clients=[t.client_other + ("/32" if t.family == 4 else "/128")])))
    silent(t, s, 4)
    answered(t, t.sender(t.client_other), 5)
    since = d.log_size()
    d.reload(text=harness.config_text(harness.merge(harness.BASE, ELSEWHERE)))
    d.wait_log(UNUSED, since)
    silent(t, s, 6)
    d.reload(light(dict(entry, type="twamp-light")))
    answered(t, s, 7, 0)
    same(d.fds()[3], inode, "descriptor 3 after all that")


def bind_in(namespace):
    """A UDP socket on port 862 there."""
    def call():
        harness.enter_namespace(namespace)
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("0.0.0.0", 862))
        return s.detach()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@test
def a_passed_light_port_loses_nothing_by_a_restart(t):
    m = Manager()
    t.stack.callback(m.close)
    m.store.append(("light", bind_in(t.net.server)))  # the manager has it all the time
    d = t.daemon(ELSEWHERE, env=m.environment())
    m.end(d)
    d.write(harness.merge(harness.BASE, light({"address": "0.0.0.0"})))
    s = t.sender(t.client)
    s.send((t.server, 862), stamp(1))  # unknown when it came
    m.start(d)
    answered(t, s, 2)
    m.end(d)
    s.send((t.server, 862), stamp(3))
    before = time.time()
    m.start(d)
    reply = s.receive()
    true(reply is not None, "no reply to what came in between")
    same(reply.sender_seq, 3, "whose reply")
    t2, t3 = (x / 2**32 - rawclient.NTP_UNIX for x in (reply.t2, reply.t3))
    true(t2 <= before <= t3, "T2 %.6f, T3 %.6f, start %.6f" % (t2, t3, before))


@test
def a_passed_light_port_is_named_by_its_own_address(t):
    d = t.daemon(light({"address": t.server}), prefix=ACTIVATE + ["udp4:light", "--"], wait=False)
    same(d.wait_exit(), 1, "exit status")
    true(re.search(r"UDP %s:862: .* an entry of light has to name its own address" %
                   re.escape(t.server), d.log()), d.log())


@test
def control_and_light_are_passed_together(t):
    d = t.daemon(dict(light({"address": "0.0.0.0"}), listen=[{"port": 9999}]),
                 prefix=ACTIVATE + ["udp4:light", "tcp4:control", "--"] + NO_CAPABILITY)
    same(listening(d), [862], "listening ports")
    measure(t)
    answered(t, t.sender(t.client), 1)


# --- what is not taken ----------------------------------------------------------------

def refused(t, specs, *words):
    d = activated(t, *specs, wait=False)
    same(d.wait_exit(), 1, "exit status")
    for word in words:
        true(re.search(word, d.log()), "%r in: %s" % (word, d.log()))


@test
def wrong_sockets_are_named(t):
    for spec, words in ((["tcp4:control", "udp4:control"],
                         (r'descriptor 4 "control"', "not a TCP socket")),
                        (["unix:control"], (r'descriptor 3 "control"', "IPv4 or IPv6")),
                        (["file:control"], (r'descriptor 3 "control"', "IPv4 or IPv6")),
                        (["deaf:control"], (r'descriptor 3 "control"', "does not listen")),
                        (["tcp4:light"], (r'descriptor 3 "light"', "not a UDP socket")),
                        (["unbound:light"], (r'descriptor 3 "light"', "not bound to a port")),
                        (["tcp4:control", "udpdual:light"],
                         (r'descriptor 4 "light"', "both families")),
                        (["udpdual:twampd-light.socket"], ("both families",)),
                        (["tcp4:control", "tcp6:web"],
                         (r'descriptor 4 "web"', 'expected: "control", "light" or "admin"'))):
        refused(t, spec, *words)


if __name__ == "__main__":
    harness.main()
