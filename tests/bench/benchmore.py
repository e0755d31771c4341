# SPDX-License-Identifier: BSD-2-Clause
"""More measurements: cryptography, floods of authentication, fairness, reloads, system calls."""

import array
import math
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from benchbase import (MODES, SAMPLE_FIELDS, SHORT_RUNS, Daemons, median, microseconds, pick,
                       with_yard)
from benchrig import Failed

# --- crypto -------------------------------------------------------------------------------

def bench_crypto(bench):
    bench.rig.set_kind("steered")
    daemon = bench.rig.twampd()
    seconds = 0.1 if bench.quick else 0.2

    def least(mode):
        """Of short runs: what others do to the CPU and its caches only ever adds."""
        return min(bench.rig.load(daemon, mode=mode, payload=112, seconds=seconds,
                                  warmup=0.05)["cpu_ns"] for _ in range(SHORT_RUNS))

    def floor(mode):
        out = bench.rig.spawn(bench.rig.reflector, bench.rig.reflector_cpu,
                              [bench.rig.programs / "yard-crypto", mode, 0.2],
                              stdout=subprocess.PIPE)
        text = out.communicate(timeout=30)[0]
        bench.rig.stop(out)
        return float(text)

    cells = {mode: (lambda m=mode: least(m)) for mode in MODES}
    for mode in MODES[1:]:
        cells["floor " + mode] = lambda m=mode: floor(m)
    try:
        found = bench.interleave(cells)
    finally:
        bench.rig.stop(daemon.process)
    rows = [[name, bench.note(f"crypto.{name.replace(' ', '_')}.ns", values).text(1, 0)]
            for name, values in found.items()]
    bench.table("CPU ns per packet, 112 octets, saturated, and the bare cryptography",
                ["mode", "ns"], rows)
    for mode in MODES[1:]:
        above = [a - b for a, b in zip(found[mode], found["unauthenticated"])]
        ratio = bench.ratio(f"crypto.{mode}.to_floor", above, found["floor " + mode])
        least = ((min(found[mode]) - min(found["unauthenticated"]))
                 / min(found["floor " + mode]))
        bench.note(f"crypto.{mode}.to_floor.undisturbed", [least])
        bench.judge(f"{mode} above unauthenticated: <= 1.3 x crypto floor (least disturbed "
                    "rounds; behind it round by round)", least, least <= 1.3,
                    f"{least:.2f}; {ratio.text(1, 2)}")


# --- what else goes on: authentication, floods, reloads -------------------------------------

def read_samples(path):
    values = array.array("q")
    values.frombytes(pathlib.Path(path).read_bytes())
    return [values[i:i + SAMPLE_FIELDS] for i in range(0, len(values), SAMPLE_FIELDS)]


def percentile(values, p):
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * p / 100) - 1)]


def auth_once(bench, daemon):
    waves = 2 if bench.quick else 3
    dump = bench.rig.folder / "samples"
    storm = bench.rig.start_load(daemon, "storm", mode="authenticated", clients=200, waves=waves)
    running = bench.rig.start_load(daemon, rate=1000, seconds=2.8 * waves,
                                   sleep=True, dump=dump)
    result = bench.rig.finish_load(storm)
    slow = bench.rig.finish_load(running)
    refused = sum(200 - wave["accepted"] for wave in result["waves"])
    if refused:
        raise Failed(f"{refused} clients were not let in")
    samples = read_samples(dump)
    inside, outside = ([t3 - t2 for _, t2, t3, _ in samples
                        if any(w[kind][0] <= t2 <= w[kind][1] for w in result["waves"])]
                       for kind in ("busy", "quiet"))
    if len(inside) < 200 or len(outside) < 200:
        raise Failed(f"too few packets: {len(inside)} while authenticating, {len(outside)} not")
    return {"with": percentile(inside, 99), "without": percentile(outside, 99),
            "with50": percentile(inside, 50), "without50": percentile(outside, 50),
            "packets": len(inside), "lost": slow["sent"] - slow["received"],
            "seconds": sum(w["busy"][1] - w["busy"][0] for w in result["waves"]) / 1e9 / waves}


