# SPDX-License-Identifier: BSD-2-Clause
"""What the hostile tests share: a legitimate client in a network of its own that counts what it
loses while others attack, newcomers from there, the attackers' many addresses, a sniffer of what
the server sends, and a meter of its log.
"""

import atexit
import collections
import contextlib
import errno
import fcntl
import json
import os
import random
import re
import resource
import select
import socket
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
import harness  # noqa: E402
import rawclient  # noqa: E402
from harness import pause, run, same, true, wait_for  # noqa: E402

FLOOD = os.environ.get("TWAMPD_FLOOD", "flood")

# The legitimate clients' network: a prefix and a cable of their own.
FRIEND_SERVER, FRIEND, FRIEND_NEW = "203.0.113.1", "203.0.113.2", "203.0.113.3"
# Addresses that all are the attacker's.
MANY = {4: "10.66.%d.%d", 6: "2001:db8:66:%x00::%x"}  # IPv6: 250 in a /56, which is one client
MANY_ROUTE = {4: "10.66.0.0/16", 6: "2001:db8:66::/48"}

LIMIT_S = 1.0  # until a newcomer is in, or knows why not
# What malloc and the table of clients keep for a while; not a share of what an attack holds.
SLACK = 1 << 20
LINES_PER_S = 10
BURST, BEFORE_SIEGE = 20, 250  # what comes suddenly is logged in full

# As an operator has it who set nothing but what the tests need.
PLAIN = {
    "listen": [{"port": 862}],
    "ports": {"first": 40000, "last": 59999},
    "reflector": {"threads": 2},
}


def say(text):
    print("# " + text, flush=True)


@contextlib.contextmanager
def inside(name, back):
    harness.enter_namespace(name)
    try:
        yield
    finally:
        harness.enter_namespace(back)


class Rig:
    """What is there beside the two namespaces of the harness, for all tests of a file."""

    def __init__(self, net):
        self.net = net
        self.friend = "tw%dv" % os.getpid()
        self.sweep()
        atexit.register(self.remove)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 7000:
            raise harness.Skip("RLIMIT_NOFILE is %d here" % hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        server, friend, client = net.server, self.friend, net.client
        run("ip", "netns", "add", friend)
        run("ip", "-n", friend, "link", "set", "lo", "up")
        run("ip", "link", "add", "srv1", "netns", server, "type", "veth", "peer", "name", "fri0",
            "netns", friend)
        for name, link, addresses in ((server, "srv1", (FRIEND_SERVER,)),
                                      (friend, "fri0", (FRIEND, FRIEND_NEW))):
            for address in addresses:
                run("ip", "-n", name, "address", "add", address + "/24", "dev", link)
            run("ip", "-n", name, "link", "set", link, "up")
        run("ip", "-n", client, "route", "add", "203.0.113.0/24", "via", harness.SERVER[4])
        for family in (4, 6):
            ip = ("ip", "-%d" % family)
            run(*ip, "-n", client, "route", "add", "local", MANY_ROUTE[family], "dev", "lo")
            run(*ip, "-n", server, "route", "add", MANY_ROUTE[family], "via",
                harness.CLIENT[family], "dev", harness.SERVER_LINK)
        with open("/proc/sys/net/ipv6/ip_nonlocal_bind", "w") as f:
            f.write("1")
        # Forged sources have to get as far as twampd.
        with inside(server, client):
            for link in ("all", "default", harness.SERVER_LINK, "srv1"):
                with open("/proc/sys/net/ipv4/conf/%s/rp_filter" % link, "w") as f:
                    f.write("0")

    @staticmethod
    def sweep():
        for name in os.listdir("/run/netns"):
            match = re.fullmatch(r"tw(\d+)v", name)
            if match and not os.path.exists("/proc/" + match.group(1)):
                run("ip", "netns", "delete", name, check=False)

    def remove(self):
        run("ip", "netns", "delete", self.friend, check=False)


_rig = []


def rig(t):
    if not _rig:
        _rig.append(Rig(t.net))
    return _rig[0]


# --- a legitimate client that runs ----------------------------------------------------

def be_friend(server, source, rate):
    """In a process of its own: a session, a packet every 1/rate s until stdin ends, and then
    what became of them."""
    c = rawclient.connect(server, source=source)
    sender = rawclient.Sender(source)
    answer = c.request(sender_port=sender.port, timeout=rawclient.seconds(5))
    same((answer.accept, c.start().accept), (0, 0), "Accept and Start-Ack")
    to = (server, answer.port)
    print(json.dumps({"port": answer.port, "sender": sender.port}), flush=True)
    got, replies, sent, due = set(), 0, 0, time.monotonic()
    refused = 0  # by its own kernel: the cable is out
    last = [0]

    def take():
        nonlocal replies
        r = rawclient.parse_reply(sender.sock.recvfrom(65536)[0])
        replies += 1
        got.add(r.sender_seq)
        last[0] = max(last[0], r.seq)

    while not select.select([sys.stdin], [], [], 0)[0]:
        now = time.monotonic()
        if now >= due:
            try:
                sender.sock.sendto(rawclient.make_packet(sent), to)
            except OSError:
                refused += 1
            sent += 1
            due += 1 / rate
        elif select.select([sender.sock, sys.stdin], [], [], due - now)[0][:1] == [sender.sock]:
            take()
    while len(got) < sent - refused and select.select([sender.sock], [], [], 3)[0]:
        take()
    c.stop(1)
    after, end = 5, time.monotonic() + 10  # what the attack used up is measured once a second
    while after == 5 and time.monotonic() < end:
        after = c.request(timeout=0).accept
        pause(0.1, "it asks now and then, until it is let in")
    print(json.dumps({"sent": sent, "refused": refused, "replies": replies, "got": len(got),
                      "numbers": last[0] + 1 if got else 0, "after": after}), flush=True)


class Friend:
    def __init__(self, t, rate=200):
        self.rig = rig(t)
        friend = self.rig.friend
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.abspath(__file__), "--friend", FRIEND_SERVER, FRIEND,
             str(rate)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=lambda: harness.enter_namespace(friend))
        t.stack.callback(self.kill)
        self.session = json.loads(self.process.stdout.readline() or "null")
        true(self.session, "the legitimate client has a session")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def finish(self):
        self.process.stdin.close()
        result = json.loads(self.process.stdout.readline() or "null")
        true(result, "the legitimate client lost its connection")
        return result

    def finish_without_loss(self, forged=0):
        """forged: packets that others sent in its name and that were answered."""
        r = self.finish()
        true(r["sent"] > 100, "only %d packets were sent" % r["sent"])
        same((r["got"], r["refused"]), (r["sent"], 0), "replies of the running session")
        if not forged:
            same((r["replies"], r["numbers"]), (r["sent"], r["sent"]),
                 "replies, and the reflector's own numbers")
        same(r["after"], 0, "Accept on the same connection afterwards")
        say("running session: %d packets, none lost" % r["sent"])


