# SPDX-License-Identifier: BSD-2-Clause
"""Connections and sessions in each state that they can be in when something happens to the
server. Each is made, and later shows that it goes on (or that it was closed).
"""

import rawclient
from harness import same, true, wait_for
from keyed import INDIVIDUAL, KEY, connect, open_session
from rawclient import make_packet, make_request, ntp, seconds

LONG = seconds(900)


def packet(s, number):
    return s.layout.sent(number, ntp(), 0x8001)


class State:
    """@control: its connection, or None. @session: what reflects, or None."""

    control = session = None
    takes_requests = True  # when it has gone on, its connection is in READY

    def reflects(self):
        """Its session answers, and counts as before."""
        self.session.check(packet(self.session, self.session.seq))

    def goes_on(self):
        raise NotImplementedError

    def is_closed(self):
        same(self.control.wait_closed(), b"", "octets before the end of " + repr(self))

    def __repr__(self):
        return "%s in mode %#x" % (type(self).__name__.lower(), self.mode)


class Greeted(State):
    def __init__(self, t, mode):
        self.mode = mode
        self.control = t.control()
        self.control.greeting()

    def goes_on(self):
        if self.mode & rawclient.KEYED:
            answer = self.control.authenticate(self.mode, KEY)
        else:
            answer = self.control.setup(self.mode)
        same(answer.accept, 0, "Server-Start of " + repr(self))


class Deriving(State):
    """Its key was asked for. The server has auth.count so high that this takes a while."""

    def __init__(self, t, mode):
        self.mode = mode
        self.control = t.control()
        self.control.greeting()
        self.control.send(self.control.make_keyed_setup(mode, KEY))

    def goes_on(self):
        same(self.control.keyed_start().accept, 0, "Server-Start of " + repr(self))


class Ready(State):
    def __init__(self, t, mode):
        self.t, self.mode = t, mode
        self.control = connect(t, mode)

    def goes_on(self):
        pass


class Half(Ready):
    """Of a request the head was read, and a part of the rest."""

    def __init__(self, t, mode):
        super().__init__(t, mode)
        self.sender = t.sender()
        octets = self.control.seal(make_request(sender_port=self.sender.port))
        self.control.send(octets[:40])
        self.rest = octets[40:]

    def goes_on(self):
        self.control.send(self.rest)
        same(self.control.accept_session().accept, 0, "Accept of " + repr(self))


class Accepted(Ready):
    def __init__(self, t, mode):
        super().__init__(t, mode)
        self.session, _ = open_session(t, self.control, mode, start=False)
        self.session.send(packet(self.session, 0))  # too early

    def goes_on(self):
        same(self.control.start().accept, 0, "Start-Ack of " + repr(self))
        self.session.check(packet(self.session, 1))
        self.control.stop(1)


class Active(Ready):
    def __init__(self, t, mode):
        super().__init__(t, mode)
        self.session, self.answer = open_session(t, self.control, mode, timeout=LONG)
        self.reflects()

    def goes_on(self):
        self.reflects()
        if self.mode & INDIVIDUAL:
            acks = self.control.individual(9, self.answer.sid)
            same([a.accept for a in acks], [0], "Stop-N-Ack of " + repr(self))
        else:
            self.control.stop(1)
        self.reflects()


class Stopping(Active):
    """Stopped, and its connection is open."""

    def __init__(self, t, mode):
        super().__init__(t, mode)
        self.control.stop(1)
        self.reflects()

    def goes_on(self):
        self.reflects()


class Orphan(Stopping):
    """Stopped, and its connection is gone."""

    takes_requests = False

    def __init__(self, t, mode):
        super().__init__(t, mode)
        self.control.close()


PLACES = (Greeted, Ready, Half, Accepted, Active, Stopping, Orphan)


def everywhere(t, modes=(1, 2, 4, 8), begun=0):
    """One of each, the modes in turn, and one with individual control; @begun others are open."""
    made = [place(t, modes[i % len(modes)]) for i, place in enumerate(PLACES)]
    made.append(Active(t, modes[0] | INDIVIDUAL))
    gone = sum(not s.takes_requests for s in made)
    daemon = t.own[-1]
    wait_for(lambda: daemon.connections() == begun + len(made) - gone, "what was closed to be gone")
    return made


def all_go_on(t, states):
    for s in states:
        s.goes_on()
        if s.takes_requests:
            same(s.control.request(sender_port=9).accept, 0, "Accept of a request of " + repr(s))