def bench_auth(bench):
    bench.rig.set_kind("whole")
    bench.rig.fair = True  # it is about how threads of twampd share a CPU
    try:
        auth_table(bench)
    finally:
        bench.rig.fair = False


def auth_table(bench):
    daemon = bench.rig.twampd(auth={"count": 32768, "queue": 1000})
    try:
        runs = bench.interleave({"auth": lambda: auth_once(bench, daemon)})["auth"]
    finally:
        bench.rig.stop(daemon.process)
    ratio = bench.ratio("auth.ratio", pick(runs, "with"), pick(runs, "without"))
    rows = [[label, bench.note(f"auth.{label}.p50", pick(runs, key + "50")).text(1e3),
             bench.note(f"auth.{label}.p99", pick(runs, key)).text(1e3)]
            for label, key in (("with", "with"), ("without", "without"))]
    bench.note("auth.wave_s", pick(runs, "seconds"))
    lost = bench.note("auth.lost", pick(runs, "lost"))
    bench.table("Dwell (us) of 1000 packets/s while 200 clients authenticate, count 32768, all of "
                f"twampd on one CPU; a wave takes {median(pick(runs, 'seconds')):.2f} s; "
                f"lost {lost.text(1, 0)}", ["authentication", "p50", "p99"], rows)
    # Others on the CPU add to both, most to the quiet times: their least is nearest to truth.
    least = min(pick(runs, "with")) / min(pick(runs, "without"))
    bench.note("auth.ratio.undisturbed", [least])
    bench.judge("p99 dwell with 200 authentications: <= 1.5 x without (least disturbed rounds; "
                "behind it round by round)", least, least <= 1.5,
                f"{least:.2f}; {ratio.text(1, 2)}")
    bench.judge("no packet lost by it", median(lost.values), median(lost.values) == 0,
                lost.text(1, 0))


def fair_once(bench, flood, probe, flooded):
    """probe: 100 packets/s while the other session is flooded, or left alone."""
    seconds = 1.2 if bench.quick else 2.5
    other = flood(seconds + 0.6) if flooded else None
    if other:
        time.sleep(0.25)
    try:
        return probe(seconds)
    finally:
        if other:
            bench.rig.finish_load(other)


def fair_twampd(bench, flooded):
    def go(daemon):
        return fair_once(
            bench, lambda s: bench.rig.start_load(daemon, seconds=s, device="gen0"),
            lambda s: bench.rig.load(daemon, rate=100, seconds=s, sleep=True), flooded)
    return lambda: Daemons(bench).once({}, go)


def fair_yard(bench, flooded):
    def shifted(yard):
        args = list(yard.arguments)
        for flag in ("--port", "--source-port"):
            args[args.index(flag) + 1] += 1
        return type(yard)(yard.process, args)

    def go(yard):
        return fair_once(
            bench, lambda s: bench.rig.start_load(yard, seconds=s, device="gen0"),
            lambda s: bench.rig.load(shifted(yard), rate=100, seconds=s, sleep=True), flooded)
    return lambda: with_yard(bench, "multi-sockets", go, flows=2)


def bench_fairness(bench):
    bench.rig.set_kind("steered")
    cells = {}
    for flooded in (False, True):
        label = "flooded" if flooded else "alone"
        cells["twampd", label] = fair_twampd(bench, flooded)
        cells["multi-sockets", label] = fair_yard(bench, flooded)
    found = bench.interleave(cells, 2 if bench.quick else None)
    rows = []
    for (name, label), runs in found.items():
        key = f"fairness.{name}.{label}"
        rows.append([name, label, *microseconds(bench, key, runs, "dwell"),
                     bench.note(key + ".loss", pick(runs, "loss")).text(0.01, 2)])
    bench.table("Dwell (us) of a session of 100 packets/s beside another on the same thread",
                ["reflector", "the other", "p50", "p99", "p99.9", "max", "loss %"], rows)
    ours = pick(found["twampd", "flooded"], "dwell", "p99")
    yards = pick(found["multi-sockets", "flooded"], "dwell", "p99")
    ratio = bench.ratio("fairness.to_yard", ours, yards)
    loss = median(pick(found["twampd", "flooded"], "loss"))
    least = min(ours) / min(yards)
    bench.judge("p99 dwell beside a flooded session: <= 1.5 x multi-sockets or <= 1 ms (ours; "
                "least disturbed rounds; behind it round by round)", least,
                least <= 1.5 or min(ours) <= 1e6,
                f"{least:.2f}; {ratio.text(1, 2)}; p99 {min(ours) / 1e3:.0f} us")
    bench.judge("a flooded session takes no packet of its neighbour", loss, loss == 0,
                f"{loss * 100:.2f} %")


