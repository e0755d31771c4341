#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A TWAMP server for tests of the client: one that can be told to answer anything.

Written from RFC 4656 3 and RFC 5357 3 and 4, apart from the C code, so that it is a second
opinion on it. Loopback only. Also usable by hand: fake_server.py [PORT]
"""
import os
import socket
import struct
import sys
import threading
import time

NTP_UNIX = 2208988800
IP_RECVTTL = 12  # linux/in.h; Python has no name for it
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


def server_start(accept=0):
    if accept:
        return bytes(15) + bytes([accept]) + bytes(32)
    return bytes(16) + bytes(16) + struct.pack('>Q', ntp()) + bytes(8)


def accept_session(accept=0, port=0, sid=bytes(16)):
    return struct.pack('>BBH', accept, 0, port) + sid + bytes(12) + bytes(16)


def reply_to(packet, seq, ttl=255, t2=None, stamp=ntp, error=0x0101, length=None):
    """The reply of an unauthenticated reflector: RFC 5357 4.2.1."""
    t2 = stamp() if t2 is None else t2
    reply = struct.pack('>IQHHQ', seq, stamp(), error, 0, t2) + packet[:14] + bytes(2) + bytes([ttl])
    length = max(41, len(packet)) if length is None else length
    padding = packet[14:]
    return (reply + padding + bytes(length))[:length]


class Reflector(threading.Thread):
    """@answer(n, packet, make) -> datagrams for the n-th packet; make(**reply_to arguments) numbers them."""

    def __init__(self, family, address, answer, port=0, reply_ttl=255):
        super().__init__(daemon=True)
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((address, port))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
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
        self.packets, self.ttls, self.toses, self.sources, self.times = [], [], [], [], []
        self.next_seq = 0
        self.running = True

    def run(self):
        while self.running:
            try:
                packet, ancillary, _, source = self.sock.recvmsg(70000, 256)
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
            self.packets.append(packet)
            self.ttls.append(ttl)
            self.toses.append(tos)
            self.sources.append(source)

            def make(packet=packet, ttl=ttl, **how):
                if 'seq' not in how:
                    how['seq'] = self.next_seq
                    self.next_seq += 1
                return reply_to(packet, ttl=ttl, **how)

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
        self.setups, self.requests, self.starts, self.stops = [], [], [], []
        self.start_times, self.stop_times = [], []
        self.trailing = []  # octets after the Stop-Sessions
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
        """False if the script says that the conversation is over here."""
        how = 'eof' if self.script.get('eof') == name else 'silent' if self.script.get('silent') == name else None
        if how:
            conn.sendall(message[:self.script.get('cut', 0)])
            if how == 'silent':
                while conn.recv(4096):
                    pass
            return False
        if self.script.get('fragment'):
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(message)):
                conn.sendall(message[i:i + 1])
                time.sleep(0.0005)
        else:
            conn.sendall(message)
        return True

    def _accept(self, key, index):
        values = self.script.get(key, [0])
        return values[min(index, len(values) - 1)]

    def _talk(self, conn):
        good = greeting(self.script.get('modes', 1), self.script.get('count', 1024))
        if not self._say(conn, 'greeting', self.script.get('greeting', good)):
            return
        self.setups.append(self._read(conn, SETUP_LEN))
        if struct.unpack('>I', self.setups[-1][:4])[0] == 0:
            return
        accept = self._accept('server_start', self.connections - 1)
        if not self._say(conn, 'server-start', server_start(accept)) or accept:
            return
        while self._command(conn):
            pass

    def _command(self, conn):
        head = self._read(conn, 16)
        if head[0] == 5:
            request = head + self._read(conn, REQUEST_LEN - 16)
            self.requests.append(request)
            return self._request(conn, request)
        if head[0] == 2:
            self.starts.append(head + self._read(conn, START_LEN - 16))
            self.start_times.append(time.monotonic())
            accept = self._accept('start_ack', len(self.starts) - 1)
            if not self._say(conn, 'start-ack', bytes([accept]) + bytes(31)):
                return False
            if self.script.get('eof') == 'test':
                time.sleep(0.2)
                return False
            return accept == 0
        if head[0] == 3:
            self.stops.append(head + self._read(conn, STOP_LEN - 16))
            self.stop_times.append(time.monotonic())
            self.trailing.append(conn.recv(4096))
            return False
        return False

    def _request(self, conn, request):
        accept = self._accept('accept_session', len(self.requests) - 1)
        message = accept_session(accept)
        if accept == 0:
            r = Reflector(self.family, self.address, self.script.get('answer'),
                          reply_ttl=self.script.get('reply_ttl', 255))
            self.reflectors.append(r)
            r.start()
            sid = b'\x7f\x00\x00\x01' + struct.pack('>Q', ntp()) + os.urandom(4)
            message = accept_session(0, r.port, sid)
        return self._say(conn, 'accept-session', self.script.get('raw_accept', message))


if __name__ == '__main__':
    with FakeServer(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0) as server:
        print('listening on 127.0.0.1 TCP port', server.port, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
