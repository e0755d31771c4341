# SPDX-License-Identifier: BSD-2-Clause
"""The measurements: each takes a Bench, fills its results, and says what holds."""

import pathlib
import re
import time

from benchbase import (MODES, NEXT_SESSIONS, PAYLOADS, Daemons, Spread, core_pps, median,
                       microseconds, pick, start_daemons, yard_cells)
from benchmore import (bench_auth, bench_crypto, bench_fairness, bench_reload, bench_scrape,
                       bench_syscalls)
from benchrig import Failed

# --- reflect ------------------------------------------------------------------------------

def saturate(bench, flows, yards, **options):
    seconds = 0.25 if bench.quick else 0.5

    def go(reflector):
        return bench.rig.load(reflector, flows=flows, seconds=seconds, **options)

    cells = {**Daemons(bench).cells(go), **yard_cells(bench, yards, go, flows)}
    return bench.interleave(cells)


def bench_reflect(bench):
    bench.rig.set_kind("steered")
    rows = []
    found = {}
    for flows, yards in ((1, ("floor", "ceiling")), (100, ("multi-sockets", "multi-shared")),
                         (1000, ("multi-sockets", "multi-shared"))):
        if bench.quick and flows == 100:
            continue
        found[flows] = saturate(bench, flows, yards)
        for name, runs in found[flows].items():
            key = f"reflect.{flows}.{name}"
            rows.append([str(flows), name,
                         bench.note(key + ".core_pps", core_pps(runs)).text(1e3, 0),
                         bench.note(key + ".wall_pps", pick(runs, "pps")).text(1e3, 0),
                         bench.note(key + ".sent_pps", pick(runs, "sent_pps")).text(1e3, 0),
                         bench.note(key + ".cpu_ns", pick(runs, "cpu_ns")).text(1, 0),
                         bench.note(key + ".cpu_share", pick(runs, "cpu_share")).text(1, 2)])
    bench.table("Saturated, 41 octets, IPv4, rig steered (k packets/s)",
                ["sessions", "reflector", "of one CPU", "of wall time", "offered", "CPU ns/packet",
                 "CPU share"], rows)
    one = {name: core_pps(runs) for name, runs in found[1].items()}
    to_ceiling = bench.ratio("reflect.to_ceiling", one["twampd"], one["ceiling"])
    to_floor = bench.ratio("reflect.to_floor", one["twampd"], one["floor"])
    bench.judge("one session, saturated: >= 0.85 of ceiling", median(to_ceiling.values),
                median(to_ceiling.values) >= 0.85, to_ceiling.text(1, 2))
    bench.judge("one session, saturated: >= 3 x floor", median(to_floor.values),
                median(to_floor.values) >= 3, to_floor.text(1, 2))
    many = {name: core_pps(runs) for name, runs in found[1000].items()}
    for name, yard in (("twampd", "multi-sockets"), ("twampd-shared", "multi-shared")):
        if name in many:
            ratio = bench.ratio(f"reflect.1000.{name}.to_{yard}", many[name], many[yard])
            bench.judge(f"1000 sessions, {name}: >= 0.85 of {yard}", median(ratio.values),
                        median(ratio.values) >= 0.85, ratio.text(1, 2))
    loss_free(bench)


def search(bench, reflector, flows=1, family=4, **options):
    seconds = 0.1 if bench.quick else 0.2
    return bench.rig.load(reflector, flows=flows, family=family, low=8000, high=900000,
                          seconds=seconds, **options)


def loss_free(bench):
    bench.rig.set_kind("whole")

    def go(reflector):
        return search(bench, reflector)

    cells = {**Daemons(bench).cells(go), **yard_cells(bench, ("floor", "ceiling"), go)}
    found = bench.interleave(cells)
    rates = {name: pick(runs, "loss_free") for name, runs in found.items()}
    rows = [[name, bench.note(f"reflect.loss_free.{name}", values).text(1e3, 0),
             "yes" if any(pick(found[name], "generator_limited")) else "no"]
            for name, values in rates.items()]
    bench.table("Loss-free (< 0.2 %), one session, 41 octets, IPv4, rig whole (k packets/s)",
                ["reflector", "packets/s", "bounded by the generator"], rows)
    ratio = bench.ratio("reflect.loss_free.to_floor", rates["twampd"], rates["floor"])
    bench.judge("loss-free rate >= 2 x floor", median(ratio.values), median(ratio.values) >= 2,
                ratio.text(1, 2))


# --- latency ------------------------------------------------------------------------------

def latency_rows(bench, label, runs):
    rows = []
    for name, found in runs.items():
        rows.append([label, name,
                     *microseconds(bench, f"latency.{label}.{name}", found, "dwell"),
                     *microseconds(bench, f"latency.{label}.{name}", found, "residue"),
                     Spread(pick(found, "loss")).text(0.01, 2)])
    return rows


