# SPDX-License-Identifier: BSD-2-Clause
"""Steps that tests of the control protocol have in common."""

from harness import same, true
from rawclient import make_packet


def refused(answer, accept, what):
    """A refusal: the code, and nothing else in the message. R-103 R-112 R-071"""
    same(answer.accept, accept, "Accept of " + what)
    same(answer.raw[1:], bytes(47), "the rest of the refusal of " + what)


def works(t, c, what="a valid request after it"):
    """R-081: the connection still takes requests."""
    answer = c.request(sender_port=40000)
    same(answer.accept, 0, what)


def reflects(sender, to, seq=0):
    answer = sender.exchange(to, make_packet(seq))
    true(answer is not None, "no reply to packet %d" % seq)
    same(answer.sender_seq, seq, "Sender Sequence Number")
    return answer


def silent(sender, to, seq, for_s=0.7):
    sender.send(to, make_packet(seq))
    true(sender.receive(for_s) is None, "a reply that must not come")
