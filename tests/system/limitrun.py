# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of limits share: what a refusal looks like."""

import rawclient
from harness import same, true, wait_for

NAMES = {1: "failure", 2: "internal error", 3: "not supported",
         4: "permanent resource limitation", 5: "temporary resource limitation"}


def refused(answer, accept, what):
    same(answer.accept, accept, "Accept of " + what)
    same(answer.raw[1:], bytes(47), "the rest of the refusal of " + what)


def accepted(answer, what="request"):
    same(answer.accept, 0, "Accept of " + what)
    return answer


def connection_refused(t, accept, **options):
    """R-009: a normal greeting, then the code, then a close. R-018"""
    with rawclient.Control(t.server, **options) as c:
        g = c.greeting()
        true(g.modes & 1, "R-009: a greeting without modes")
        s = c.setup()
        same(s.accept, accept, "Accept of Server-Start")
        same(s.raw[:15] + s.raw[16:], bytes(47), "the rest of Server-Start")
        same(c.wait_closed(), b"", "octets after it")
        return c


def eventually_connects(t, **options):
    """What a client gets that tries again: the place of one that left is free soon."""
    def attempt():
        try:
            return rawclient.connect(t.server, **options)
        except AssertionError:
            return None
    return t.stack.enter_context(wait_for(attempt, "a connection that is accepted"))
