# SPDX-License-Identifier: BSD-2-Clause
"""The real twamp against the real twampd in every security mode with every set of features, and
a third who only listens: it knows the passphrase, takes the session keys out of the Token that
it saw on the wire, and checks what both of them sent, octet by octet. R-217, R-216, T-014
"""

import json
import socket
import struct
import subprocess

import harness
import keyed
import rawclient
import twcrypt
from harness import same, test, true
from packets import Layout
from rawclient import (DSCP_ECN, INDIVIDUAL, KEYED, PTP, REFLECT_OCTETS, SECURITY, SYMMETRICAL)

ETH_P_ALL = 3
COUNT = 2
DSCP = 10
OPTIONS = {INDIVIDUAL: ["--individual"], REFLECT_OCTETS: ["--reflect-octets", "beef",
                                                          "--reflect-length", "8"],
           SYMMETRICAL: ["--symmetrical"], DSCP_ECN: ["--dscp-ecn"], PTP: ["--ptp"]}


class Listener:
    """All frames on the client's end of the veth."""

    def __init__(self, t):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        t.stack.callback(self.socket.close)
        self.socket.setsockopt(socket.SOL_SOCKET, rawclient.SO_RCVBUFFORCE, 8 << 20)
        self.socket.bind((harness.CLIENT_LINK, ETH_P_ALL))
        self.socket.setblocking(False)

    def frames(self):
        while True:
            try:
                yield self.socket.recv(65535)
            except BlockingIOError:
                return


def parse_ip(frame):
    """(protocol, source, destination, TTL, TOS, payload) or None."""
    kind, m = frame[12:14], frame[14:]
    if kind == b"\x08\x00":
        length = struct.unpack("!H", m[2:4])[0]
        head = (m[0] & 15) * 4
        return m[9], m[12:16], m[16:20], m[8], m[1], m[head:length]
    if kind == b"\x86\xdd":
        length = struct.unpack("!H", m[4:6])[0]
        tos = struct.unpack("!I", m[:4])[0] >> 20 & 0xff
        return m[6], m[8:24], m[24:40], m[7], tos, m[40:40 + length]
    return None


class Stream:
    """One direction of a TCP connection, put together by sequence numbers."""

    def __init__(self):
        self.pieces = {}

    def add(self, seq, octets):
        if octets:
            self.pieces[seq] = max(octets, self.pieces.get(seq, b""), key=len)

    def octets(self):
        out, at = b"", None
        for seq in sorted(self.pieces):
            at = seq if at is None else at
            true(seq <= at, "a hole in the capture")
            out += self.pieces[seq][at - seq:]
            at = max(at, seq + len(self.pieces[seq]))
        return out


class Conversation:
    def __init__(self, t, frames):
        self.up, self.down = Stream(), Stream()
        self.sent, self.replies = [], []
        server = socket.inet_pton(t.family_number, t.server)
        for frame in frames:
            ip = parse_ip(frame)
            if ip is None:
                continue
            protocol, source, _, ttl, tos, m = ip
            if protocol == socket.IPPROTO_TCP:
                seq = struct.unpack("!I", m[4:8])[0]
                (self.down if source == server else self.up).add(seq, m[(m[12] >> 4) * 4:])
            elif protocol == socket.IPPROTO_UDP:
                ports = struct.unpack("!HH", m[:4])
                (self.replies if source == server else self.sent).append((ports, ttl, tos, m[8:]))


class Reader:
    """Messages of one direction, in the clear or opened."""

    def __init__(self, octets, stream):
        self.octets, self.stream = octets, stream

    def take(self, n):
        m, self.octets = self.octets[:n], self.octets[n:]
        same(len(m), n, "octets left in the stream")
        return self.stream.open(m) if self.stream else m

    def end(self):
        same(self.octets, b"", "octets after the last message")


def open_control(c, mode):
    """(keys or None, messages up, messages down), the handshake checked and taken off."""
    up, down = c.up.octets(), c.down.octets()
    greeting, setup, start = down[:64], up[:164], down[64:112]
    same(setup[:4], struct.pack("!I", mode), "Mode of the Set-Up-Response")
    same(greeting[:12] + greeting[52:], bytes(24), "unused octets of the greeting")
    same(start[:16], bytes(16), "Server-Start")
    if not mode & KEYED:
        same(setup[4:], bytes(160), "KeyID, Token and IV in mode 1")
        return None, Reader(up[164:], None), Reader(down[112:], None)
    name, secret = keyed.KEY
    same(setup[4:84], name.ljust(80, b"\0"), "KeyID")
    dk = twcrypt.derive(secret, greeting[32:48], struct.unpack("!I", greeting[48:52])[0])
    keys = twcrypt.open_token(setup[84:148], dk, greeting[16:32])
    from_server = twcrypt.Stream(*keys, start[16:32])
    same(from_server.open_part(start[32:])[8:], bytes(8), "MBZ of Server-Start")
    return keys, Reader(up[164:], twcrypt.Stream(*keys, setup[148:])), Reader(down[112:], from_server)


