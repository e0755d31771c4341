# SPDX-License-Identifier: BSD-2-Clause
"""A TWAMP client made of raw octets: every field of every message can be set, also to what
no real client would send. Written from the RFCs by hand, so that it shares no mistake with
the programs under test. RFC 4656 3, RFC 5357 3 and 4 in all modes, with the features of
RFC 5938, 6038, 7750 and 8186. The cryptography is that of twcrypt.py.
"""

import collections
import select
import socket
import struct
import time

import twcrypt

PORT = 862
GREETING, SETUP, SERVER_START = 64, 164, 48
REQUEST, ACCEPT_SESSION, START, START_ACK, STOP = 112, 48, 32, 32, 32
SEND_MIN, REPLY_MIN = 14, 41
NTP_UNIX = 2208988800

# Modes and features. twcrypt has the names of the modes.
INDIVIDUAL, REFLECT_OCTETS, SYMMETRICAL, DSCP_ECN, PTP = 16, 32, 64, 256, 512
FEATURES = (INDIVIDUAL, REFLECT_OCTETS, SYMMETRICAL, DSCP_ECN, PTP)
SECURITY = (1, 2, 4, 8)
KEYED = twcrypt.CIPHERED_CONTROL

# How long to wait for what must come. It never decides a test, it only ends a hung one.
PATIENCE = 30.0

Greeting = collections.namedtuple("Greeting", "unused modes challenge salt count mbz raw")
ServerStart = collections.namedtuple("ServerStart", "mbz accept iv start_time mbz2 raw")
AcceptSession = collections.namedtuple("AcceptSession", "accept mbz port sid mbz2 hmac raw")
StartAck = collections.namedtuple("StartAck", "accept mbz hmac raw")
NAck = collections.namedtuple("NAck", "command accept mbz sids raw")
Reply = collections.namedtuple(
    "Reply", "seq t3 ee mbz t2 sender_seq sender_ts sender_ee mbz2 sender_ttl padding raw "
    "source ttl tos")


class Closed(Exception):
    """The server closed the connection. received: what came before."""

    def __init__(self, received, reset):
        super().__init__("connection %s after %d octets" %
                         ("reset" if reset else "closed", len(received)))
        self.received = received
        self.reset = reset


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def packed_address(address):
    """16 octets of an address field; None is all zero."""
    if address is None:
        return bytes(16)
    if isinstance(address, bytes):
        return address
    return socket.inet_pton(family_of(address), address.split("%")[0]).ljust(16, b"\0")


def ntp(unix=None):
    unix = time.time() if unix is None else unix
    return (int(unix) + NTP_UNIX) % 2**32 << 32 | int((unix % 1) * 2**32)


def seconds(value):
    """Seconds as the 32.32 fixed-point value of the Timeout field."""
    return int(value * 2**32)


# --- messages -------------------------------------------------------------------------

def parse_greeting(m):
    return Greeting(m[0:12], struct.unpack("!I", m[12:16])[0], m[16:32], m[32:48],
                    struct.unpack("!I", m[48:52])[0], m[52:64], m)


def parse_server_start(m):
    return ServerStart(m[0:15], m[15], m[16:32], struct.unpack("!Q", m[32:40])[0], m[40:48], m)


def parse_accept_session(m):
    return AcceptSession(m[0], m[1], struct.unpack("!H", m[2:4])[0], m[4:20], m[20:32],
                         m[32:48], m)


def parse_start_ack(m):
    return StartAck(m[0], m[1:16], m[16:32], m)


def make_setup(mode=1, fill=0):
    return struct.pack("!I", mode) + bytes([fill]) * 160


def make_request(sender_port=40000, receiver_port=0, ipvn=4, sender=None, receiver=None,
                 padding=0, start_time=0, timeout=seconds(2), type_p=0, conf_sender=0,
                 conf_receiver=0, slots=0, packets=0, sid=bytes(16), mbz=bytes(8),
                 hmac=bytes(16), command=5):
    m = struct.pack("!BBBBIIHH", command, ipvn, conf_sender, conf_receiver, slots, packets,
                    sender_port, receiver_port)
    m += packed_address(sender) + packed_address(receiver) + sid
    m += struct.pack("!IQQI", padding, start_time, timeout, type_p) + mbz + hmac
    assert len(m) == REQUEST
    return m


def make_start(mbz=bytes(15), hmac=bytes(16)):
    return b"\x02" + mbz + hmac


