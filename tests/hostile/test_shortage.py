# SPDX-License-Identifier: BSD-2-Clause
"""What runs out or goes away under a running server: descriptors, memory, a link, an address.
R-122 R-190
"""

import resource

import hostile
import harness
import rawclient
from harness import pause, run, same, test, true, wait_for
from hostile import Attack, Siege, dial, drop_all, knock_often, many_address, until
from rawclient import make_packet, make_request, make_setup, make_start

CLIENT_LINK, SERVER_LINK, SERVER = harness.CLIENT_LINK, harness.SERVER_LINK, harness.SERVER[4]


class Limit:
    """A resource limit of twampd, taken back at the end."""

    def __init__(self, t, siege, kind, value):
        self.pid, self.kind = siege.d.pid, kind
        self.before = resource.prlimit(self.pid, kind)
        resource.prlimit(self.pid, kind, (value, self.before[1]))
        t.stack.callback(self.back)

    def back(self):
        try:
            resource.prlimit(self.pid, self.kind, self.before)
        except ProcessLookupError:
            pass


@test
def descriptors_taken_by_idle_connections(t):
    siege = Siege(t)
    limit = Limit(t, siege, resource.RLIMIT_NOFILE, 150)
    crowd = [dial(t.server, many_address(i)) for i in range(500)]
    t.stack.callback(drop_all, crowd)
    seen = knock_often(t, until(3))
    true(0 in {a for a, _ in seen}, "nobody got in: %r" % seen)
    drop_all(crowd)
    limit.back()
    siege.end(r"10\.66\.\d+\.\d+.* did not use its place")


@test
def descriptors_taken_by_sessions(t):
    """Whoever is in with all that its limits allow keeps it; others get 5, and why."""
    siege = Siege(t)
    limit = Limit(t, siege, resource.RLIMIT_NOFILE, 200)
    c = t.connect()
    codes = [c.request(timeout=0).accept for _ in range(300)]
    same((set(codes), codes[-1]), ({0, 5}, 5), "Accepts of the greedy client")
    crowd = [dial(t.server, many_address(i)) for i in range(300)]
    t.stack.callback(drop_all, crowd)
    seen = knock_often(t, until(3))
    true(5 in {a for a, _ in seen}, "nobody was refused: %r" % seen)
    drop_all(crowd)
    limit.back()
    c.close()
    siege.end(r"descriptors-low")


@test
def memory_is_used_up(t):
    """Buffers, connections and sessions until there is no more address space."""
    if t.run.sanitized:
        raise harness.Skip("sanitizers end the process when memory is short")
    siege = Siege(t)
    with open("/proc/%d/statm" % siege.d.pid) as f:
        size = int(f.read().split()[0]) * resource.getpagesize()
    limit = Limit(t, siege, resource.RLIMIT_AS, size + (256 << 10))
    row = make_request(timeout=0) * 200
    crowd, deaf = [], []

    def work(attack):
        i = 0
        while attack.on:
            i += 1
            if len(crowd) < 2000:
                crowd.append(dial(t.server, many_address(i % 3000)))
            if len(deaf) < 20:
                try:
                    c = rawclient.Control(t.server, source=many_address(i), rcvbuf=4096)
                    c.send(make_setup())
                    deaf.append(c)
                except OSError:
                    pass
            for c in list(deaf):
                try:
                    c.push(row)
                except OSError:
                    deaf.remove(c)
                    c.close()
            pause(0.001, "the pace of the attack")
    attack = Attack(t, work)
    t.stack.callback(lambda: [c.close() for c in deaf])
    knock_often(t, until(3))
    attack.end()
    drop_all(crowd)
    for c in deaf:
        c.reset()
    limit.back()
    siege.end(r"memory-low|10\.66\.\d+\.\d+.* did not use its place")


# --- networks that go away ------------------------------------------------------------

def still_answers(sender, to, first, n=20):
    for i in range(first, first + n):
        reply = sender.exchange(to, make_packet(i))
        true(reply is not None, "no reply to packet %d" % i)
        same((reply.sender_seq, reply.seq), (i, i), "numbers of reply %d" % i)
    return first + n


def lost_network(t, take_away, bring_back):
    """A session there goes on when it is back; one elsewhere is not concerned."""
    siege = Siege(t)
    c, sender, to = t.session()
    other = t.connect(source=harness.CLIENT_OTHER[4])
    at = still_answers(sender, to, 0)
    for _ in range(3):
        take_away()
        knock_often(t, until(0.5), every=0.1)
        bring_back()
        wait_for(lambda: sender.exchange(to, bytes(13), patience=0) is None and
                 run("ip", "-n", t.net.client, "route", "get", SERVER, check=False).returncode == 0,
                 "a route")
        at = still_answers(sender, to, at)
    c.stop(1)
    same(c.request(timeout=0).accept, 0, "Accept on the same connection")
    same(other.request(timeout=0).accept, 0, "Accept on a connection that was idle")
    new = t.connect()
    same(new.request(timeout=0).accept, 0, "Accept on a new one")
    for connection in (c, other, new):
        connection.close()
    siege.end(check_log=False)


@test
def the_link_goes_down_and_up(t):
    ip = ("ip", "-n", t.net.server)
    lost_network(t, lambda: run(*ip, "link", "set", SERVER_LINK, "down"),
                 lambda: run(*ip, "link", "set", SERVER_LINK, "up"))


@test
def the_address_is_removed_and_comes_back(t):
    ip = ("ip", "-n", t.net.server, "address")

    def take_away():
        run(*ip, "flush", "dev", SERVER_LINK)

    def bring_back():
        for address in (SERVER, harness.SERVER_OTHER[4]):
            run(*ip, "add", address + "/24", "dev", SERVER_LINK)
    lost_network(t, take_away, bring_back)


if __name__ == "__main__":
    harness.main()