def check_control(t, mode, up, down):
    """Every field of the commands and answers; SID and Port of the session."""
    request, accept = up.take(112), down.take(48)
    same(request[:12], bytes([5, t.family]) + bytes(10), "head of the request")
    same(request[48:64], bytes(16), "SID of the request")
    same(request[84:88], struct.pack("!I", DSCP << 24), "Type-P")
    reflect = bytes.fromhex("beef0008") if mode & REFLECT_OCTETS else bytes(4)
    same(request[88:96], reflect + bytes(4), "reflect-octets fields of the request")
    same(accept[:2], bytes(2), "Accept")
    same(accept[20:32], reflect[:2] + bytes(10), "Reflected octets, Server octets, MBZ")
    sid, port = accept[4:20], struct.unpack("!H", accept[2:4])[0]
    if mode & INDIVIDUAL:
        for command, what in ((7, "Start"), (9, "Stop")):
            
            same(up.take(48)[:32], bytes([command]) + bytes(11) + struct.pack("!I", 1) + sid,
                 what + "-N-Sessions")
            same(down.take(48)[:32], bytes([command + 1]) + bytes(11) + struct.pack("!I", 1) + sid,
                 what + "-N-Ack")
    else:
        same(up.take(32)[:16], bytes([2]) + bytes(15), "Start-Sessions")
        same(down.take(32)[:16], bytes(16), "Start-Ack")
        same(up.take(32)[:16], bytes([3, 0, 0, 0, 0, 0, 0, 1]) + bytes(8), "Stop-Sessions")
    up.end()
    down.end()
    return sid, port, struct.unpack("!I", request[64:68])[0]


def check_packets(c, mode, keys, sid, port, padding):
    layout = Layout(mode)
    opener = twcrypt.TestKeys(*keys, sid) if layout.keyed else None
    sent = [p for p in c.sent if p[0][1] == port]
    replies = [p for p in c.replies if p[0][0] == port]
    same((len(sent), len(replies)), (COUNT, COUNT), "test packets and replies")
    for number, (s, r) in enumerate(zip(sent, replies)):
        packet, reply = s[3], r[3]
        same(len(packet), layout.ps + padding, "length of a packet")
        if opener:
            packet = opener.open_send(packet, layout.encrypted)
            reply = opener.open_reply(reply, layout.encrypted)
            same(packet[4:16] + packet[26:32], bytes(18), "MBZ of a packet")
            reply = reply[:96] + bytes(16) + reply[112:]
        same(struct.unpack("!I", packet[:4])[0], number, "Sequence Number of the sender")
        same(s[1:3], (255, DSCP << 2), "TTL and TOS of a packet")
        same(r[1:3], (255, DSCP << 2), "TTL and TOS of a reply")
        seq, t3, estimate, t2 = layout.stamps(reply)
        same(seq, number, "Sequence Number of the reflector")
        true(layout.unix(t2) <= layout.unix(t3), "T3 is before T2")
        same(bool(estimate & 0x4000), layout.ptp, "Z bit")
        same(reply, layout.reply(packet, seq, t3, estimate, t2, 255, DSCP << 2), "the reply")
        if mode & REFLECT_OCTETS:
            same(reply[layout.hr:layout.hr + 8], packet[layout.ps:layout.ps + 8],
                 "octets to be reflected")


def measure(t, listener, mode):
    names = [name for bit, name in keyed.MODE_NAMES.items() if mode & bit]
    argv = [t.run.twamp, "controller", "--json", "--mode", names[0], "--count", str(COUNT),
            "--interval", "1ms", "--dscp", str(DSCP), "--padding", "80"]
    for bit, options in OPTIONS.items():
        argv += options if mode & bit else []
    if mode & KEYED:
        argv += ["--key-file", t.key_file]
    for _ in listener.frames():
        pass
    out = subprocess.run(argv + [t.server], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, timeout=60)
    same(out.returncode, 0, "exit status (%s)" % out.stderr)
    result = json.loads(out.stdout)
    same(result["mode"], names[0], "mode in the JSON")
    c = Conversation(t, listener.frames())
    keys, up, down = open_control(c, mode)
    sid, port, padding = check_control(t, mode, up, down)
    same(padding, 80, "Padding Length")
    check_packets(c, mode, keys, sid, port, padding)


@test(both=True, limit=900)
def every_mode_with_every_set_of_features(t):
    # R-217 R-216 R-200 R-210 R-211 R-213 R-214 R-215 R-306 R-314 T-012 T-014
    d = keyed.keyed_daemon(t)
    t.key_file = d.keys_file
    t.family_number = socket.AF_INET if t.family == 4 else socket.AF_INET6
    listener = Listener(t)
    for security in SECURITY:
        for features in keyed.subsets():
            try:
                measure(t, listener, security | features)
            except AssertionError as error:
                raise AssertionError("mode %#x: %s" % (security | features, error)) from error


if __name__ == "__main__":
    harness.main()
