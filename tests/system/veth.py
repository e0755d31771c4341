# SPDX-License-Identifier: BSD-2-Clause
"""What goes over the veth, and packets that claim to come from elsewhere."""

import socket
import struct
import time

import harness


class Wire:
    """What UDP the client's end of the veth sees: (source, port, destination, port, payload)."""

    def __init__(self, t):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.sock.bind((harness.CLIENT_LINK, 3))
        self.sock.settimeout(0.1)
        t.stack.callback(self.sock.close)

    def packets(self, for_s):
        out, end = [], time.monotonic() + for_s
        while time.monotonic() < end:
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                continue
            if data[0] >> 4 == 4 and data[9] == 17:
                source, target = (socket.inet_ntoa(data[i:i + 4]) for i in (12, 16))
                udp = data[(data[0] & 15) * 4:]
            elif data[0] >> 4 == 6 and data[6] == 17:
                source, target = (socket.inet_ntop(socket.AF_INET6, data[i:i + 16])
                                  for i in (8, 24))
                udp = data[40:]
            else:
                continue
            ports = struct.unpack("!HH", udp[:4])
            out.append((source, ports[0], target, ports[1], udp[8:]))
        return out


def spoof(source, source_port, target, port, payload):
    """One IPv4 packet from whomever."""
    udp = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                     socket.inet_aton(source), socket.inet_aton(target))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(ip + udp, (target, 0))
