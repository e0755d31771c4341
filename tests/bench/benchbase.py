# SPDX-License-Identifier: BSD-2-Clause
"""What the measurements share: rounds, spreads, ratios, and daemons beside yardsticks."""

import random
import statistics

from benchrig import Failed

MODES = ("unauthenticated", "authenticated", "encrypted")
PAYLOADS = {"unauthenticated": 41, "authenticated": 112, "encrypted": 112}
SAMPLE_FIELDS = 4
NEXT_SESSIONS = 512
SHORT_RUNS = 4


def median(values):
    return statistics.median(values)


class Spread:
    """Values of one figure over the rounds."""

    def __init__(self, values):
        self.values = list(values)

    def as_json(self):
        return {"median": median(self.values), "min": min(self.values), "max": max(self.values),
                "rounds": len(self.values)}

    def text(self, scale=1.0, digits=1):
        v = [x / scale for x in self.values]
        return f"{median(v):.{digits}f} ({min(v):.{digits}f}..{max(v):.{digits}f})"


class Bench:
    def __init__(self, rig, rounds, quick, say):
        self.rig, self.rounds, self.quick, self.say = rig, rounds, quick, say
        self.results = {}  # figure -> Spread, by the name of the benchmark
        self.tables = []  # (title, head, rows)
        self.verdicts = []  # (criterion, value, pass)
        self.failures = []
        self.curve = {}  # reflector -> [(rate, sample)]

    def interleave(self, cells, rounds=None):
        """cells: name -> function that measures. All of them in random order, every round.
        Return name -> list of what the function gave."""
        found = {name: [] for name in cells}
        for _ in range(rounds or self.rounds):
            order = list(cells)
            random.shuffle(order)
            for name in order:
                try:
                    found[name].append(cells[name]())
                except Failed as error:
                    self.say(f"{name}: {error}; once more")
                    found[name].append(cells[name]())
        return found

    def note(self, name, values):
        self.results[name] = Spread(values)
        return self.results[name]

    def table(self, title, head, rows):
        self.tables.append((title, head, rows))

    def judge(self, criterion, value, good, text=None):
        self.verdicts.append((criterion, text or f"{value:.2f}", bool(good)))

    def ratio(self, name, above, below):
        """Median over the rounds of the ratio within a round."""
        return self.note(name, [a / b for a, b in zip(above, below)])


# --- cells --------------------------------------------------------------------------------

def with_yard(bench, name, measure, flows=1, family=4):
    reflector = bench.rig.yard(name, flows, family)
    try:
        return measure(reflector)
    finally:
        bench.rig.stop(reflector.process)


def pick(runs, *path):
    out = []
    for value in runs:
        for key in path:
            value = value[key]
        out.append(value)
    return out


def core_pps(runs):
    """Packets a second that a whole CPU would reflect: what CPU time per packet leaves. Where
    others want the CPU too it varies less than packets per second of wall time."""
    return [1e9 / run["cpu_ns"] for run in runs]


def start_daemons(bench):
    """twampd as it is by default, and with shared ports where it has them."""
    modes = {"twampd": {}}
    if bench.rig.has_setting("ports.mode"):
        modes["twampd-shared"] = {"ports": {"mode": '"shared"'}}
    return modes


class Daemons:
    """Both kinds of twampd in turn on one control port: only one at a time can have it."""

    def __init__(self, bench, **groups):
        self.bench, self.groups = bench, groups

    def cells(self, measure):
        cells = {}
        for name, extra in start_daemons(self.bench).items():
            cells[name] = lambda e=extra: self.once(e, measure)
            if self.bench.rig.beside:
                cells[f"{name} beside"] = lambda e=extra: self.once(e, measure, self.bench.rig.beside)
        return cells

    def once(self, extra, measure, build=None):
        groups = {key: dict(value) for key, value in self.groups.items()}
        for key, value in extra.items():
            groups.setdefault(key, {}).update(value)
        daemon = self.bench.rig.twampd(build=build, **groups)
        try:
            return measure(daemon)
        finally:
            self.bench.rig.stop(daemon.process)


def yard_cells(bench, yards, measure, flows=1, family=4):
    return {name: (lambda n=name: with_yard(bench, n, measure, flows, family)) for name in yards}


def microseconds(bench, key, runs, what):
    return [bench.note(f"{key}.{what}.{p}", pick(runs, what, p)).text(1e3, 1)
            for p in ("p50", "p99", "p999", "max")]
