# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of classes of clients share."""

import rawclient
from harness import CLIENT, CLIENT_NEIGHBOUR, CLIENT_OTHER, same, true, wait_for

A, B, C = CLIENT[4], CLIENT_OTHER[4], CLIENT_NEIGHBOUR[4]
NAMES = {1: "Failure", 3: "Not Supported", 4: "Permanent Resource Limitation",
         5: "Temporary Resource Limitation"}


def by_prefix(a=None, b=None, **config):
    """Client A in class "alpha", B in "beta", and C in none."""
    return dict(config, clients=[dict({"name": "alpha", "prefixes": [A]}, **(a or {})),
                                 dict({"name": "beta", "prefixes": [B]}, **(b or {}))])


def logged(d, since, message, accept, reason, who, *parts):
    """The line that tells a refusal: what, whom, why, and what to do."""
    line = d.wait_log(r" %s:" % reason, since)
    for part in (message, str(accept), NAMES[accept], who) + parts:
        true(part in line, "%r is not in: %s" % (part, line))
    return line


def refused_connection(t, d, source, accept, reason, *parts):
    """R-009 R-018: an ordinary greeting, then Server-Start with the code, then the end."""
    since = d.log_size()
    with rawclient.Control(t.server, source=source) as c:
        true(c.greeting().modes & 1, "a greeting without modes")
        same(c.setup().accept, accept, "Accept of Server-Start for " + reason)
        same(c.wait_closed(), b"", "octets after it")
    return logged(d, since, "Server-Start", accept, reason, source, *parts)


def refused_request(t, d, control, source, accept, reason, *parts, **fields):
    since = d.log_size()
    answer = control.request(**fields)
    same(answer.accept, accept, "Accept for " + reason)
    same(answer.raw[1:], bytes(47), "the rest of the refusal")  # R-103 R-112
    return logged(d, since, "Accept-Session", accept, reason, source, *parts)


def accepted(answer, what="request"):
    same(answer.accept, 0, "Accept of " + what)
    return answer


def eventually(t, source):
    def attempt():
        try:
            return rawclient.connect(t.server, source=source)
        except AssertionError:
            return None
    return t.stack.enter_context(wait_for(attempt, "a connection that is accepted"))
