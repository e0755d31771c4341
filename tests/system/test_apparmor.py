#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The AppArmor profile knows every file that twampd opens: what it opens is seen by strace, and
compared with the rules, since a kernel with AppArmor is not everywhere.
"""

import pathlib
import re
import shutil
import tempfile

import harness
from harness import same, test, true

PROFILE = pathlib.Path(__file__).resolve().parents[2] / "systemd/twampd.apparmor"
# What abstractions/base gives every program: libraries, their cache, locales, time zones, the
# program's own maps and status, random numbers.
BASE = re.compile(r"/(usr/)?lib|/etc/(ld\.so|localtime|nsswitch|gai\.conf)|/usr/share/(locale|zoneinfo)"
                  r"|/dev/(null|zero|full|random|urandom)$|/proc/(self|\d+)/(maps|status|auxv)$"
                  r"|/proc/(filesystems|stat|cpuinfo|sys/vm/overcommit_memory|sys/kernel/(ngroups_max|random/uuid))$"
                  r"|/sys/devices/system/cpu/online$|/usr/lib/locale")
VARIABLES = {"@{run}": "/{,var/}run", "@{PROC}": "/proc", "@{pid}": "[0-9]*", "@{tid}": "[0-9]*"}


def pattern(glob):
    """A path of the profile as a regular expression."""
    for name, value in VARIABLES.items():
        glob = glob.replace(name, value)
    out, depth = "", 0
    for part in re.findall(r"\*\*|\[[^]]*\]|.", glob):
        if part == "**":
            out += ".*"
        elif part == "*":
            out += "[^/]*"
        elif part == "{":
            out, depth = out + "(?:", depth + 1
        elif part == "}":
            out, depth = out + ")", depth - 1
        elif part == "," and depth:
            out += "|"
        else:
            out += part if part.startswith("[") else re.escape(part)
    return re.compile(out)


def rules():
    """[(regular expression, permissions)] of files."""
    found = []
    for line in PROFILE.read_text().splitlines():
        match = re.match(r"\s*(?:owner )?((?:/|@\{(?:run|PROC)\})\S*) ([a-z]+),$", line)
        if match:
            found.append((pattern(match[1]), match[2]))
    true(len(found) > 12, "rules of files: %r" % found)
    return found


def opened(log):
    """{(path, "r" or "w")} of what was opened, and was there."""
    for line in log.read_text().splitlines():
        line = line.replace("\"/proc/self/", "\"/proc/1/")  # as the kernel follows the link
        match = re.search(r'\bopen(?:at)?\((?:[A-Z_]+, )?"([^"]+)", (\S+?)[,)].* = \d+', line)
        if match:
            flags = match[2]
            if "O_RDWR" in flags:
                yield match[1], "r"
                yield match[1], "w"
            else:
                yield match[1], "w" if "O_WRONLY" in flags else "r"


def refused(files, known, own):
    """Those that no rule allows; own: folders of this test, in place of the packaged ones."""
    return sorted({"%s %s" % (how, path) for path, how in files
                   if path.startswith("/") and not path.startswith(own) and not BASE.match(path)
                   and not any(rule.fullmatch(path) and how in may for rule, may in known)})


@test
def the_profile_allows_what_is_opened(t):
    strace = shutil.which("strace")
    if not strace or t.run.sanitized:
        raise harness.Skip("needs strace, and a twampd without sanitizers")
    folder = t.stack.enter_context(tempfile.TemporaryDirectory(prefix="twampd-apparmor-"))
    log = pathlib.Path(folder, "opened")
    d = t.daemon(prefix=[strace, "-D", "-f", "-qq", "-o", str(log), "-e", "trace=open,openat", "--"])
    control, sender, target = t.session()
    sender.send(target, bytes(41))
    true(sender.receive(), "a reply")
    d.reload()
    d.terminate()
    files = list(opened(log))
    true(any("/task/" in path and path.endswith("/comm") for path, _ in files),
         "names of threads are written: %r" % files)
    own = ("/tmp/", str(pathlib.Path(t.run.twampd).parent))
    same(refused(files, rules(), own), [], "files that the profile does not allow")
    without = [r for r in rules() if not r[0].fullmatch("/proc/1/task/2/comm")]
    true(refused(files, without, own), "this test sees a rule that is missing")


if __name__ == "__main__":
    harness.main()
