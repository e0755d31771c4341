#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""./dev bench: what twampd does on this machine, beside yardsticks measured in the same run.
Needs root (network namespaces) and two CPUs."""

import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from benchbase import Bench  # noqa: E402
from benchcases import BENCHMARKS  # noqa: E402
from benchplot import draw  # noqa: E402
from benchrig import NICE, Failed, Rig, install_signals  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[2]
README = TOP / "tests/bench/README.md"
BEGIN = "<!-- results: ./dev bench --write replaces what follows -->"
END = "<!-- end of results -->"
# Short enough to look at while working.
QUICK = ("reflect", "latency", "setup", "memory", "crypto", "fairness", "reload", "scrape", "syscalls")


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.*)$", info, re.M)
    commit = subprocess.run(["git", "-C", TOP, "describe", "--always", "--dirty"],
                            capture_output=True, text=True).stdout.strip()
    return {"cpu": model[1] if model else platform.machine(), "cpus": os.cpu_count(),
            "kernel": platform.release(), "commit": commit or "unknown", "nice": NICE,
            "virtual": "hypervisor" in info, "load": os.getloadavg()[0],
            "date": time.strftime("%Y-%m-%d")}


def table_text(head, rows, separator=" | "):
    lines = [head, ["-" * len(h) for h in head], *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    lines[1] = ["-" * w for w in widths]
    return "\n".join("| " + separator.join(c.ljust(w) for c, w in zip(line, widths)) + " |"
                     for line in lines)


def report(bench, about, seconds):
    parts = [f"Machine: {about['cpus']} CPUs {about['cpu']}"
             f"{', virtual' if about['virtual'] else ''}, Linux {about['kernel']}, load "
             f"{about['load']:.1f} before. Tree: {about['commit']}, {about['date']}. "
             f"{bench.rounds} rounds, {seconds:.0f} s. Figures: median (min..max) of the rounds."]
    for title, head, rows in bench.tables:
        parts.append(f"**{title}**\n\n{table_text(head, rows)}")
    if bench.verdicts:
        rows = [["PASS" if good else "FAIL", value, criterion]
                for criterion, value, good in bench.verdicts]
        parts.append("**Criteria**\n\n" + table_text(["", "value", "criterion"], rows))
    for failure in bench.failures:
        parts.append(f"NOT MEASURED: {failure}")
    return "\n\n".join(parts) + "\n"


def write_readme(text, picture):
    old = README.read_text()
    before, rest = old.split(BEGIN)
    after = rest.split(END)[1]
    image = "\n![latency against load](latency.svg)\n" if picture else ""
    README.write_text(f"{before}{BEGIN}\n\n{text}{image}\n{END}{after}")


def write_picture(bench, out):
    if not bench.curve:
        return False
    path = out / "bench.svg"
    path.write_text(draw(bench.curve))
    converter = shutil.which("rsvg-convert")
    if converter:
        subprocess.run([converter, "-o", out / "bench.png", path], check=False)
    return True


def measure(bench, names):
    for name in names:
        say(f"{name} ...")
        begin, tables, verdicts = time.monotonic(), len(bench.tables), len(bench.verdicts)
        try:
            BENCHMARKS[name](bench)
        except Failed as error:
            bench.failures.append(f"{name}: {error}")
        for title, head, rows in bench.tables[tables:]:
            print(f"\n{title}\n{table_text(head, rows)}")
        for criterion, value, good in bench.verdicts[verdicts:]:
            print(f"{'PASS' if good else 'FAIL'}  {value}  {criterion}")
        sys.stdout.flush()
        say(f"{name}: {time.monotonic() - begin:.0f} s")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="of " + ", ".join(BENCHMARKS) + "; default all")
    parser.add_argument("--rounds", type=int, help="default 5, with --quick 3")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--write", action="store_true",
                        help="put the results into tests/bench/README.md")
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build", help="meson's folder")
    parser.add_argument("--beside", type=pathlib.Path, metavar="BUILD",
                        help="another build, whose twampd runs in the same rounds: of the tree before a change")
    parser.add_argument("--out", type=pathlib.Path, default=TOP / "out")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    if os.geteuid() != 0:
        sys.exit("bench: needs root: it makes network namespaces")
    install_signals()
    names = arguments.names or (QUICK if arguments.quick else list(BENCHMARKS))
    rounds = arguments.rounds or (3 if arguments.quick else 5)
    begin, about = time.monotonic(), machine()
    try:
        rig = Rig(arguments.build, arguments.beside)
    except Failed as error:
        sys.exit(f"bench: {error}")
    try:
        bench = Bench(rig, rounds, arguments.quick, say)
        measure(bench, names)
    finally:
        rig.close()
    finish(bench, about, arguments, time.monotonic() - begin)


def finish(bench, about, arguments, seconds):
    arguments.out.mkdir(exist_ok=True)
    text = report(bench, about, seconds)
    picture = write_picture(bench, arguments.out)
    (arguments.out / "bench.json").write_text(json.dumps({
        "machine": about, "seconds": round(seconds, 1), "rounds": bench.rounds,
        "quick": bench.quick,
        "results": {name: spread.as_json() for name, spread in bench.results.items()},
        "criteria": [{"criterion": c, "value": v, "pass": g} for c, v, g in bench.verdicts],
        "latency_against_load": bench.curve, "not_measured": bench.failures}, indent=1) + "\n")
    if arguments.write:
        write_readme(text, picture)
        if picture:
            shutil.copy(arguments.out / "bench.svg", README.with_name("latency.svg"))
    passed = sum(good for _, _, good in bench.verdicts)
    print(f"\n{passed} of {len(bench.verdicts)} criteria hold; {seconds:.0f} s; "
          f"results in {arguments.out}/bench.json")
    for failure in bench.failures:
        print(f"NOT MEASURED: {failure}")
    sys.exit(1 if bench.failures else 0)


if __name__ == "__main__":
    main()
