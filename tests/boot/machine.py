# SPDX-License-Identifier: BSD-2-Clause
"""A Debian with a booted systemd and journald to install packages in, made of namespaces.

The root is made once with mmdebstrap and kept; each machine writes to a layer in memory. It
needs root and nothing that runs: no systemd, no D-Bus, no container engine. What is left of a
machine that was killed is at most an empty cgroup and an empty folder.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import pathlib
import platform
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import threading

from asserting import pause, wait_for

FORMAT = 1  # another number when roots are made in another way
BASE = ["systemd-sysv", "dbus", "iproute2", "procps", "nftables"]
HERE = pathlib.Path(__file__).resolve().parent
ENVIRONMENT = ["/usr/bin/env", "-i", "--chdir=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
               "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER=",
               "SYSTEMD_COLORS=0"]
# Units that reach for the host, or have nothing to do here.
MASKED = ["console-getty.service", "getty.target", "systemd-timesyncd.service",
          "apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer",
          "e2scrub_reap.service", "fstrim.timer", "systemd-sysctl.service"]
PATIENCE = 60


class Missing(Exception):
    """There can be no machine here; says why."""


def why_not():
    """Why no machine can be booted here, or None."""
    if os.geteuid() != 0:
        return "only root can boot a container"
    for tool in ("mmdebstrap", "unshare", "nsenter", "setpriv", "ip", "dpkg-deb"):
        if not shutil.which(tool):
            return tool + " is not installed"
    probe = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--net", "--uts", "--ipc", "--cgroup",
         "mount", "-t", "tmpfs", "tmpfs", "/tmp"], stderr=subprocess.PIPE, text=True)
    if probe.returncode:
        return "no namespaces here: " + probe.stderr.strip()
    return None


# --- the root -------------------------------------------------------------------------

def own_suite():
    """The release of this machine, by its name."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def sources(cache, suite):
    """Where this machine has its Debian from, for this release; nothing of other vendors."""
    for name in ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"):
        with contextlib.suppress(FileNotFoundError):
            text = pathlib.Path(name).read_text()
            if "debian" in text:
                copy = pathlib.Path(cache, suite + pathlib.Path(name).suffix)
                copy.write_text(re.sub(r"\b%s\b" % own_suite(), suite, text))
                return [copy]
    return []


def dependencies(debs):
    """Names that the packages depend on, first alternatives, so that nothing is fetched later."""
    own = {deb_field(deb, "Package") for deb in debs}
    fields = ", ".join(deb_field(deb, name) for deb in debs for name in ("Depends", "Pre-Depends"))
    names = {part.split("|")[0].split("(")[0].strip() for part in fields.split(",")}
    return sorted(names - own - {""})


