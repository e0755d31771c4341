# SPDX-License-Identifier: BSD-2-Clause
"""What only a reflector can know: the way to here, told in the log, over a restart."""

import re

import harness
import rawclient
from harness import same, test, true
from manager import managed

BASE = {"watch": {"forward_loss": 1.0, "forward_pdv_p99_ms": 200}}


def send(session, numbers, tos=None):
    """These numbers, with the clock of this host, and the replies awaited."""
    _, sender, to = session
    if tos is not None:
        sender.tos(tos)
    for number in numbers:
        true(sender.exchange(to, rawclient.make_packet(number, rawclient.ntp())) is not None,
             "no reply to %d" % number)


def event(text, name):
    found = re.search(r"session (\w{32}) of \S+, class default, ended .*", text)
    true(found, "no %s in\n%s" % (name, text))
    return found.group(0)


@test
def last_event_tells_of_the_way(t):
    m, d = managed(t, BASE)
    session = t.session(type_p=46 << 24)
    send(session, range(0, 100), 46 << 2)
    send(session, [n for n in range(100, 200) if n not in (110, 111, 112, 150)], 46 << 2)
    m.restart(d)  # what was seen is not forgotten
    session[1].ttl(200)
    send(session, range(200, 300), 0)
    session[0].stop(1)
    session[0].close()
    d.wait_log(r"session \w{32} of .* ended")
    told = event(d.log(), "SESSION_ENDED")
    for pattern in (r"gaps 4,", r"lost 1\.33\d % in 2 periods, 3 in a row at most",
                    r"delay variation p50 \d+\.\d{3}, p95 \d+\.\d{3}, p99 \d+\.\d{3}, "
                    r"at most \d+\.\d{3} ms, jitter \d+\.\d{3} ms",
                    r"100 packets without the DSCP 46 that was asked for, last 0",
                    r"TTL changed 1 times, last from 255 to 200",
                    r"clock of the sender synchronized"):
        true(re.search(pattern, told), "%r is not in\n%s" % (pattern, told))


@test(limit=120)
def bad_way_is_told_and_good_again(t):
    d = t.daemon(BASE)
    session = t.session()
    number = 0
    while "way from" not in d.log():  # every ten seconds it is looked at
        send(session, [n for n in range(number, number + 50) if n % 10])
        number += 50
        harness.pause(0.2, "the next look comes when ten seconds are over, on any machine")
    told = re.search(r"the way from (\S+) to here is bad, session \w{32}, class default: "
                     r"(\d+\.\d{3}) % of the test packets of the last \d+ s were lost "
                     r"\(limit 1\.000 %, watch\.forward_loss\)", d.log())
    true(told, d.log())
    true(5 < float(told.group(2)) < 15, "loss of %s" % told.group(2))
    same(d.log().count("way from"), 1, "events")


if __name__ == "__main__":
    harness.main()
