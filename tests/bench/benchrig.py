# SPDX-License-Identifier: BSD-2-Clause
"""The rig of the bench: two network namespaces joined by a veth pair, who runs on which CPU,
and the processes in them. Everything that it makes is gone after close()."""

import ctypes
import json
import os
import pathlib
import platform
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None)
SLICE_NS = 100000
NICE = -15  # other users of the machine disturb less; the same for all that is compared
V4 = ("198.18.0.1", "198.18.0.2")  # reflector, generator
V6 = ("fd00:5457::1", "fd00:5457::2")
SOURCES = 8  # IPv4 addresses of the generator
YARD_PORT = 20000
YARD_PEER_PORT = 40000
CONTROL_PORT = 862
HEADS = {4: 14 + 20 + 8, 6: 14 + 40 + 8}


def shorten_slice():
    """Since Linux 6.12 a task with a short slice does not wait for the end of another's."""
    numbers = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
    number = numbers.get(platform.machine())
    if number:
        # struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period
        attributes = struct.pack("=IIQiIQQQ", 48, 0, 0, 0, 0, SLICE_NS, 0, 0)
        LIBC.syscall(number, 0, attributes, 0)


def rise():
    """In a child: where sessions are scheduled as groups, nice counts only inside of one."""
    os.setsid()
    try:
        pathlib.Path("/proc/self/autogroup").write_text(str(NICE))
    except OSError:
        pass


def rise_quickly():
    rise()
    shorten_slice()


