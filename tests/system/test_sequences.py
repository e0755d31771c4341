# SPDX-License-Identifier: BSD-2-Clause
"""Random sequences of reload, restart with other settings, drain, and SIGKILL before READY=1: a
connection in each state survives them. The seed is told; TWAMPD_TEST_SEED repeats a run, and
TWAMPD_TEST_SEQUENCES says how many sequences it has (./dev test sequences: 200, under ASan).
"""

import os
import random
import signal

import harness
from harness import CLIENT, same, test, wait_for
from keyed import AUTH, FEATURE_NAMES, KEYS
from manager import managed
from states import Accepted, Active, Deriving, all_go_on, everywhere

SEED = int(os.environ.get("TWAMPD_TEST_SEED", "0"), 0) or random.SystemRandom().getrandbits(32)
SEQUENCES = int(os.environ.get("TWAMPD_TEST_SEQUENCES", "10"))
MODE_NAMES = ["unauthenticated", "authenticated", "encrypted", "mixed"]
MODES = (1, 2, 4, 8)
SLOW = {"count": 1 << 17}  # so that a derivation is under way for a while
KILLS_IN_A_ROW = 2  # who does not get ready three times is given up


class Sequence:
    def __init__(self, t, m, d, choose):
        self.t, self.m, self.d, self.random = t, m, d, choose
        self.base = dict(d.config)
        self.did = []

    # settings under which the client may be here, whatever else they are

    def limits(self):
        if self.random.random() < 0.5:
            return {}
        names = ("max_connections", "max_connections_per_client", "max_sessions",
                 "max_sessions_per_client", "max_sessions_per_connection", "request_rate",
                 "connection_rate", "max_padding")
        return {name: self.random.choice((1, 2, 1000)) for name in names}

    def clients(self):
        name = self.random.choice(("alpha", "beta", "gamma", "default"))
        return self.random.choice((
            None,
            [{"name": name, "prefixes": [CLIENT[4]], "limits": self.limits()}],
            [{"name": name, "prefixes": ["198.51.0.0/16"], "limits": self.limits()},
             {"name": "holders", "key_ids": ["probe-1"], "limits": self.limits()}],
            [{"name": "world", "prefixes": ["0.0.0.0/0", "::/0"]},
             {"name": name, "prefixes": [CLIENT[4] + "/32"]}]))

    def settings(self):
        r = self.random
        first = r.randrange(30000, 50000)
        config = harness.merge(self.base, {
            "limits": self.limits(),
            "ports": {"first": first, "last": first + r.randrange(1, 9000)},
            "timers": {"servwait": r.randrange(100, 900), "refwait": r.randrange(100, 900),
                       "handshake": r.randrange(100, 900), "message": r.randrange(100, 900),
                       "max_timeout": r.randrange(1, 900)},
            "modes": r.sample(MODE_NAMES, 4),
            "features": r.sample(list(FEATURE_NAMES.values()), r.randrange(6)),
            "reflector": {"threads": r.randrange(1, 4)},
            "auth": dict(AUTH, count=1 << r.randrange(10, 14)),
            "log": {"level": r.choice(("info", "debug"))},
            "listen": r.choice(([{"port": 862}], [{"port": 8620}],
                                [{"port": 862}, {"port": 8621}],
                                [{"address": self.t.server, "port": 862}])),
            "light": r.choice(([], [{"port": 8622, "type": "stamp", "clients": [CLIENT[4]]}])),
        })
        clients = self.clients()
        if clients:
            config["clients"] = clients
        if not config["light"]:
            del config["light"]
        return config

    def write(self, config):
        keys = dict(KEYS)
        for n in range(self.random.randrange(4)):
            keys[b"other-%d" % n] = b"%030x" % self.random.getrandbits(100)
        self.d.write_keys(keys)
        self.d.config = config
        self.d.write(config)

    def start(self):
        """Ready, and the manager has let go of what was taken."""
        self.m.start(self.d)
        wait_for(lambda: not self.m.store, "the store to be empty")

    # what may happen

    def reload(self, config=None):
        self.write(config or self.settings())
        self.d.reload()

    def broken_reload(self):
        config = self.d.config
        self.d.reload(text="nonsense = 1;\n", expect="reload failed")
        self.d.config = config

    def restart(self):
        self.m.end(self.d)
        self.write(self.settings())
        self.start()

    def killed(self):
        """Once or twice, at some point between its first instruction and READY=1."""
        self.m.end(self.d)
        for _ in range(self.random.randrange(1, KILLS_IN_A_ROW + 1)):
            self.write(self.settings())
            since = self.d.log_size()
            with self.m.deaf():
                self.m.start(self.d, wait=False)
                point = self.random.choice((None, r"listening on", r"took .* over", r"\bready\b"))
                if point:
                    self.d.wait_log(point, since)
                self.d.signal(signal.SIGKILL)
                same(self.d.wait_exit(), -signal.SIGKILL, "exit status")
        self.write(self.settings())
        self.start()

    def drain(self):
        """Or no more. Signals are taken in turn, so what comes next comes after it."""
        self.d.signal(self.random.choice((signal.SIGUSR1, signal.SIGUSR2)))

    def run(self):
        self.reload(harness.merge(self.base, {"auth": SLOW}))
        states = [Deriving(self.t, self.random.choice((2, 4, 8)))]
        states += everywhere(self.t, self.random.sample(MODES, 4), begun=1)
        for _ in range(self.random.randrange(2, 6)):
            step = self.random.choice((self.reload, self.broken_reload, self.restart,
                                       self.restart, self.killed, self.drain))
            self.did.append(step.__name__)
            step()
            for s in states:
                if s.session and not isinstance(s, Accepted):
                    s.reflects()
        self.d.signal(signal.SIGUSR2)
        self.reload(dict(self.base))
        all_go_on(self.t, states)
        for s in states:
            s.control.close()
            if s.session:
                s.session.sender.close()
        wait_for(lambda: self.d.connections() == 0, "the end of all connections")


def a_part(number, first, last):
    def sequences(t):
        m, d = managed(t)
        for n in range(first, last):
            s = Sequence(t, m, d, random.Random("%d/%d" % (SEED, n)))
            try:
                s.run()
            except BaseException as error:
                raise AssertionError("seed %d, sequence %d (%s): %s" % (
                    SEED, n, " ".join(s.did), error)) from error
    sequences.__name__ = "sequences_%d_to_%d" % (first, last - 1)
    test(sequences, limit=120 + 30 * (last - first))


STRIDE = 20
for start in range(0, SEQUENCES, STRIDE):
    a_part(start // STRIDE, start, min(start + STRIDE, SEQUENCES))


if __name__ == "__main__":
    print("# TWAMPD_TEST_SEED=%d" % SEED, flush=True)
    harness.main()
