#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A TWAMP server for tests of the client: one that can be told to answer anything.

Written from RFC 4656 3, RFC 5357 3 and 4, RFC 5938, 6038, 7750 and 8186, apart from the C code,
so that it is a second opinion on it. Loopback only. Also usable by hand: fake_server.py [PORT]
"""
import contextlib
import os
import socket
import struct
import sys
import threading
import time

from asserting import pause, wait_for
from twcrypt import CIPHERED_CONTROL, CIPHERED_TEST, ENCRYPTED, Forged, Stream, TestKeys, derive, open_token

INDIVIDUAL, REFLECT_OCTETS, SYMMETRICAL, DSCP_ECN, PTP = 16, 32, 64, 256, 512
FEATURES = (INDIVIDUAL, REFLECT_OCTETS, SYMMETRICAL, DSCP_ECN, PTP)
KEYS = {b'probe-1': b'correct horse battery staple'}
NTP_UNIX = 2208988800
IP_RECVTTL = 12  # linux/in.h; Python has no name for it
SO_RCVBUFFORCE = 33
GREETING_LEN, SETUP_LEN, SERVER_START_LEN = 64, 164, 48
REQUEST_LEN, ACCEPT_SESSION_LEN, START_LEN, START_ACK_LEN, STOP_LEN = 112, 48, 32, 32, 32


def ntp(t=None):
    t = time.time() if t is None else t
    seconds = int(t)
    return ((seconds + NTP_UNIX) & 0xFFFFFFFF) << 32 | int((t - seconds) * (1 << 32))


def ptp(t=None):
    t = time.time() if t is None else t
    seconds = int(t)
    return seconds << 32 | int((t - seconds) * 1e9)


def greeting(modes=1, count=1024):
    return bytes(12) + struct.pack('>I', modes) + os.urandom(32) + struct.pack('>I', count) + bytes(12)


def server_start(accept=0, iv=bytes(16)):
    if accept:
        return bytes(15) + bytes([accept]) + bytes(32)
    return bytes(16) + iv + struct.pack('>Q', ntp()) + bytes(8)


def accept_session(accept=0, port=0, sid=bytes(16), reflected=0, server_octets=0):
    return (struct.pack('>BBH', accept, 0, port) + sid + struct.pack('>HH', reflected, server_octets) +
            bytes(8) + bytes(16))


def n_message(command, accept, sids):
    """Start-N-Ack and its kin: RFC 5938 3.2-3.5."""
    return bytes([command, accept]) + bytes(10) + struct.pack('>I', len(sids)) + b''.join(sids) + bytes(16)


class Session:
    """The form of test packets in a mode, and their keys if they have any."""

    def __init__(self, modes=1, keys=None, reflect_length=0, server_octets=0):
        self.modes, self.keys = modes, keys
        self.reflect_length, self.server_octets = reflect_length, server_octets
        self.encrypted = bool(modes & ENCRYPTED)
        keyed, wide = modes & CIPHERED_TEST, modes & DSCP_ECN
        self.send_min = 48 if keyed else 14
        self.reply_min = 112 if keyed else 44 if wide else 41
        self.padding_at = self.send_min
        if modes & SYMMETRICAL:
            self.padding_at = 112 if keyed else 42 if wide else 41

    def open(self, wire):
        """The packet in the clear. Raises Forged, and AssertionError for a wrong form."""
        packet = self.keys.open_send(wire, self.encrypted) if self.keys else wire
        if self.keys:
            assert packet[4:16] == bytes(12) and packet[26:32] == bytes(6), 'MBZ of a packet is not zero'
        assert packet[self.send_min:self.padding_at] == bytes(self.padding_at - self.send_min), 'symmetrical MBZ'
        assert bool(self.error_of(packet) & 0x4000) == bool(self.modes & PTP), 'Z of a packet'
        if self.server_octets:
            assert packet[self.padding_at:self.padding_at + 2] == struct.pack('>H', self.server_octets), 'server octets'
        return packet

    def header_of(self, packet):
        """(sequence number, timestamp)"""
        at = 16 if self.keys else 4
        return struct.unpack('>I', packet[:4])[0], struct.unpack('>Q', packet[at:at + 8])[0]

    def error_of(self, packet):
        at = 24 if self.keys else 12
        return struct.unpack('>H', packet[at:at + 2])[0]

    def reply_to(self, packet, seq, ttl=255, tos=0, t2=None, stamp=None, error=None, length=None, spoil=False,
                 reflect=True):
        """The reply to a packet in the clear, as it goes on the wire: RFC 5357 4.2.1."""
        stamp = stamp or (ptp if self.modes & PTP else ntp)
        error = (0x4101 if self.modes & PTP else 0x0101) if error is None else error
        t2 = stamp() if t2 is None else t2
        seen = bytes([ttl, tos if self.modes & DSCP_ECN else 0])
        if self.keys:
            reply = (struct.pack('>I12xQH6xQ8x', seq, stamp(), error, t2) + packet[:16] + packet[16:32] +
                     seen + bytes(30))
        else:
            reply = struct.pack('>IQHHQ', seq, stamp(), error, 0, t2) + packet[:14] + bytes(2) + seen + bytes(2)
        reply = reply[:self.reply_min]
        assert len(reply) == self.reply_min
        length = max(self.reply_min, len(packet)) if length is None else length
        padding = packet[self.padding_at:] if reflect else bytes(len(packet))
        reply = (reply + padding + bytes(length))[:length]
        return self.keys.seal_reply(reply, self.encrypted, spoil) if self.keys and length >= 112 else reply


class Reflector(threading.Thread):
    """@answer(n, packet, make) -> datagrams for the n-th packet; make(**reply_to arguments) numbers them."""

    def __init__(self, family, address, answer, port=0, reply_ttl=255, session=None):
        super().__init__(daemon=True)
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((address, port))
        for option in (socket.SO_RCVBUF, SO_RCVBUFFORCE):  # the other is for root
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, option, 4 << 20)
        if family == socket.AF_INET6:
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, reply_ttl)
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        else:
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, reply_ttl)
            self.sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        self.port = self.sock.getsockname()[1]
        self.answer = answer or (lambda n, packet, make: [make()])
        self.session = session or Session()
        self.wires = []  # as they came; packets: in the clear
        self.packets, self.ttls, self.toses, self.sources, self.times = [], [], [], [], []
        self.faults = []
        self.next_seq = 0
        self.running = True

    def run(self):
        while self.running:
            try:
                wire, ancillary, _, source = self.sock.recvmsg(70000, 256)
            except OSError:
                return
            if not self.running:
                return
            ttl, tos = None, None
            for _, kind, data in ancillary:
                value = int.from_bytes(data[:4], sys.byteorder) if len(data) >= 4 else data[0]
                if kind in (socket.IP_TTL, socket.IPV6_HOPLIMIT):
                    ttl = value
                elif kind in (socket.IP_TOS, socket.IPV6_TCLASS):
                    tos = value
            self.times.append(time.monotonic())
            self.wires.append(wire)
            try:
                packet = self.session.open(wire)
            except (Forged, AssertionError) as fault:
                self.faults.append(str(fault))
                continue
            self.packets.append(packet)
            self.ttls.append(ttl)
            self.toses.append(tos)
            self.sources.append(source)

            def make(packet=packet, ttl=ttl, tos=tos, **how):
                if 'seq' not in how:
                    how['seq'] = self.next_seq
                    self.next_seq += 1
                return self.session.reply_to(packet, ttl=ttl, **{'tos': tos, **how})

            for datagram in self.answer(len(self.packets) - 1, packet, make):
                try:
                    self.sock.sendto(datagram, source)
                except OSError:
                    pass

    def close(self):
        self.running = False
        try:  # wakes the thread, which close() alone does not
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.join(2)
        self.sock.close()


class FakeServer:
    """@script names what is to be different from a good server:

    greeting       octets in place of a good greeting
    modes, count   its fields
    server_start   list of Accept values, one per connection, the last repeats
    accept_session the same, one per request of the whole server
    start_ack      the same
    raw_accept     octets in place of the Accept-Session
    eof, silent    'greeting', 'server-start', 'accept-session', 'start-ack': close or say
                   nothing in place of that message; eof='test': close in the middle of the test
    cut            octets of the message to send before that end
    fragment       True: send each octet alone
    answer         of the reflectors; reply_ttl: TTL of their replies
    keys           KeyID -> passphrase
    spoil          the message whose HMAC is to be wrong: 'server-start' (its ciphered block),
                   'accept-session', 'start-ack', 'start-n-ack', 'stop-n-ack'
    server_octets  of Accept-Session; reflected: in place of those of the request
    start_n, stop_n  function of the SIDs of a command -> [(Accept, SIDs)], the answers

    What the client did wrong is in faults.
    """

    def __init__(self, address='127.0.0.1', **script):
        self.family = socket.AF_INET6 if ':' in address else socket.AF_INET
        self.address = address
        self.script = script
        self.listener = socket.socket(self.family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, script.get('port', 0)))
        self.listener.listen(32)
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.connect_times = []
        self.silenced, self.unheard = False, b''  # nothing was said; what came then
        self.setups, self.requests, self.starts, self.stops = [], [], [], []
        self.start_times, self.stop_times = [], []
        self.trailing = []  # octets after the Stop-Sessions
        self.faults = []
        self.start_ns, self.stop_ns = [], []  # SIDs of each Start-N-Sessions, Stop-N-Sessions
        self.reflectors = []
        self.sockets = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join(2)
        for s in self.sockets:
            s.close()
        for r in self.reflectors:
            r.close()

    def _serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.connect_times.append(time.monotonic())
            self.sockets.append(conn)
            try:
                self._talk(conn)
            except (EOFError, OSError):
                pass
            except Exception as fault:  # noqa: BLE001: of the client, or of this file
                self.faults.append(repr(fault))
            finally:  # a fault of this file must not leave the client waiting
                try:
                    conn.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    @staticmethod
    def _read(conn, n):
        data = b''
        while len(data) < n:
            got = conn.recv(n - len(data))
            if not got:
                raise EOFError
            data += got
        return data

    def _say(self, conn, name, message):
        """Seal and send it. False if the script says that the conversation is over here."""
        spoil = self.script.get('spoil') == name
        if conn.to_client and name != 'server-start':
            message = conn.to_client.seal(message, spoil)
        how = 'eof' if self.script.get('eof') == name else 'silent' if self.script.get('silent') == name else None
        if how:
            conn.sock.sendall(message[:self.script.get('cut', 0)])
            if how == 'silent':
                self.silenced = True
                while octets := conn.sock.recv(4096):
                    self.unheard += octets
            return False
        if self.script.get('fragment'):
            conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(message)):
                conn.sock.sendall(message[i:i + 1])
                pause(0.0005, 'each octet comes alone, or some together: all the same')
        else:
            conn.sock.sendall(message)
        return True

    def _accept(self, key, index):
        values = self.script.get(key, [0])
        return values[min(index, len(values) - 1)]

    def _talk(self, sock):
        conn = Connection(sock)
        good = greeting(self.script.get('modes', 1), self.script.get('count', 1024))
        good = self.script.get('greeting', good)
        if not self._say(conn, 'greeting', good):
            return
        setup = self._read(sock, SETUP_LEN)
        self.setups.append(setup)
        conn.modes = struct.unpack('>I', setup[:4])[0]
        if conn.modes == 0:
            return
        assert bin(conn.modes & 15).count('1') == 1 and conn.modes & ~self.script.get('modes', 1) == 0, 'Mode'
        accept = self._accept('server_start', self.connections - 1)
        if not accept and conn.modes & CIPHERED_CONTROL:
            accept = self._check_token(conn, good, setup)
        iv = os.urandom(16) if conn.modes & CIPHERED_CONTROL else bytes(16)
        message = server_start(accept, iv)
        if not accept and conn.modes & CIPHERED_CONTROL:
            conn.to_client = Stream(conn.aes_key, conn.hmac_key, iv)
            conn.from_client = Stream(conn.aes_key, conn.hmac_key, setup[148:])
            message = message[:32] + conn.to_client.seal_part(message[32:])
            if self.script.get('spoil') == 'server-start':
                message = message[:32] + bytes([message[32] ^ 0x80]) + message[33:]
        if not self._say(conn, 'server-start', message) or accept:
            return
        while self._command(conn):
            pass

    def _check_token(self, conn, greeted, setup):
        """The Accept of Server-Start."""
        passphrase = self.script.get('keys', KEYS).get(setup[4:84].rstrip(b'\0'))
        count = struct.unpack('>I', greeted[48:52])[0]
        dk = derive(passphrase or b'?', greeted[32:48], count)
        try:
            conn.aes_key, conn.hmac_key = open_token(setup[84:148], dk, greeted[16:32])
        except Forged:
            return 1
        return 0 if passphrase else 1

    def _read_command(self, conn):
        """A whole message in the clear."""
        head = self._read(conn.sock, 16)
        if conn.from_client:
            head = conn.from_client.open_part(head)
        if head[0] in (7, 9):
            length = 32 + 16 * struct.unpack('>I', head[12:16])[0]
        else:
            length = {2: START_LEN, 3: STOP_LEN, 5: REQUEST_LEN}[head[0]]
        rest = self._read(conn.sock, length - 16)
        if conn.from_client:
            return head + conn.from_client.open(rest)
        assert rest[-16:] == bytes(16), 'HMAC in the clear'
        return head + rest

    def _command(self, conn):
        message = self._read_command(conn)
        assert message[0] == 5 or (message[0] in (7, 9)) == bool(conn.modes & INDIVIDUAL), 'command %d' % message[0]
        if message[0] == 5:
            self.requests.append(message)
            return self._request(conn, message)
        if message[0] in (7, 9):
            return self._individual(conn, message)
        if message[0] == 2:
            assert message[1:16] == bytes(15)
            self.starts.append(message)
            self.start_times.append(time.monotonic())
            accept = self._accept('start_ack', len(self.starts) - 1)
            if not self._say(conn, 'start-ack', bytes([accept]) + bytes(31)):
                return False
            if self.script.get('eof') == 'test':
                wait_for(lambda: any(r.packets for r in self.reflectors), 'test packets')
                return False
            return accept == 0
        self.stops.append(message)
        self.stop_times.append(time.monotonic())
        self.trailing.append(conn.sock.recv(4096))
        return False

    def _individual(self, conn, message):
        sids = [message[i:i + 16] for i in range(16, len(message) - 16, 16)]
        assert sids and message[1:12] == bytes(11) and set(sids) <= set(conn.sids), 'SIDs'
        start = message[0] == 7
        (self.start_ns if start else self.stop_ns).append(sids)
        (self.start_times if start else self.stop_times).append(time.monotonic())
        answers = self.script.get('start_n' if start else 'stop_n', lambda all_of_them: [(0, all_of_them)])
        for accept, named in answers(sids):
            ack = n_message(message[0] + 1, accept, named)
            if not self._say(conn, 'start-n-ack' if start else 'stop-n-ack', ack):
                return False
        return True

    def _request(self, conn, request):
        accept = self._accept('accept_session', len(self.requests) - 1)
        message = accept_session(accept)
        if accept == 0:
            reflected = server_octets = length = 0
            if conn.modes & REFLECT_OCTETS:
                reflected, length = struct.unpack('>HH', request[88:92])
                reflected = self.script.get('reflected', reflected)
                server_octets = self.script.get('server_octets', 0)
            else:
                assert request[88:92] == bytes(4), 'reflect octets without the feature'
            sid = b'\x7f\x00\x00\x01' + struct.pack('>Q', ntp()) + os.urandom(4)
            keys = TestKeys(conn.aes_key, conn.hmac_key, sid) if conn.modes & CIPHERED_TEST else None
            r = Reflector(self.family, self.address, self.script.get('answer'),
                          reply_ttl=self.script.get('reply_ttl', 255),
                          session=Session(conn.modes, keys, length, server_octets))
            self.reflectors.append(r)
            r.start()
            conn.sids.append(sid)
            message = accept_session(0, r.port, sid, reflected, server_octets)
        return self._say(conn, 'accept-session', self.script.get('raw_accept', message))


class Connection:
    """What a server knows of one client."""

    def __init__(self, sock):
        self.sock = sock
        self.modes = 0
        self.aes_key = self.hmac_key = None
        self.to_client = self.from_client = None  # streams, if the mode has a key
        self.sids = []


if __name__ == '__main__':
    with FakeServer(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0) as server:
        print('listening on 127.0.0.1 TCP port', server.port, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
