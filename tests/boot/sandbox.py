# SPDX-License-Identifier: BSD-2-Clause
"""Each line of the sandbox of twampd.service shown to have its effect.

A probe is a command that works in a service without that line and fails in one with nothing
but that line, as the installed unit has it. `extra` is set for both. What cannot be shown like
this is in ELSEWHERE, with where it is shown or why it is not.
"""

import dataclasses

PERL_SYSCALL = {"x86_64": {"mmap": 9, "adjtimex": 159}, "aarch64": {"mmap": 222, "adjtimex": 171}}


BOUND = "/usr /lib -/lib64 /bin /sbin"  # what a probe needs to run at all


@dataclasses.dataclass
class Probe:
    command: str
    extra: tuple = ()


def probes(machine):
    numbers = PERL_SYSCALL.get(machine.run("uname", "-m").stdout.strip())
    table = {
        "User": Probe("touch /etc/probe && rm /etc/probe"),
        "CapabilityBoundingSet": Probe("touch /tmp/probe && chown nobody /tmp/probe"),
        "PrivateUsers": Probe('[ "$(readlink /proc/self/ns/user)" = "$HOST_USER" ]'),
        "NoNewPrivileges": Probe("grep -q 'NoNewPrivs:.*0' /proc/self/status"),
        "ProtectSystem": Probe("touch /usr/probe && rm /usr/probe"),
        "ProtectHome": Probe("ls /root/marker"),
        "RootDirectory": Probe("test -e /etc/passwd", ("MountAPIVFS=yes", "BindReadOnlyPaths=" + BOUND)),
        "PrivateTmp": Probe("ls /tmp/marker"),
        "PrivateDevices": Probe("ls /dev/marker"),
        "PrivateMounts": Probe('[ "$(readlink /proc/self/ns/mnt)" = "$HOST_MNT" ]'),
        "PrivateIPC": Probe('[ "$(readlink /proc/self/ns/ipc)" = "$HOST_IPC" ]'),
        "ProtectKernelTunables": Probe("head -c 1 /proc/kallsyms | grep -q ."),
        "ProtectKernelModules": Probe("ls /usr/lib/modules/marker"),
        "ProtectKernelLogs": Probe("dmesg >/dev/null"),
        "ProtectControlGroups": Probe("mkdir /sys/fs/cgroup/probe && rmdir /sys/fs/cgroup/probe"),
        "ProtectHostname": Probe("hostname testbed"),
        "ProtectProc": Probe("test -d /proc/1", ("User=nobody",)),
        "ProcSubset": Probe("test -e /proc/meminfo"),
        "RestrictNamespaces": Probe("unshare --net true"),
        "RestrictRealtime": Probe("chrt --rr 1 true"),
        "RestrictSUIDSGID": Probe("touch /tmp/probe-s && chmod u+s /tmp/probe-s"),
        "LockPersonality": Probe("setarch --addr-no-randomize true"),
        "UMask": Probe("umask | grep -q 022"),
        "RestrictAddressFamilies": Probe("perl -MSocket -e 'socket(S, 17, SOCK_DGRAM, 0) or exit 1'"),
        "SystemCallFilter": Probe("!/usr/sbin/chroot / /bin/true"),
        "LimitNOFILE": Probe('[ "$(ulimit -n)" -le 1024 ]'),
    }
    if numbers:
        table["MemoryDenyWriteExecute"] = Probe(
            "perl -e 'exit(syscall(%d, 0, 4096, 7, 34, -1, 0) == -1)'" % numbers["mmap"])
    return table


ELSEWHERE = {
    "MountAPIVFS": "goes with RootDirectory: /proc, /sys and /dev are in it, which the service needs",
    "BindReadOnlyPaths": "goes with RootDirectory: nothing else is in it, which its probe shows",
    "AmbientCapabilities": "capabilities_are_gone reads them from the kernel",
    "RemoveIPC": "files_in_shm_go_with_the_service",
    "RuntimeDirectory": "a_reload_fails_as_the_daemon_does reads the verdict from there",
    "RuntimeDirectoryPreserve": "goes with RuntimeDirectory",
    "KeyringMode": "no tool in a small system shows keyrings",
    "AppArmorProfile": "needs a kernel with AppArmor; the syntax is checked by apparmor_parser",
    "SystemCallArchitectures": "needs a program of another architecture",
    "SystemCallErrorNumber": "goes with SystemCallFilter",
    "MemoryDenyWriteExecute": "its probe knows system calls of amd64 and arm64 only",
    # not of the sandbox
    "Type": "", "NotifyAccess": "", "ExecStart": "", "ExecReload": "", "Restart": "",
    "RestartSec": "", "RestartPreventExitStatus": "", "WatchdogSec": "", "TimeoutStopSec": "",
    "RestartKillSignal": "", "FileDescriptorStoreMax": "", "FileDescriptorStorePreserve": "",
    "ReloadSignal": "",
}


def lines_of(machine, unit="/lib/systemd/system/twampd.service"):
    """(option, value) of [Service], as installed."""
    section = machine.run("cat", unit).stdout.split("[Service]\n")[1].split("\n[")[0]
    return [tuple(line.split("=", 1)) for line in section.splitlines()
            if "=" in line and not line.startswith("#")]


def prepare(machine):
    """What probes look for."""
    machine.shell("mkdir -p /usr/lib/modules && mknod /dev/marker c 1 3 &&"
                  "touch /usr/lib/modules/marker /root/marker /tmp/marker")


def attempt(machine, properties, command):
    """Run it in a service of its own with these properties; the process."""
    names = {"HOST_" + n.upper(): machine.run("readlink", "/proc/1/ns/" + n).stdout.strip()
             for n in ("user", "mnt", "ipc")}
    argv = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect"]
    argv += ["--property=" + p for p in properties]
    argv += ["--setenv=%s=%s" % pair for pair in names.items()]
    argv += command[1:].split() if command.startswith("!") else ["/bin/sh", "-c", command]
    return machine.run(*argv, check=False)


def try_option(machine, option, value, probe):
    """What is wrong, or None; or why it cannot be told here, as ("skip", reason)."""
    without = attempt(machine, probe.extra, probe.command)
    if without.returncode:
        return "skip", "%s: the probe does not work here at all: %s" % (
            option, without.stderr.strip())
    if not attempt(machine, [*probe.extra, "%s=%s" % (option, value)], probe.command).returncode:
        return "%s=%s has no effect on: %s" % (option, value, probe.command)
    return None