class Hangups(threading.Thread):
    """SIGHUP every 50 ms until stopped."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.done, self.count = pid, threading.Event(), 0
        self.start()

    def run(self):
        while not self.done.wait(0.05):
            os.kill(self.pid, signal.SIGHUP)
            self.count += 1

    def stop(self):
        self.done.set()
        self.join()


def reload_once(bench, reload, sink):
    """sink: file, or one that takes nothing any more: pipe, journal."""
    level = {"log": {"level": '"debug"'}}
    options, ends = {}, []
    if sink == "pipe":
        ends = os.pipe()
        os.set_blocking(ends[1], False)
        try:
            while True:
                os.write(ends[1], b"\n" * 4096)
        except BlockingIOError:
            os.set_blocking(ends[1], True)
        options["stderr"] = ends[1]
    elif sink == "journal":
        options["wrapper"] = [sys.executable, pathlib.Path(__file__).with_name("benchrig.py")]
        options["target"] = "journal"
    try:
        daemon = bench.rig.twampd(**level, **options)
        hangups = None
        try:
            hangups = Hangups(daemon.pid) if reload else None
            return bench.rig.load(daemon, rate=20000, seconds=1 if bench.quick else 2, warmup=0.2)
        finally:
            if hangups:
                hangups.stop()
            bench.rig.stop(daemon.process)
    finally:
        for end in ends:
            os.close(end)


def bench_reload(bench):
    bench.rig.set_kind("whole")
    cells = {"undisturbed": lambda: reload_once(bench, False, "file"),
             "SIGHUP every 50 ms": lambda: reload_once(bench, True, "file"),
             "the same, stderr not read": lambda: reload_once(bench, True, "pipe"),
             "the same, journal stopped": lambda: reload_once(bench, True, "journal")}
    found = bench.interleave(cells, 2 if bench.quick else None)
    lost = {name: [r["sent"] - r["received"] - r["own_drops"] for r in runs]
            for name, runs in found.items()}
    rows = []
    for name, values in lost.items():
        key = "reload." + re.sub(r"\W+", "_", name)
        spread = bench.note(key + ".lost", values)
        rows.append([name, spread.text(1, 0),
                     *microseconds(bench, key, found[name], "dwell")])
        if name != "undisturbed":  # dozens of reloads in every round: one without loss tells
            least = min(lost["undisturbed"])
            bench.judge(f"{name}: no packet lost that would not be lost without (least of the "
                        "rounds)", min(values), min(values) <= least,
                        f"{min(values)}, without {least}; {spread.text(1, 0)}")
    bench.table("One session of 20,000 packets/s, log level debug: packets lost, dwell (us)",
                ["what", "lost", "p50", "p99", "p99.9", "max"], rows)


# --- scrapes ------------------------------------------------------------------------------

class Scrapes(threading.Thread):
    """What a Prometheus or a status page asks for, once a second."""

    def __init__(self, path, what):
        super().__init__()
        self.path = str(path)
        self.what = what
        self.ended = threading.Event()
        self.start()

    def ask(self, what):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.path)
            s.sendall(f"GET {what} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head = s.recv(15)
            while s.recv(65536):
                pass
        if head != b"HTTP/1.1 200 OK":
            raise Failed(f"{what}: {head!r}")

    def run(self):
        while not self.ended.wait(1):
            for what in self.what:
                self.ask(what)

    def stop(self):
        self.ended.set()
        self.join()


def scrape_once(bench, *what):
    path = bench.rig.folder / "http"
    daemon = bench.rig.twampd(metrics={"socket": f'"{path}"'})
    scrapes = None
    try:
        scrapes = Scrapes(path, what) if what else None
        return bench.rig.load(daemon, flows=1000, rate=20000, seconds=2 if bench.quick else 5,
                              warmup=0.2)
    finally:
        if scrapes:
            scrapes.stop()
        bench.rig.stop(daemon.process)


def bench_scrape(bench):
    bench.rig.set_kind("whole")
    page = "/api/v1/sessions?sort=-age_s"
    found = bench.interleave({
        "undisturbed": lambda: scrape_once(bench),
        "a scrape every second": lambda: scrape_once(bench, "/metrics"),
        "and a list of the sessions": lambda: scrape_once(bench, "/metrics", page)})
    rows = [[name, *microseconds(bench, "scrape." + re.sub(r"\W+", "_", name), runs, "dwell")]
            for name, runs in found.items()]
    p99 = {name: pick(runs, "dwell", "p99") for name, runs in found.items()}
    ratio = bench.ratio("scrape.p99", p99["a scrape every second"], p99["undisturbed"])
    bench.judge("p99 dwell with a scrape every second: <= 1.2 x without",
                median(ratio.values), median(ratio.values) <= 1.2, ratio.text(1, 2))
    bench.table("1000 sessions of 20,000 packets/s in all, metrics and the first page of the "
                "sessions asked for: dwell (us)", ["what", "p50", "p99", "p99.9", "max"], rows)


# --- system calls -------------------------------------------------------------------------

def reflector_thread(pid):
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip().startswith("twampd/refl"):
            return int(task.name)
    raise Failed("twampd has no reflector thread")


def count_calls(bench, reflector, thread, **options):
    """System calls by name, and packets, while the generator runs."""
    path = bench.rig.folder / "strace"
    trace = subprocess.Popen(["strace", "-f", "-c", "-p", str(thread), "-o", str(path)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    bench.rig.children.append(trace)
    time.sleep(0.3)
    before = bench.rig.replies(41)
    try:
        bench.rig.load(reflector, **options)
    finally:
        after = bench.rig.replies(41)
        trace.send_signal(signal.SIGINT)
        trace.wait(10)
        bench.rig.children.remove(trace)
    calls = {}
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3])
    if not calls:
        raise Failed("strace counted nothing")
    return calls, after - before


def bench_syscalls(bench):
    bench.rig.set_kind("steered")
    rows, share = [], {}
    daemon = bench.rig.twampd()
    try:
        for label, options in (("saturated", {"seconds": 1.0}),
                               ("1000/s", {"rate": 1000, "seconds": 2})):
            calls, packets = count_calls(bench, daemon, reflector_thread(daemon.pid), **options)
            rows.append(calls_row(bench, "twampd", label, calls, packets, share))
    finally:
        bench.rig.stop(daemon.process)

    def go(yard):
        return count_calls(bench, yard, yard.pid, seconds=1.0)

    calls, packets = with_yard(bench, "ceiling", go)
    rows.append(calls_row(bench, "ceiling", "saturated", calls, packets, share))
    bench.table("System calls of the reflector thread (strace -c)",
                ["reflector", "load", "packets", "calls", "per packet", "by name"], rows)
    ours = share["twampd", "saturated"]
    bench.judge("no system call per packet beyond the batch's: <= 4 in 32 packets, saturated",
                ours, ours <= 0.125, f"{ours:.3f} (ceiling {share['ceiling', 'saturated']:.3f})")


def calls_row(bench, name, label, calls, packets, share):
    total = sum(calls.values())
    share[name, label] = total / max(packets, 1)
    bench.note(f"syscalls.{name}.{label.replace('/', '_')}.per_packet", [share[name, label]])
    names = ", ".join(f"{n} {c}" for n, c in sorted(calls.items(), key=lambda x: -x[1])[:6])
    return [name, label, f"{packets:.0f}", str(total), f"{share[name, label]:.3f}", names]