def bench_latency(bench):
    bench.rig.set_kind("whole")
    yards = ("floor", "ceiling")
    half = Daemons(bench).once({}, lambda d: search(bench, d))["loss_free"] / 2
    rates = {"1000": 1000, "half": half}
    seconds = 0.6 if bench.quick else 2
    rows = []
    for label, rate in rates.items():
        def go(reflector, r=rate):
            return bench.rig.load(reflector, rate=r, seconds=seconds)

        runs = bench.interleave({**Daemons(bench).cells(go), **yard_cells(bench, yards, go)})
        rows += latency_rows(bench, label, runs)
        residue = {name: pick(found, "residue", "p99") for name, found in runs.items()}
        ratio = bench.ratio(f"latency.{label}.residue_to_ceiling", residue["twampd"],
                            residue["ceiling"])
        bench.judge(f"residue p99 at {'1000/s' if label == '1000' else 'half of saturation'}: "
                    "<= 1.2 x ceiling", median(ratio.values), median(ratio.values) <= 1.2,
                    ratio.text(1, 2))
    bench.note("latency.half_rate", [half])
    bench.table(f"Times in us, one session, 41 octets, rig whole; half = {half / 1e3:.0f} k/s, "
                "half of the loss-free rate of twampd",
                ["load", "reflector", "dwell p50", "p99", "p99.9", "max", "residue p50", "p99",
                 "p99.9", "max", "loss %"], rows)
    sweep(bench, yards)


def sweep(bench, yards):
    """The picture: times against load."""
    rates = (1000, 10000, 50000, 200000) if bench.quick else (
        1000, 3000, 10000, 30000, 60000, 100000, 150000, 200000, 300000, 400000)

    def go(reflector):
        return [(r, bench.rig.load(reflector, rate=r, seconds=0.2 if r > 1000 else 0.4,
                                   warmup=0.05)) for r in rates]

    found = bench.interleave({**Daemons(bench).cells(go), **yard_cells(bench, yards, go)},
                             1 if bench.quick else 3)
    for name, rounds in found.items():
        curve = []
        for i, rate in enumerate(rates):
            runs = [r[i][1] for r in rounds if "dwell" in r[i][1]]
            if runs:
                curve.append({"rate": rate, "loss": median(pick(runs, "loss")),
                              **{f"{what}_{p}": median(pick(runs, what, p))
                                 for what in ("dwell", "residue") for p in ("p50", "p99")}})
        bench.curve[name] = curve


# --- modes --------------------------------------------------------------------------------

def bench_modes(bench):
    flows_all = (1, 1000) if bench.quick else (1, 100, 1000)
    rounds = 1 if bench.quick else min(bench.rounds, 3)
    rows = []
    for extra_name, extra in start_daemons(bench).items():
        daemon = bench.rig.twampd(**extra)
        try:
            for family in (4, 6):
                for size in ("small", "1400"):
                    rows += modes_rows(bench, daemon, extra_name, family, size, flows_all, rounds)
        finally:
            bench.rig.stop(daemon.process)
    bench.table("Every mode: saturated (rig steered), loss-free and times at 1000/s (rig whole)",
                ["reflector", "IP", "octets", "mode", "sessions", "k/s of one CPU",
                 "CPU ns/packet", "loss-free k/s", "dwell p50/p99/p99.9/max us",
                 "residue p50/p99/p99.9/max us"], rows)


def modes_rows(bench, daemon, name, family, size, flows_all, rounds):
    cells = {}
    for mode in MODES:
        for flows in flows_all:
            options = {"family": family, "flows": flows, "mode": mode,
                       "payload": 1400 if size == "1400" else PAYLOADS[mode]}
            cells[mode, flows] = lambda o=options: modes_once(bench, daemon, o)
    rows = []
    for (mode, flows), runs in bench.interleave(cells, rounds).items():
        key = f"modes.{name}.ip{family}.{size}.{mode}.{flows}"
        octets = "1400" if size == "1400" else str(PAYLOADS[mode])
        row = [name, str(family), octets, mode, str(flows),
               bench.note(key + ".core_pps", core_pps(pick(runs, "line"))).text(1e3, 0),
               bench.note(key + ".cpu_ns", pick(runs, "line", "cpu_ns")).text(1, 0),
               bench.note(key + ".loss_free", pick(runs, "search", "loss_free")).text(1e3, 0)]
        for what in ("dwell", "residue"):
            row.append(" / ".join(
                f"{median(bench.note(f'{key}.{what}.{p}', pick(runs, 'slow', what, p)).values) / 1e3:.1f}"
                for p in ("p50", "p99", "p999", "max")))
        rows.append(row)
    return rows


def modes_once(bench, daemon, options):
    short = 0.15 if bench.quick else 0.25
    bench.rig.set_kind("steered")
    line = bench.rig.load(daemon, seconds=short, warmup=0.05, **options)
    bench.rig.set_kind("whole")
    return {"line": line,
            "search": bench.rig.load(daemon, low=5000, high=700000, warmup=0.02,
                                     seconds=0.03 if bench.quick else 0.06, **options),
            "slow": bench.rig.load(daemon, rate=1000, seconds=0.3 if bench.quick else 0.6,
                                   warmup=0.05, **options)}


