# SPDX-License-Identifier: BSD-2-Clause
"""Test packets of all modes and features, octet by octet: what a Session-Sender may send, and
what a Session-Reflector must make of it. RFC 4656 4.1.2, RFC 5357 4.1.2 and 4.2.1, RFC 6038 5,
RFC 7750 2.2, RFC 8186 2.3.
"""

import struct
import time

import rawclient
import twcrypt
from rawclient import DSCP_ECN, PTP, SYMMETRICAL


class Layout:
    """hs: shortest packet of a sender; ps: where its padding starts; hr: shortest reply."""

    def __init__(self, modes):
        self.encrypted = bool(modes & twcrypt.ENCRYPTED)
        self.keyed = bool(modes & twcrypt.CIPHERED_TEST)
        self.dscp = bool(modes & DSCP_ECN)
        self.ptp = bool(modes & PTP)
        if self.keyed:
            self.hs, self.hr, self.ps = 48, 112, 48
            if modes & SYMMETRICAL:
                self.ps = 112
        else:
            self.hs, self.hr, self.ps = 14, 44 if self.dscp else 41, 14
            if modes & SYMMETRICAL:
                self.ps = 42 if self.dscp else 41
        # What RFC 6038 lets be cut of the padding: the reply's header is longer by so much.
        self.cut = self.hr - self.ps

    def sent(self, seq, stamp, estimate, padding=b"", mbz=0, length=None):
        """A packet in the clear; all its MBZ octets are @mbz, and it is cut to @length."""
        fill = bytes([mbz])
        if self.keyed:
            m = struct.pack("!I", seq) + fill * 12 + struct.pack("!QH", stamp, estimate)
            m += fill * 6 + bytes(16)
        else:
            m = struct.pack("!IQH", seq, stamp, estimate)
        m = m.ljust(self.ps, fill) + padding
        return m if length is None else m[:length]

    def reply(self, packet, seq, t3, estimate, t2, ttl, tos):
        """The reply to a packet in the clear, but for the HMAC, which is zero here."""
        sender_seq = packet[0:4]
        stamp_at = 16 if self.keyed else 4
        sender_rest = packet[stamp_at:stamp_at + 10]  # Timestamp and Error Estimate
        if self.keyed:
            m = struct.pack("!I12xQH6xQ8x", seq, t3, estimate, t2)
            m += sender_seq + bytes(12) + sender_rest + bytes(6) + bytes([ttl])
            m += (bytes([tos]) if self.dscp else b"\0") + bytes(14) + bytes(16)
        else:
            m = struct.pack("!IQH2xQ", seq, t3, estimate, t2)
            m += sender_seq + sender_rest + bytes(2) + bytes([ttl])
            m += bytes([tos, 0, 0]) if self.dscp else b""
        assert len(m) == self.hr
        # T-021 T-022: as long as the packet was, filled from the start of its padding
        return m + packet[self.ps:self.ps + max(0, len(packet) - self.hr)]

    def stamps(self, reply):
        """(Sequence Number, T3, Error Estimate, T2) of a reply in the clear."""
        if self.keyed:
            return struct.unpack("!I12xQH6xQ", reply[:40])
        return struct.unpack("!IQH2xQ", reply[:24])

    def unix(self, stamp):
        """A timestamp of the reflector as seconds since 1970."""
        high, low = stamp >> 32, stamp & 0xffffffff
        if self.ptp:
            if low >= 10**9:
                raise AssertionError("PTP timestamp with %d ns" % low)
            return high + low / 1e9
        return high - rawclient.NTP_UNIX + low / 2**32


def ptp(unix=None):
    unix = time.time() if unix is None else unix
    return int(unix) << 32 | int((unix % 1) * 1e9)


class Session:
    """A test session as its sender knows it: packets go out, replies are compared."""

    def __init__(self, control, sender, to, modes, sid):
        self.layout = Layout(modes)
        self.control, self.sender, self.to, self.modes = control, sender, to, modes
        self.keys = None
        if self.layout.keyed:
            self.keys = twcrypt.TestKeys(control.keys.aes_key, control.keys.hmac_key, sid)
        self.seq = 0  # of the next reply

    def seal(self, packet):
        return self.keys.seal_send(packet, self.layout.encrypted) if self.keys else packet

    def open(self, reply):
        """In the clear, the HMAC verified and then zero."""
        if len(reply) < self.layout.hr:
            raise AssertionError("reply of %d octets: %s" % (len(reply), reply.hex()))
        if not self.keys:
            return reply
        plain = self.keys.open_reply(reply, self.layout.encrypted)
        return plain[:96] + bytes(16) + plain[112:]

    def send(self, packet):
        self.sender.send(self.to, self.seal(packet))

    def check(self, packet, ttl=255, tos=0, reply_tos=0):
        """Send it; every octet of the reply is what it should be. The reply in the clear."""
        before = time.time()
        self.send(packet)
        got = self.sender.receive_raw()
        after = time.time()
        if got is None:
            raise AssertionError("no reply to a packet of %d octets" % len(packet))
        octets, source, reply_ttl, got_tos = got
        plain = self.open(octets)
        seq, t3, estimate, t2 = self.layout.stamps(plain)
        want = self.layout.reply(packet, self.seq, t3, estimate, t2, ttl, tos)
        self.seq += 1
        problem = None
        if plain != want:
            problem = "want " + want.hex()
        elif bool(estimate & 0x4000) != self.layout.ptp or not estimate & 0xff:
            problem = "Error Estimate %04x" % estimate
        elif not before - 1 <= self.layout.unix(t2) <= self.layout.unix(t3) <= after + 1:
            problem = "T2 %016x, T3 %016x, sent at %f" % (t2, t3, before)
        elif (source[0].split("%")[0], source[1]) != self.to[:2]:
            problem = "from %r" % (source,)
        elif (reply_ttl, got_tos) != (255, reply_tos):
            problem = "TTL %r, TOS %r" % (reply_ttl, got_tos)
        if problem:
            raise AssertionError("reply %s: %s" % (plain.hex(), problem))
        return plain