def make_stop(sessions, accept=0, mbz=bytes(2), mbz2=bytes(8), hmac=bytes(16)):
    return b"\x03" + bytes([accept]) + mbz + struct.pack("!I", sessions) + mbz2 + hmac


def make_n(command, sids):
    """Start-N-Sessions (7), Stop-N-Sessions (9)."""
    return bytes([command]) + bytes(11) + struct.pack("!I", len(sids)) + b"".join(sids) + bytes(16)


def reflect_fields(octets, length):
    """Octets 88..95 of a request with Reflect Octets. RFC 6038 4.2"""
    return struct.pack("!HHI", octets, length, 0)


def parse_n(m):
    n = struct.unpack("!I", m[12:16])[0]
    return NAck(m[0], m[1], m[2:12], [m[16 + 16 * i:32 + 16 * i] for i in range(n)], m)


# --- the control connection -----------------------------------------------------------

class Control:
    """A control connection. Nothing is sent that the test did not ask for."""

    def __init__(self, address, port=PORT, source=None, tos=None, rcvbuf=None):
        self.address, self.port = address, port
        self.pushed = 0
        self.keys = self.to_server = self.from_server = None  # in the clear
        self.sock = socket.socket(family_of(address), socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        if tos is not None:
            if self.sock.family == socket.AF_INET:
                self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
            else:
                self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
        if source:
            self.sock.bind((source, 0))
        target = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][4]
        try:
            self.sock.connect(target)
        except OSError:
            self.sock.close()
            raise
        self.ipvn = 6 if self.sock.family == socket.AF_INET6 else 4

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def finish(self):
        """FIN, but keep reading."""
        self.sock.shutdown(socket.SHUT_WR)

    def send(self, octets):
        self.sock.sendall(octets)

    def push(self, messages):
        """As much of an endless row of `messages` as the socket takes now; False if nothing."""
        if not select.select([], [self.sock], [], 0)[1]:
            return False
        n = self.sock.send(messages[self.pushed:], socket.MSG_DONTWAIT)
        self.pushed = (self.pushed + n) % len(messages)
        return True

    def send_bytewise(self, octets):
        for i in range(len(octets)):
            self.sock.sendall(octets[i:i + 1])

    def read(self, n):
        """Exactly n octets."""
        got = b""
        while len(got) < n:
            try:
                more = self.sock.recv(n - len(got))
            except ConnectionResetError:
                raise Closed(got, True) from None
            if not more:
                raise Closed(got, False)
            got += more
        return got

    def quiet(self, for_s=0.5):
        """Nothing comes, and the connection stays open, for so long."""
        return not select.select([self.sock], [], [], for_s)[0]

    def wait_closed(self, patience=PATIENCE):
        """Read until the server closes; what came before. TimeoutError if it does not."""
        got = b""
        end = time.monotonic() + patience
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                raise TimeoutError("the server does not close the connection")
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError:
                return got
            if not more:
                return got
            got += more

    # messages, sealed once the connection is keyed

    def seal(self, message, spoil=False):
        return self.to_server.seal(message, spoil) if self.to_server else message

    def send_message(self, message):
        self.send(self.seal(message))

    def read_message(self, n):
        """With its HMAC verified, or zero where there is none."""
        octets = self.read(n)
        if self.from_server:
            return self.from_server.open(octets)
        if octets[-16:] != bytes(16):
            raise AssertionError("HMAC field in the clear: " + octets[-16:].hex())
        return octets

    # whole exchanges

    def greeting(self):
        self.greeting_seen = parse_greeting(self.read(GREETING))
        return self.greeting_seen

    def server_start(self):
        return parse_server_start(self.read(SERVER_START))

    def setup(self, mode=1, fill=0):
        self.send(make_setup(mode, fill))
        return self.server_start()

    def make_keyed_setup(self, mode, key):
        """Set-Up-Response as (KeyID, passphrase) makes it; keys are made up anew."""
        g = self.greeting_seen
        self.keys = twcrypt.ClientKeys()
        return self.keys.setup(mode, key[0], key[1], g.challenge, g.salt, g.count)

    def keyed_start(self):
        """Server-Start, and if it accepts, the ciphered streams."""
        octets = self.read(SERVER_START)
        if octets[15] == 0:
            self.to_server, self.from_server = self.keys.streams(octets[16:32])
            octets = octets[:32] + self.from_server.open_part(octets[32:])
        return parse_server_start(octets)

    def authenticate(self, mode, key):
        self.send(self.make_keyed_setup(mode, key))
        return self.keyed_start()

    def accept_session(self):
        return parse_accept_session(self.read_message(ACCEPT_SESSION))

    def request(self, **fields):
        fields.setdefault("ipvn", self.ipvn)
        self.send_message(make_request(**fields))
        return self.accept_session()

    def start_ack(self):
        return parse_start_ack(self.read_message(START_ACK))

    def start(self):
        self.send_message(make_start())
        return self.start_ack()

    def stop(self, sessions, accept=0):
        self.send_message(make_stop(sessions, accept))

    def read_n(self):
        """One Start-N-Ack or Stop-N-Ack."""
        head = self.read(16)
        if self.from_server:
            head = self.from_server.open_part(head)
        rest = self.read(16 * struct.unpack("!I", head[12:16])[0] + 16)
        return parse_n(head + (self.from_server.open(rest) if self.from_server else rest))

    def individual(self, command, *sids):
        """Start-N-Sessions (7) or Stop-N-Sessions (9); all acknowledgements of it."""
        self.send_message(make_n(command, sids))
        acks, left = [], len(sids)
        while left > 0:
            acks.append(self.read_n())
            left -= len(acks[-1].sids)
        return acks

    def local(self):
        return self.sock.getsockname()