# --- setup and memory ---------------------------------------------------------------------

def marginal_us(marks, count):
    """Cost of a session where there are so many: over the next ones."""
    inside = [m for m in marks if count <= m[0] <= max(64, count) + NEXT_SESSIONS]
    (a, s), (b, e) = inside[0], inside[-1]
    return (e - s) / (b - a) * 1e6


def setup_all(bench, daemon, sessions, connections=1, sources=1):
    result = bench.rig.load(daemon, "setup", flows=sessions, connections=connections,
                            sources=sources)
    if result["refused"]:
        raise Failed(f"{result['refused']} of {sessions} sessions were refused")
    return result


def bench_setup(bench):
    bench.rig.set_kind("steered")
    most = {"twampd": 2000 if bench.quick else 15000, "twampd-shared": 2000 if bench.quick
            else 100000}
    rows = []
    for name, extra in start_daemons(bench).items():
        rates = []
        for _ in range(bench.rounds):
            result = Daemons(bench).once(extra, lambda d: setup_all(bench, d, 2000))
            rates.append(result["sessions"] / result["seconds"])
        rate = bench.note(f"setup.{name}.per_second", rates)
        bench.judge(f"{name}: >= 8000 sessions set up per second on one connection",
                    median(rates), median(rates) >= 8000, rate.text(1, 0))
        counts = [c for c in (10, 100, 1000, 10000, 15000, 100000) if c <= most[name]]
        connections = 4 if most[name] > 60000 else 1
        costs = {c: [] for c in counts}
        for _ in range(1 if bench.quick else min(3, bench.rounds)):
            result = Daemons(bench).once(
                extra, lambda d: setup_all(bench, d, most[name] + 2 * NEXT_SESSIONS, connections,
                                           connections))
            for c in counts:
                costs[c].append(marginal_us(result["marks"], c))
        for c in counts:
            rows.append([name, str(c), bench.note(f"setup.{name}.cost_us.{c}", costs[c]).text()])
        growth = median(costs[counts[-1]]) / median(costs[100])
        bench.note(f"setup.{name}.growth", [growth])
        bench.judge(f"{name}: a session costs the same at {counts[-1]} as at 100 (<= 2 x)", growth,
                    growth <= 2)
    bench.table("Set-up of one more session when there are so many, pipelined (us)",
                ["reflector", "sessions", "us"], rows)


def private_octets(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(int(n) for n in re.findall(r"^Private_\w+:\s+(\d+)", text, re.M))


def slab_octets():
    text = pathlib.Path("/proc/meminfo").read_text()
    return 1024 * int(re.search(r"^Slab:\s+(\d+)", text, re.M)[1])


def memory_once(bench, daemon, **options):
    before, slab = private_octets(daemon.pid), slab_octets()
    load = bench.rig.start_load(daemon, "setup", hold=True, **options)
    try:
        line = load.stdout.readline()
        if not line or '"refused": 0' not in line or not load.stdout.readline():
            raise Failed("sessions could not be set up: " + line[-60:] + load.stderr.read())
        time.sleep(0.5)
        return private_octets(daemon.pid) - before, slab_octets() - slab
    finally:
        bench.rig.stop(load)


def bench_memory(bench):
    n = 2000 if bench.quick else 10000
    cases = {"idle connection": (2000, 8192, {"flows": 0, "connections": 2000})}
    rows = []
    for name, extra in start_daemons(bench).items():
        cases[f"session, {name}"] = (n, 2048, {"flows": n, "connections": 1}, extra)
        if name == "twampd-shared" and not bench.quick:
            cases[f"session, {name} of many"] = (100000, 2048, {
                "flows": 100000, "connections": 4, "sources": 4}, extra)
    for label, (count, most, options, *extra) in cases.items():
        user, kernel = [], []
        for _ in range(min(3, bench.rounds)):
            got = Daemons(bench).once(extra[0] if extra else {},
                                      lambda d: memory_once(bench, d, **options))
            user.append(got[0] / count)
            kernel.append(got[1] / count)
        key = "memory." + label.replace(", ", ".").replace(" ", "_")
        spread = bench.note(key + ".user", user)
        rows.append([label, str(count), spread.text(1, 0),
                     bench.note(key + ".slab", kernel).text(1, 0)])
        bench.judge(f"memory per {label}: <= {most} octets", median(user), median(user) <= most,
                    spread.text(1, 0))
    bench.table("Memory (octets each): private of twampd; kernel slab of both ends, roughly",
                ["what", "count", "twampd", "slab"], rows)


BENCHMARKS = {
    "reflect": bench_reflect, "latency": bench_latency, "modes": bench_modes,
    "setup": bench_setup, "memory": bench_memory, "auth": bench_auth, "crypto": bench_crypto,
    "fairness": bench_fairness, "reload": bench_reload, "scrape": bench_scrape,
    "syscalls": bench_syscalls,
}