def deb_field(deb, name):
    return subprocess.run(["dpkg-deb", "--field", deb, name], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def build_dependencies():
    """What Build-Depends of debian/control names for a build without tests."""
    field = re.search(r"^Build-Depends:(.*(?:\n[ \t].*)*)", (HERE / "../../debian/control").read_text(),
                      re.M).group(1)
    names = {re.sub(r"[(<[|].*", "", part, flags=re.S).strip() for part in field.split(",")
             if "<!nocheck>" not in part}
    names = {name for name in names if not name.startswith("dh-sequence-")} - {"debhelper-compat"}
    return sorted(names | {"build-essential", "debhelper"})


def make_root(cache, packages, suite=None, boots=True):
    """The folder with a root that has these packages; made if it is not there."""
    suite = suite or own_suite()
    include = ",".join((BASE if boots else []) + packages)
    key = hashlib.sha256(json.dumps([FORMAT, suite, include]).encode()).hexdigest()[:12]
    root = pathlib.Path(cache, "root-" + key)
    os.makedirs(cache, exist_ok=True)
    with open(pathlib.Path(cache, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            print("# making %s" % root, flush=True)
            new = pathlib.Path(cache, "new")
            shutil.rmtree(new, ignore_errors=True)
            subprocess.run(
                ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
                 "--include=" + include, "--aptopt=APT::Install-Recommends \"false\"",
                 "--aptopt=Acquire::Retries \"3\"", "--dpkgopt=path-exclude=/usr/share/locale/*",
                 suite, new, *sources(cache, suite)], check=True, stdin=subprocess.DEVNULL)
            for unit in MASKED if boots else ():
                (new / "etc/systemd/system" / unit).symlink_to("/dev/null")
            (new / "etc/hostname").write_text("testbed\n")
            (new / "etc/hosts").write_text("127.0.0.1 localhost testbed\n::1 localhost testbed\n")
            (new / "etc/machine-id").write_text("")
            if boots:
                (new / "var/log/journal").mkdir(exist_ok=True)
            new.rename(root)
    return root


def remove_cgroup(top):
    """As far as nothing is in it."""
    for folder, _, _ in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


# --- the machine ----------------------------------------------------------------------

class Machine:
    def __init__(self, root):
        self.init = self.process = self.master = None
        self.own_mount = False
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="twampd-boot-"))
        try:
            self.make_cgroup()
            self.boot(root)
        except BaseException:
            self.remove()
            raise

    def make_cgroup(self):
        self.cgroup = None
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            before, after = line.split(" - ")
            if after.startswith("cgroup2 "):
                top = pathlib.Path(before.split()[4])
                break
        else:
            top = self.work / "cgroup"
            top.mkdir()
            subprocess.run(["mount", "-t", "cgroup2", "cgroup2", top], check=True)
            self.own_mount = True
        self.top = top
        for old in top.glob("twampd-boot-*"):  # of machines that were killed
            if not pathlib.Path(self.work.parent, old.name).exists():
                remove_cgroup(old)
        self.cgroup = top / self.work.name
        self.cgroup.mkdir()

    def boot(self, root):
        layer = self.work / "layer"
        layer.mkdir()
        self.master, slave = pty.openpty()
        self.console = open(self.work / "console", "wb")
        threading.Thread(target=self.drain, daemon=True).start()
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "setpriv", "--pdeathsig", "KILL",
             HERE / "container.sh", "outer", root, layer, self.cgroup],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        try:
            self.wait(self.find_init, "PID 1")
            self.wait(lambda: self.state() in ("running", "degraded"), "the end of the boot")
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.said())) from None

    def drain(self):
        with contextlib.suppress(OSError):
            while True:
                self.console.write(os.read(self.master, 65536))
                self.console.flush()

    def find_init(self):
        """The host's number of PID 1, once it is systemd."""
        if self.process.poll() is not None:
            raise AssertionError("no boot: " + self.said())
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)
            for pid in pathlib.Path(name).read_text().split():
                if pathlib.Path("/proc", pid, "comm").read_text().strip() == "systemd":
                    self.init = int(pid)
                    return True
        return False

    def said(self):
        pause(0.1, "what is on its way to the console, for whoever reads it")
        return (self.work / "console").read_text(errors="replace")[-3000:]

    def state(self):
        return self.run("systemctl", "is-system-running", check=False).stdout.strip()

    def wait(self, condition, what, patience=PATIENCE):
        """Until condition() is true; its value."""
        return wait_for(condition, what, patience)

    def run(self, *argv, check=True, input=None, timeout=PATIENCE):
        """Run a command inside, as root."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.init), "--mount", "--uts", "--ipc", "--net", "--pid",
             "--cgroup", "--", *ENVIRONMENT, *map(str, argv)],
            stdin=None if input is not None else subprocess.DEVNULL, input=input, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        if check and done.returncode:
            raise AssertionError("%s: status %d\n%s%s" % (" ".join(map(str, argv)),
                                 done.returncode, done.stdout[-2000:], done.stderr[-2000:]))
        return done

    def shell(self, script, check=True):
        return self.run("/bin/sh", "-c", script, check=check)

    def write(self, path, text, mode=0o644):
        self.run("/bin/sh", "-c", 'umask 077; mkdir -p -m 755 "${1%/*}"; cat >"$1"; chmod "$2" "$1"',
                 "sh", path, "%o" % mode, input=text)

    def copy(self, source, path):
        """A file of the host to a path inside."""
        with open(source, "rb") as f:
            subprocess.run(["nsenter", "--target", str(self.init), "--mount", "--", "/bin/sh", "-c",
                            'cat >"$1"', "sh", path], stdin=f, check=True)

    def property(self, name, unit):
        return self.run("systemctl", "show", "--property", name, "--value", unit).stdout.strip()

    def journal(self, *matches):
        """Entries as dictionaries, oldest first."""
        self.run("journalctl", "--sync")
        text = self.run("journalctl", "-q", "-a", "-o", "json", *matches).stdout
        return [json.loads(line) for line in text.splitlines()]

    def host_pid(self, pid):
        """A process of the machine as the host numbers it."""
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                text = status.read_text()
                line = next((x for x in text.splitlines() if x.startswith("NSpid:")), "")
                if (line.split()[-1:] == [str(pid)] and len(line.split()) > 2 and
                        os.readlink(status.parent / "ns/pid") ==
                        os.readlink("/proc/%d/ns/pid" % self.init)):
                    return int(status.parent.name)
        raise AssertionError("no process %s inside" % pid)

    def in_network(self, function):
        """Call it in a child process that is in the machine's network; what it returns."""
        read, write = os.pipe()
        child = os.fork()
        if not child:
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                fd = os.open("/proc/%d/ns/net" % self.init, os.O_RDONLY)
                value = None if libc.setns(fd, 0) else function()
                os.write(write, json.dumps(value).encode())
                os._exit(0)
            except BaseException as error:  # the parent tells
                os.write(write, json.dumps({"error": repr(error)}).encode())
                os._exit(1)
        os.close(write)
        with os.fdopen(read) as f:
            value = json.load(f)
        _, status = os.waitpid(child, 0)
        if status:
            raise AssertionError(value["error"])
        return value

    def remove(self):
        """End everything; kernel and this process take all back."""
        if self.init:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.init, signal.SIGKILL)
        if self.process:
            if not self.init:
                self.process.kill()
            self.process.wait()
        if self.cgroup:
            def gone():
                remove_cgroup(self.cgroup)
                return not self.cgroup.exists()
            with contextlib.suppress(AssertionError):
                wait_for(gone, "the end of all in there", 4)
        if self.own_mount:
            subprocess.run(["umount", self.top], check=False)
        shutil.rmtree(self.work, ignore_errors=True)