def connect(address, port=PORT, mode=1, key=None, **options):
    """A connection after its handshake; keyed modes need @key, (KeyID, passphrase)."""
    c = Control(address, port, **options)
    try:
        c.greeting()
        c.server_start_seen = c.authenticate(mode, key) if mode & KEYED else c.setup(mode)
        if c.server_start_seen.accept != 0:
            raise AssertionError("Server-Start with Accept %d" % c.server_start_seen.accept)
    except BaseException:
        c.close()
        raise
    return c


# --- test packets ---------------------------------------------------------------------

IP_TTL, IP_RECVTTL, IP_RECVTOS = 2, 12, 13
SO_RCVBUFFORCE = 33


def make_packet(seq=0, timestamp=None, error_estimate=0x8001, padding=b""):
    return struct.pack("!IQH", seq, ntp() if timestamp is None else timestamp,
                       error_estimate) + padding


def parse_reply(m, source=None, ttl=None, tos=None):
    if len(m) < REPLY_MIN:
        raise AssertionError("reply of %d octets" % len(m))
    seq, t3, ee, mbz, t2, sseq, sts, see, mbz2, sttl = struct.unpack("!IQHHQIQHHB", m[:41])
    return Reply(seq, t3, ee, mbz, t2, sseq, sts, see, mbz2, sttl, m[41:], m, source, ttl, tos)


class Sender:
    """The UDP socket of a Session-Sender; not connected, sees replies from anywhere."""

    def __init__(self, address="0.0.0.0", port=0, ttl=255, tos=None):
        self.family = family_of(address)
        self.sock = socket.socket(self.family, socket.SOCK_DGRAM)
        s = self.sock
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        if self.family == socket.AF_INET:
            s.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
            s.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)
        else:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        self.ttl(ttl)
        if tos is not None:
            self.tos(tos)
        s.bind(socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM)[0][4])
        self.port = s.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def close(self):
        self.sock.close()

    def ttl(self, value):
        if self.family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_IP, IP_TTL, value)
        else:
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, value)

    def tos(self, value):
        if self.family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, value)
        else:
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, value)

    def send(self, to, octets):
        self.sock.sendto(octets, socket.getaddrinfo(to[0], to[1], type=socket.SOCK_DGRAM)[0][4])

    def receive_raw(self, patience=PATIENCE):
        """(octets, source, TTL, TOS) of the next packet; None when nothing came."""
        if not select.select([self.sock], [], [], patience)[0]:
            return None
        data, ancillary, _, source = self.sock.recvmsg(65536, 512)
        ttl = tos = None
        for level, kind, value in ancillary:
            number = struct.unpack("i", value)[0] if len(value) >= 4 else value[0]
            if (level, kind) in ((socket.IPPROTO_IP, IP_TTL),
                                 (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)):
                ttl = number
            elif (level, kind) in ((socket.IPPROTO_IP, socket.IP_TOS),
                                   (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)):
                tos = number
        return data, source[:2], ttl, tos

    def receive(self, patience=PATIENCE):
        """The next reply in the clear; None when nothing came."""
        got = self.receive_raw(patience)
        return None if got is None else parse_reply(*got)

    def exchange(self, to, octets, patience=PATIENCE):
        self.send(to, octets)
        return self.receive(patience)