class Failed(Exception):
    """Something could not be measured."""


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise Failed(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


class Reflector:
    """A running reflector, and how the generator reaches it."""

    def __init__(self, process, arguments):
        self.process = process
        self.pid = process.pid
        self.arguments = arguments


class Rig:
    def __init__(self, build, beside=None):
        self.build = pathlib.Path(build)
        self.beside = beside  # another build, whose twampd is measured in the same rounds
        self.programs = self.build / "tests/bench"
        self.scratch = tempfile.TemporaryDirectory(prefix="twampd-bench-")
        self.folder = pathlib.Path(self.scratch.name)
        self.children = []
        self.kind = None
        self.fair = False  # leave the slices as they are
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            raise Failed("two CPUs are needed: one for the reflector, one for the generator")
        self.reflector_cpu, self.generator_cpu = cpus[:2]
        self.sweep()
        self.generator = f"twb{os.getpid()}g"
        self.reflector = f"twb{os.getpid()}r"
        self.make()
        self.schemas = {folder: run(str(folder / "daemon/twampd"), "--schema")
                        for folder in (self.build, self.beside) if folder}

    # --- namespaces ---------------------------------------------------------------------

    @staticmethod
    def sweep():
        """Namespaces of a bench that was killed."""
        for name in re.findall(r"^twb(\d+)[gr]\b", run("ip", "netns", "list"), re.M):
            if not pathlib.Path(f"/proc/{name}").exists():
                for side in "gr":
                    subprocess.run(["ip", "netns", "del", f"twb{name}{side}"],
                                   stderr=subprocess.DEVNULL)

    def make(self):
        run("ip", "netns", "add", self.generator)
        run("ip", "netns", "add", self.reflector)
        run("ip", "link", "add", "gen0", "netns", self.generator, "type", "veth",
            "peer", "name", "rfl0", "netns", self.reflector)
        for namespace, device, side in ((self.reflector, "rfl0", 0), (self.generator, "gen0", 1)):
            run("ip", "-n", namespace, "link", "set", "lo", "up")
            run("ip", "-n", namespace, "addr", "add", V4[side] + "/16", "dev", device)
            run("ip", "-n", namespace, "addr", "add", V6[side] + "/64", "dev", device, "nodad")
            run("ip", "-n", namespace, "link", "set", device, "up")
        for i in range(1, SOURCES):
            run("ip", "-n", self.generator, "addr", "add", f"198.18.0.{2 + i}/16", "dev", "gen0")

    def steer(self, namespace, device, mask):
        run("ip", "netns", "exec", namespace, "sh", "-c",
            f"echo {mask:x} > /sys/class/net/{device}/queues/rx-0/rps_cpus")

    def set_kind(self, kind):
        """steered: the receive half of the reflector's stack runs on the generator's CPU, and
        trains of packets cross the wire in one piece: what is left is the reflector.
        whole: packets cross the wire one by one, and all that the reflector's host does for
        them is on the reflector's CPU."""
        if kind == self.kind:
            return
        whole = kind == "whole"
        self.steer(self.generator, "gen0", 1 << self.generator_cpu)
        self.steer(self.reflector, "rfl0",
                   1 << (self.reflector_cpu if whole else self.generator_cpu))
        run("ip", "-n", self.generator, "link", "set", "dev", "gen0",
            "gso_max_segs", "1" if whole else "65535")
        self.kind = kind

    # --- processes ----------------------------------------------------------------------

    def spawn(self, namespace, cpu, command, **options):
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, "setpriv", "--pdeathsig", "KILL",
             "nice", "-n", str(NICE), "taskset", "-c", str(cpu), *map(str, command)],
            **{"stdin": subprocess.DEVNULL, "text": True, "preexec_fn": rise if self.fair else rise_quickly,
               **options})
        self.children.append(process)
        return process

    def stop(self, process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
        if process in self.children:
            self.children.remove(process)

    def close(self):
        for process in list(self.children):
            if process.poll() is None:
                process.kill()
                process.wait()
        for name in (self.generator, self.reflector):
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
        self.scratch.cleanup()

    # --- reflectors ---------------------------------------------------------------------

    @staticmethod
    def addresses(family):
        return V4 if family == 4 else V6

    def yard(self, name, flows=1, family=4):
        """floor, ceiling, multi-sockets, multi-shared"""
        here, there = self.addresses(family)
        if name == "floor":
            command = ["yard-floor", here, YARD_PORT]
        elif name == "ceiling":
            command = ["yard-ceiling", here, YARD_PORT, there, YARD_PEER_PORT]
        else:
            command = ["yard-multi", name.removeprefix("multi-"), here, YARD_PORT, there,
                       YARD_PEER_PORT, flows]
        process = self.spawn(self.reflector, self.reflector_cpu,
                             [self.programs / command[0], *command[1:]])
        return Reflector(process, ["--server", here, "--port", YARD_PORT, "--source", there,
                                   "--source-port", YARD_PEER_PORT,
                                   "--step", 1 if name == "multi-sockets" else 0])

    def has_setting(self, key, build=None):
        return re.search(rf"^{re.escape(key)} ", self.schemas[build or self.build], re.M) is not None

    def config(self, name="twampd.conf", build=None, **groups):
        """Write settings without limits that would bound the bench; groups change them."""
        keys = self.folder / "twampd.keys"
        if not keys.exists():
            keys.touch(mode=0o600)
            keys.write_text("bench bench\n")
        merged = {
            "auth": {"count": 1024, "queue": 1000, "failure_rate": 0},
            "limits": {"max_connections": 100000, "max_connections_per_client": 100000,
                       "max_sessions": 1000000, "max_sessions_per_client": 1000000,
                       "max_sessions_per_connection": 1000000, "request_rate": 0,
                       "connection_rate": 0},
            # a bench is an overload
            "overload": {"loop_lag": 0, "reflector_busy": 0, "memory_used": 0,
                         "memory_pressure": 0, "send_drops": 0,
                         "receive_drops": 0},
            "ports": {"first": 2000, "last": 65535},
            "reflector": {"threads": 1},
            "log": {"level": '"error"'},
        }
        for group, values in groups.items():
            merged.setdefault(group, {}).update(values)
        lines = [f'listen = ( {{ address = "{V4[0]}"; }}, {{ address = "{V6[0]}"; }} );']
        for group, values in merged.items():
            settings = " ".join(f"{key} = {value};" for key, value in values.items()
                                if self.has_setting(f"{group}.{key}", build))
            lines.append(f"{group} = {{ {settings} }};")
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n")
        return path

    def twampd(self, wrapper=(), target="stderr", stderr=None, build=None, **groups):
        path = self.config(build=build, **groups)
        log = stderr or open(self.folder / "log", "w")
        process = self.spawn(self.reflector, self.reflector_cpu,
                             [*wrapper, (build or self.build) / "daemon/twampd", "--config", path,
                              "--log-target", target], stderr=log)
        if stderr is None:
            log.close()
        self.wait_listening(process)
        return Reflector(process, ["--control", CONTROL_PORT])

    def wait_listening(self, process):
        port = f":{CONTROL_PORT:04X} "
        for _ in range(200):
            if process.poll() is not None:
                raise Failed("twampd ended: " + (self.folder / "log").read_text().strip())
            lines = pathlib.Path(f"/proc/{process.pid}/net/tcp6").read_text()
            if port in lines:
                return
            time.sleep(0.02)
        raise Failed("twampd did not get ready")

    # --- the generator ------------------------------------------------------------------

    def start_load(self, reflector, command="run", family=4, **options):
        here, there = self.addresses(family)
        arguments = [self.programs / "load", command, *reflector.arguments]
        if "--server" not in reflector.arguments:
            arguments += ["--server", here, "--source", there]
        for name, value in options.items():
            arguments += ["--" + name.replace("_", "-")] + ([] if value is True else [value])
        return self.spawn(self.generator, self.generator_cpu, arguments,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish_load(self, process, timeout=120):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Failed("load did not end in time") from None
        finally:
            self.stop(process)
        if process.returncode:
            raise Failed(err.strip() or f"load: status {process.returncode}")
        return json.loads(out)

    def load(self, reflector, command="run", **options):
        """Run the generator to its end. Return what it says."""
        if command == "run":
            options = {"device": "gen0", "pid": reflector.pid, **options}
        result = self.finish_load(self.start_load(reflector, command, **options))
        if result.get("bad"):
            raise Failed(f"{result['bad']} wrong replies")
        return result

    def replies(self, octets, family=4):
        """A reading of the generator's device: packets of so many octets that came so far."""
        folder = "/sys/class/net/gen0/statistics/"
        text = run("ip", "netns", "exec", self.generator, "cat", folder + "rx_bytes",
                   folder + "rx_packets").split()
        return (int(text[0]) - HEADS[family] * int(text[1])) / octets


def blocked_journal(arguments):
    """Become a program whose journal socket nobody reads: in this mount namespace only, which
    is the one that ip netns exec made."""
    import socket
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    os.makedirs("/run/systemd/journal")
    reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    reader.bind("/run/systemd/journal/socket")
    reader.set_inheritable(True)  # open for ever, read never
    writer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    writer.setblocking(False)
    try:
        while True:
            writer.sendto(b"MESSAGE=full\n", "/run/systemd/journal/socket")
    except BlockingIOError:
        pass
    writer.close()
    os.execv(arguments[0], arguments)


def on_signal(number, frame):
    raise SystemExit(128 + number)


def install_signals():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    signal.signal(signal.SIGINT, on_signal)


if __name__ == "__main__":
    blocked_journal(sys.argv[1:])