# --- newcomers ------------------------------------------------------------------------

def knock(t, source=FRIEND_NEW):
    """A client that was not there before, from the friends' network: (Accept, seconds); the
    Accept is that of Server-Start, or of Accept-Session if it came that far."""
    begin = time.monotonic()
    with inside(rig(t).friend, t.net.client):
        c = rawclient.Control(FRIEND_SERVER, source=source)
    with c:
        c.greeting()
        accept = c.setup().accept
        if accept == 0:
            accept = c.request(timeout=0).accept
    return accept, time.monotonic() - begin


def knock_often(t, while_true, every=0.2, least=3):
    """Newcomers during an attack: each gets 0 or 5; and one at least within the time, for what
    others do with this machine counts, too."""
    seen = []
    while while_true() or len(seen) < least:
        seen.append(knock(t))
        pause(every, "newcomers come now and then, at any moment of the attack")
    say("newcomers: Accept %s, after %s ms" % (
        dict(collections.Counter(a for a, _ in seen)),
        " ".join("%.0f" % (s * 1e3) for _, s in seen[:12])))
    true({a for a, _ in seen} <= {0, 5}, "Accepts of newcomers: %r" % seen)
    times = sorted(s for _, s in seen)
    true(times[len(times) // 2] < LIMIT_S, "newcomers took %r" % times)
    return seen


def until(seconds):
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


# --- attackers ------------------------------------------------------------------------

def many_address(i, family=4):
    return MANY[family] % (1 + i // 250, 1 + i % 250)


def dial(server, source=None):
    """A connection that does not wait for its handshake; None if there is none. The low
    descriptors are left to those who use select."""
    low = socket.socket(rawclient.family_of(server), socket.SOCK_STREAM)
    s = socket.socket(fileno=fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 1024))
    low.close()
    s.setblocking(False)
    try:
        if source:
            s.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            s.bind((source, 0))
        code = s.connect_ex((server, rawclient.PORT))
    except OSError:
        s.close()
        return None
    if code not in (0, errno.EINPROGRESS):
        s.close()
        return None
    return s


def drop_all(sockets):
    for s in sockets:
        if s is None or s.fileno() < 0:
            continue
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()


def flood(kind, source, count, source_port, to, to_port, octets, seconds, rate=0):
    return subprocess.Popen(
        [FLOOD, kind, source, str(count), str(source_port), to, str(to_port), str(octets),
         str(seconds), str(rate)], stdout=subprocess.PIPE, text=True)


def flooded(process, seconds):
    """Packets per second that it made."""
    out = process.communicate()[0]
    same(process.returncode, 0, "status of flood")
    rate = int(out) / seconds
    say("flood: %.0f packets/s" % rate)
    return rate


class Attack(threading.Thread):
    """@work(self) in a thread until it is told to stop."""

    def __init__(self, t, work):
        super().__init__(daemon=True)
        t.stack.callback(self.stop)
        self.work, self.on, self.error, self.count = work, True, None, 0
        self.start()

    def run(self):
        try:
            self.work(self)
        except Exception as error:
            self.error = error

    def stop(self):
        self.on = False
        self.join(60)

    def end(self):
        self.stop()
        if self.error:
            raise self.error


# --- what twampd is like after --------------------------------------------------------

class Siege:
    """Around an attack: a legitimate session runs, and afterwards everything is as before."""

    def __init__(self, t, config=None, slack=SLACK, **options):
        rig(t)
        self.slack = slack
        options.setdefault("text", harness.config_text(harness.merge(PLAIN, config)))
        self.t = t
        self.d = t.daemon(**options)
        self.friend = Friend(t)
        since = self.d.log_size()
        knock(t)
        self.d.wait_log("closed", since)
        wait_for(lambda: self.d.connections() == 1, "the friend's connection alone")
        self.fds, self.memory = len(self.d.fds()), self.d.memory()
        self.since, self.begin = self.d.log_size(), time.monotonic()

    def log_lines(self):
        """Lines about what was refused, and what the rest is."""
        lines = self.d.log(self.since).splitlines()
        loud = [s for s in lines if not re.match(r"twampd: (info|debug):", s)]
        return loud, len(lines) - len(loud)

    def check_log(self, offender=None):
        seconds = time.monotonic() - self.begin
        loud, quiet = self.log_lines()
        say("log: %d lines of refusals and %d others in %.1f s" % (len(loud), quiet, seconds))
        most = LINES_PER_S * (int(seconds) + 1) + BURST
        # The first second of an attack is not known to be one: then each kind has its own limit.
        true(len(loud) + quiet <= most + BEFORE_SIEGE, "%d lines in %.1f s" % (
            len(loud) + quiet, seconds))
        true(len(loud) <= most, "%d lines of refusals in %.1f s:\n%s" % (
            len(loud), seconds, "\n".join(loud[-30:])))
        if offender:
            true(any(re.search(offender, s) for s in loud),
                 "nothing of /%s/ in:\n%s" % (offender, "\n".join(loud[-30:])))

    def check_memory(self):
        def back():
            return self.t.run.sanitized or self.d.memory() - self.memory < self.slack
        try:
            wait_for(back, "memory that returns")
        finally:
            say("memory: %d KB before, %d KB after" %
                (self.memory >> 10, self.d.memory() >> 10))

    def end(self, offender=None, forged=0, check_log=True):
        """The attack is over."""
        true(self.d.alive(), "twampd is gone:\n" + self.d.log()[-2000:])
        if check_log:
            self.check_log(offender)
        wait_for(lambda: len(self.d.fds()) <= self.fds, "descriptors that return to %d" %
                 self.fds)
        self.friend.finish_without_loss(forged)
        self.friend.kill()
        wait_for(lambda: knock(self.t)[0] == 0, "a newcomer that gets in after the attack")
        self.check_memory()
        same(self.d.terminate(), 0, "exit status")


# --- what the server sends ------------------------------------------------------------

PACKET_OUTGOING, ETH_P_ALL = 4, 3
Sent = collections.namedtuple("Sent", "protocol to octets")  # octets: payload of UDP and TCP


class Sniffer(threading.Thread):
    """All IPv4 packets that leave the server's namespace. Runs of replies that the kernel cuts
    up later count as the packets that they become."""

    def __init__(self, t):
        super().__init__(daemon=True)
        with inside(t.net.server, t.net.client):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.setsockopt(263, 15, 1)  # SOL_PACKET, PACKET_VNET_HDR: tells the size of cuts
        self.sock.setsockopt(socket.SOL_SOCKET, rawclient.SO_RCVBUFFORCE, 64 << 20)
        self.sock.settimeout(0.1)
        self.sent, self.on = [], True
        self.start()

    def run(self):
        while True:
            try:
                data, (_, kind, way, _, _) = self.sock.recvfrom(1 << 17)
            except socket.timeout:
                if self.on:
                    continue
                return
            if way == PACKET_OUTGOING and kind == 0x0800:
                self.take(data[1] & 0x7f, struct.unpack("=H", data[4:6])[0], data[24:])

    def take(self, cut, cut_octets, data):
        header = (data[0] & 15) * 4
        octets = struct.unpack("!H", data[2:4])[0] - header
        if data[9] == socket.IPPROTO_UDP:
            octets -= 8
        elif data[9] == socket.IPPROTO_TCP:
            octets -= (data[header + 12] >> 4) * 4
        while cut and octets > cut_octets:
            self.sent.append(Sent(data[9], socket.inet_ntoa(data[16:20]), cut_octets))
            octets -= cut_octets
        self.sent.append(Sent(data[9], socket.inet_ntoa(data[16:20]), octets))

    def datagrams(self):
        return [p for p in list(self.sent) if p.protocol == socket.IPPROTO_UDP]

    def end(self):
        """When nothing comes any more."""
        self.on = False
        self.join()
        packets, drops = struct.unpack("II", self.sock.getsockopt(263, 6, 8))  # PACKET_STATISTICS
        self.sock.close()
        same(drops, 0, "packets that the sniffer missed of %d" % packets)
        return self.sent


if __name__ == "__main__":
    if sys.argv[1:2] == ["--friend"]:
        be_friend(sys.argv[2], sys.argv[3], float(sys.argv[4]))
