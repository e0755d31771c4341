#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The house rules that a compiler does not see.

includes  a file includes only from its own folder and from folders to its left; some headers are
          for a few files only
circles   modules (a .c file and its header) that include each other, directly or by way of others,
          are few: who reads one of them reads all
names     basenames are unique, so that a symbol's prefix tells its file
spdx      each source file starts with its licence
length    functions of at most 60 lines, nine of ten of at most 30; files of at most 500, those of
          the tests in Python, too
symbols   the pure archives refer to nothing that reads a clock, allocates or does I/O,
          and hold no variables
waits     the daemon calls nothing that waits for others or lists all of the host (docs/loops.md)
naps      tests wait for events: who sleeps does it by pause(), which wants a reason
rows      what has a row in a table (a counter, an event, a reason) is named where it happens
selftest  each of these checks complains about a tree made to break it
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# folder -> ours that it may include from
FOLDERS = {
    "protocol": ["protocol"],
    "daemon/control": ["protocol", "daemon/control"],
    "base": ["protocol", "base"],
    "daemon/config": ["protocol", "daemon/control", "base", "daemon/config"],
    "daemon/reflector": ["protocol", "daemon/control", "base", "daemon/config",
                         "daemon/reflector"],
    "daemon/log": ["protocol", "daemon/control", "base", "daemon/config", "daemon/reflector",
                   "daemon/log"],
    "daemon/admin": ["protocol", "daemon/control", "base", "daemon/config", "daemon/reflector",
                     "daemon/log", "daemon/server", "daemon/admin"],
    "daemon/server": ["protocol", "daemon/control", "base", "daemon/config",
                      "daemon/reflector", "daemon/log", "daemon/server"],
    "daemon/admin": ["protocol", "daemon/control", "base", "daemon/config", "daemon/reflector",
                     "daemon/log", "daemon/server", "daemon/admin"],
    "daemon": ["protocol", "daemon/control", "base", "daemon/config", "daemon/reflector",
               "daemon/log", "daemon/server", "daemon/admin", "daemon"],
    "client/measure": ["protocol", "base", "client/measure"],
    "client/control": ["protocol", "base", "client/measure", "client/control"],
    "client/show": ["protocol", "base", "client/measure", "client/control", "client/show"],
    "client/cli": ["protocol", "base", "client/measure", "client/control", "client/show",
                   "client/cli"],
    "client/ctl": ["protocol", "base", "client/ctl"],
}
PURE = ["protocol", "daemon/control"]
# What a pure file may include from the system: no clock, no allocation, no I/O.
# arpa/inet.h is there for inet_ntop and inet_pton, stdio.h for snprintf; the symbols tell if more is used.
PURE_HEADERS = {"arpa/inet.h", "assert.h", "errno.h", "inttypes.h", "limits.h", "stdarg.h",
                "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "string.h"}
PURE_HEADERS_OF = {"protocol": re.compile(r"nettle/\w+\.h$")}

CIRCLE = 4  # the largest circle of includes

FUNCTION_LINES = 60
FUNCTION_LINES_P90 = 30  # nine of ten are not longer
FILE_LINES = 500
SPDX = "SPDX-License-Identifier: BSD-2-Clause"

# strdup, strerror, strtok and the like are left out on purpose.
PURE_SYMBOLS = {
    "memcpy", "memmove", "memset", "memcmp", "bcmp", "memchr", "explicit_bzero",
    "strlen", "strnlen", "strcmp", "strncmp", "strchr", "strchrnul", "strrchr", "strspn", "strcspn", "strstr",
    "snprintf", "inet_ntop", "inet_pton", "__stack_chk_fail", "__assert_fail", "_GLOBAL_OFFSET_TABLE_",
    "__memcpy_chk", "__memmove_chk", "__memset_chk", "__snprintf_chk", "__explicit_bzero_chk",
}
# nettle neither allocates nor reads a clock. The others come with instrumented builds.
INSTRUMENTS = ("__asan_", "__ubsan_", "__tsan_", "__sanitizer_", "__lsan_", "__gcov_", "__llvm_")
PURE_PREFIXES = ("nettle_", "_nettle_") + INSTRUMENTS

SKIPPED_FOLDERS = re.compile(r"^(build|obj-|\.git$|out$|debian$)")


# Headers that not all of their folder may include: what they show is for these alone.
PRIVATE = {
    "daemon/server/server_parts.h": {f"daemon/server/{name}.c" for name in (
        "announce", "foresee", "handover", "reload", "server", "start", "status", "view")},
}


def source_files(root, suffixes):
    found = []
    for folder, inner, names in os.walk(root):  # what is skipped may change meanwhile
        inner[:] = [name for name in inner if not SKIPPED_FOLDERS.match(name)]
        found += [pathlib.Path(folder, name) for name in names]
    return sorted(path for path in found if path.suffix in suffixes and path.is_file())


def check_includes(root):
    for path in source_files(root, {".c", ".h", ".def"}):
        folder = path.parent.relative_to(root).as_posix()
        name = path.relative_to(root).as_posix()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if match:
                for fault in include_faults(root, folder, match[1] == '"', match[2]):
                    yield f"{name}:{number}: {fault}"
                if folder.startswith("daemon") and name not in PRIVATE.get(match[2], {name}):
                    yield f'{name}:{number}: "{match[2]}" is for a few files only'


def include_faults(root, folder, ours, target):
    if not ours:
        extra = PURE_HEADERS_OF.get(folder)
        if folder in PURE and target not in PURE_HEADERS and not (extra and extra.match(target)):
            yield f"{folder} is pure: <{target}> is not for it"
        return
    if target.endswith(".c"):
        yield f'"{target}": tests go through headers'
    origin = pathlib.PurePosixPath(target).parent.as_posix()
    if folder.startswith("tests"):
        if not (root / target).is_file():
            yield f'"{target}": paths begin at the top of the tree'
    elif folder not in FOLDERS:
        yield f"{folder} is not in the drawing"
    elif not (root / target).is_file():
        yield f'"{target}": paths begin at the top of the tree'
    elif origin not in FOLDERS[folder]:
        yield f'"{target}": {folder} may include from {", ".join(FOLDERS[folder])}'


def modules(root):
    """{module: those that it includes}: a .c file and its header are one."""
    found = {}
    for path in source_files(root, {".c", ".h"}):
        name = path.relative_to(root).with_suffix("").as_posix()
        targets = re.findall(r'^\s*#\s*include\s+"([^"]+)\.h"', path.read_text(), flags=re.M)
        found.setdefault(name, set()).update(target for target in targets if target != name)
    return found


def reached(graph, start):
    seen, left = set(), [start]
    while left:
        for target in graph.get(left.pop(), ()):
            if target not in seen:
                seen.add(target)
                left.append(target)
    return seen


def check_circles(root):
    graph = modules(root)
    reach = {name: reached(graph, name) for name in graph}
    told = set()
    for name in sorted(graph):
        circle = {other for other in reach[name] if name in reach.get(other, ())}
        folder = name.rpartition("/")[0]
        if len(circle) > CIRCLE and not circle & told:
            told |= circle
            yield (f"{folder}: {len(circle)} modules include each other, {CIRCLE} are allowed: "
                   f"{', '.join(sorted(circle))}")


def check_names(root):
    owners = {}
    for path in source_files(root, {".c", ".h", ".py"}):
        folder = path.parent.relative_to(root).as_posix()
        owners.setdefault(path.stem, set()).add(folder)
    for stem, folders in owners.items():
        if len(folders) > 1:
            yield f"{stem} is a file of {' and '.join(sorted(folders))}"


def check_spdx(root):
    paths = source_files(root, {".c", ".h", ".def", ".py", ".sh"})
    for script in ("dev", ".ci/run"):
        if (root / script).is_file():
            paths.append(root / script)
    for path in paths:
        lines = path.read_text().splitlines()
        first = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
        if not first or SPDX not in first[0]:
            yield f"{path.relative_to(root)}: the first line is not {SPDX}"


def function_lengths(path):
    """(name, line, lines between the braces): a body opens and closes in the first column."""
    lines = path.read_text().splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.startswith("}") and start:
            head = " ".join(lines[max(0, start - 7):start - 1])
            head = re.split(r"[;}]", head)[-1]
            names = re.findall(r"\b(?!START_TEST\b)([A-Za-z_]\w*)\s*[()]", head)
            yield (names[0] if names else "?"), start, number - start - 1
            start = None


def check_length(root):
    lengths = {"programs": [], "tests": []}
    for path in source_files(root, {".c", ".h"}):
        name = path.relative_to(root)
        kind = "tests" if name.parts[0] == "tests" else "programs"
        for function, line, count in function_lengths(path):
            lengths[kind].append(count)
            if count > FUNCTION_LINES:
                yield f"{name}:{line}: {function} has {count} lines, {FUNCTION_LINES} are allowed"
    for path in source_files(root, {".c", ".py"}):
        total = len(path.read_text().splitlines())
        if total > FILE_LINES:
            yield f"{path.relative_to(root)}: {total} lines, {FILE_LINES} are allowed"
    for kind, counts in lengths.items():
        counts.sort()
        p90 = counts[len(counts) * 9 // 10] if counts else 0
        print(f"{kind}: {len(counts)} functions, p90 {p90} lines, longest {max(counts, default=0)}")
        if p90 > FUNCTION_LINES_P90:
            yield f"{kind}: one function in ten has {p90} lines or more, {FUNCTION_LINES_P90} are allowed"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def archive_symbols(archive):
    """What an archive defines, and what it needs: [(member, symbol)]."""
    defined, needed, member = set(), [], archive
    for line in run("nm", archive).splitlines():
        fields = line.split()
        if line.endswith(":"):
            member = line[:-1]
        elif len(fields) >= 2 and fields[-2] in "Uwv":
            needed.append((member, fields[-1]))
        elif len(fields) >= 2:
            defined.add(fields[-1])
    return defined, needed


def archive_variables(archive):
    """Names in .data and .bss. Constants with pointers are in .data.rel.ro, which is fine."""
    variable = re.compile(r"\sO\s+(?:\.data|\.bss|\*COM\*)(?:\.(?!rel\.ro)\S*)?"
                          r"\s+[0-9a-f]+\s+(\S+)$")
    for line in run("objdump", "-t", archive).splitlines():
        match = variable.search(line)
        if match:
            yield match[1]


def check_symbols(archives):
    everything = [archive_symbols(archive) for archive in archives]
    defined = set().union(*(own for own, _ in everything))
    instrumented = False
    for _, needed in everything:
        for member, symbol in needed:
            symbol = symbol.split("@")[0]
            instrumented = instrumented or symbol.startswith(INSTRUMENTS)
            if symbol not in defined | PURE_SYMBOLS and not symbol.startswith(PURE_PREFIXES):
                yield f"{member} is pure, but calls {symbol}"
    if not instrumented:  # instruments bring variables of their own
        for archive in archives:
            for variable in archive_variables(archive):
                yield f"{pathlib.Path(archive).name} is pure, but has the variable {variable}"


# What has no place in the folders of the loops. Threads of their own may: where is said here.
WAITS = re.compile(r"\b(getifaddrs|getaddrinfo|getnameinfo|gethostby\w+|sd_notify\w*|sd_pid_notify\w*|"
                   r"syslog|sleep|usleep|system|popen|fopen|sd_journal_\w+|if_nameindex|"
                   r"pthread_mutex_(?:init|lock)|pthread_cond_\w+)\s*\(")
MAY_WAIT = {
    "base/lock.h": {"pthread_mutex_init"},
    "daemon/server/cgroup.c": {"fopen"},  # a thread of its own
    "daemon/server/hostfacts.c": {"fopen"},  # --check-config: there is no loop
    "daemon/log/record.c": {"sd_journal_sendv"},  # the thread of the log
    "daemon/reflector/nic.c": {"if_nameindex"},  # the thread of the clocks
    "daemon/reflector/phc.c": {"pthread_mutex_lock", "pthread_cond_init", "pthread_cond_timedwait",
                               "pthread_cond_signal", "pthread_cond_destroy"},
    "daemon/reflector/worker.c": {"pthread_mutex_lock"},  # PTHREAD_PRIO_INHERIT, a few instructions
}


def check_waits(root):
    for folder in ("base", "daemon/log", "daemon/server", "daemon/reflector", "daemon/admin"):
        for path in source_files(root / folder, {".c", ".h"}):
            name = path.relative_to(root).as_posix()
            text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", " ", path.read_text(), flags=re.S)
            for call in sorted(set(WAITS.findall(text)) - MAY_WAIT.get(name, set())):
                yield f"{name} calls {call}, which may keep a loop waiting"


# Where tests may sleep: in what polls for an event, or keeps a pace; the reason is beside it. What
# the bench measures takes its time.
NAPS = re.compile(r"\b(?:u|nano)?sleep\s*\(|\bpoll\(NULL, 0,")
MAY_NAP = {"tests/system/asserting.py", "tests/unit/reflector/rig.c", "tests/hostile/flood.c",
           "tests/faults/test-faults.c", "tests/unit/server/test-ends.c",
           "tests/unit/server/test-kdf.c"}


def check_naps(root):
    for path in source_files(root / "tests", {".c", ".h", ".py", ".sh"}):
        name = path.relative_to(root).as_posix()
        if name in MAY_NAP or name.startswith(("tests/bench/", "tests/layering/")):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if NAPS.search(line):
                yield f"{name}:{number}: sleeps: wait for an event, or pause() with a reason"


# table -> (how a row begins, what the code has before its name)
TABLES = {
    "daemon/reflector/counters.def": (r"^COUNTER\(\d+, (\w+)", "COUNTER_"),
    "daemon/log/events.def": (r"^X\((\w+)", "LOG_EVENT_"),
    "protocol/accept.h": (r'X\((\w+),\s*"[\w-]+"', "REASON_"),
}


def check_rows(root):
    words = set()
    for path in source_files(root, {".c", ".h"}):
        if path.relative_to(root).parts[0] != "tests":
            words.update(re.findall(r"\w+", path.read_text()))
    for table, (row, prefix) in TABLES.items():
        for name in re.findall(row, (root / table).read_text(), flags=re.M):
            if prefix + name not in words:
                yield f"{table}: {name} has a row, but nothing in the code says {prefix}{name}"


CHECKS = {"includes": check_includes, "circles": check_circles, "names": check_names, "spdx": check_spdx,
          "length": check_length, "waits": check_waits, "naps": check_naps, "rows": check_rows}

GOOD = {
    "protocol/msg.h": f"// {SPDX}\n#pragma once\n#include <stdint.h>\n",
    "protocol/msg.c": f'// {SPDX}\n#include "protocol/msg.h"\n#include <string.h>\n'
                      "int f(void)\n{\n" + "\tx();\n" * FUNCTION_LINES + "}\n"
                      + "\nint g(void)\n{\n}\n" * 20,
    "protocol/accept.h": f"// {SPDX}\nenum accept_code {{\n"
                         "\tACCEPT_OK = 0,\n\tACCEPT_LATE = 1,\n};\n"
                         'X(OK, "ok", ACCEPT_OK, "") \\\n'
                         'X(TOO_LATE, "too-late", \\\n  ACCEPT_LATE, "")\n',
    "daemon/control/control.h": f'// {SPDX}\n#include "protocol/msg.h"\n',
    "daemon/server/server.c": f'// {SPDX}\n#include "daemon/control/control.h"\n'
                              "#include <time.h>\n",
    "daemon/main.c": f'// {SPDX}\n#include "protocol/msg.h"\n'
                     "int x = COUNTER_SEEN + LOG_EVENT_SAID + REASON_OK + REASON_TOO_LATE;\n",
    "daemon/reflector/counters.def": f'// {SPDX}\nCOUNTER(1, SEEN, "seen",\n',
    "daemon/log/events.def": f'// {SPDX}\nX(SAID, LOG_INFO,\n',
    "tests/unit/test_msg.c": f'// {SPDX}\n#include "protocol/msg.h"\n',
}
# check -> (file, text that breaks the rule, what the complaint has to say)
BAD = [
    ("includes", "protocol/up.c", '#include "daemon/control/control.h"\n', "protocol may include"),
    ("includes", "daemon/control/up.c", '#include "daemon/server/x.h"\n', "begin at the top"),
    ("includes", "client/cli/side.c", '#include "daemon/control/control.h"\n',
     "client/cli may include"),
    ("includes", "client/show/up.c", '#include "client/cli/options.h"\n', "begin at the top"),
    ("includes", "protocol/clock.c", "#  include <time.h>\n", "<time.h> is not for it"),
    ("includes", "daemon/control/sock.h", "#include <sys/socket.h>\n", "is not for it"),
    ("includes", "daemon/server/near.c", '#include "server.h"\n', "begin at the top"),
    ("includes", "daemon/server/conn.c",
     {"daemon/server/server_parts.h": f"// {SPDX}\n",
      "daemon/server/view.c": '#include "daemon/server/server_parts.h"\n',
      "daemon/server/conn.c": '#include "daemon/server/server_parts.h"\n'},
     "conn.c:1: \"daemon/server/server_parts.h\" is for a few files only"),
    ("includes", "attic/old.c", '#include "protocol/msg.h"\n', "not in the drawing"),
    ("includes", "tests/unit/test_in.c", '#include "protocol/msg.c"\n', "through headers"),
    ("circles", "protocol/a.h",
     {f"protocol/{one}.h": f'#include "protocol/{next_one}.h"\n'
      for one, next_one in zip("abcde", "bcdea")},
     "protocol: 5 modules include each other, 4 are allowed: protocol/a, protocol/b"),
    ("names", "client/show/msg.c", f"// {SPDX}\n", "msg is a file of client/show and protocol"),
    ("spdx", "client/bare.c", "int x;\n", "client/bare.c: the first line"),
    ("spdx", "tests/late.py", f"#!/usr/bin/env python3\n\n# {SPDX}\n", "tests/late.py"),
    ("length", "client/long.c",
     "static int\nlong_one(int a,\n\tint b)\n{\n" + "\tx();\n" * (FUNCTION_LINES + 1) + "}\n",
     f"long_one has {FUNCTION_LINES + 1} lines"),
    ("length", "client/many.c", ("int h(void)\n{\n" + "\tx();\n" * (FUNCTION_LINES_P90 + 1) + "}\n") * 3,
     f"one function in ten has {FUNCTION_LINES_P90 + 1} lines"),
    ("length", "client/file.c", "\n" * (FILE_LINES + 1), "lines, 500 are allowed"),
    ("length", "tests/unit/test-file.c", "\n" * (FILE_LINES + 1), "lines, 500 are allowed"),
    ("length", "tests/system/test_file.py", "\n" * (FILE_LINES + 1), "lines, 500 are allowed"),
    ("waits", "daemon/server/list.c", "void f(void)\n{\n\tgetifaddrs(&all); /* sleep() */\n}\n",
     "daemon/server/list.c calls getifaddrs"),
    ("waits", "daemon/server/kdf.c", 'void f(void)\n{\n\tpthread_mutex_lock(&l); x("popen(");\n}\n',
     "calls pthread_mutex_lock"),
    ("naps", "tests/system/test_nap.py", f"# {SPDX}\nimport time\ntime.sleep(0.1)\n", "test_nap.py:3: sleeps"),
    ("naps", "tests/unit/test-nap.c", f"// {SPDX}\nint x = usleep(10);\n", "test-nap.c:2: sleeps"),
    ("rows", "daemon/reflector/counters.def", f'// {SPDX}\nCOUNTER(2, LOST, "lost",\n',
     "LOST has a row"),
    ("rows", "daemon/log/events.def", f"// {SPDX}\nX(UNSAID, LOG_INFO,\n", "LOG_EVENT_UNSAID"),
    ("rows", "protocol/accept.h",
     GOOD["protocol/accept.h"] + 'X(NEVER, "never", ACCEPT_LATE, "")\n', "REASON_NEVER"),
]


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def selftest_tree():
    with tempfile.TemporaryDirectory() as folder:
        write_tree(pathlib.Path(folder), GOOD)
        for name, check in CHECKS.items():
            for complaint in check(pathlib.Path(folder)):
                yield f"{name} complains about a good tree: {complaint}"
    for name, path, text, expected in BAD:
        with tempfile.TemporaryDirectory() as folder:
            write_tree(pathlib.Path(folder), GOOD | (text if isinstance(text, dict) else {path: text}))
            complaints = list(CHECKS[name](pathlib.Path(folder)))
            if len(complaints) != 1 or expected not in complaints[0]:
                yield f"{name} on a bad {path}: {complaints or 'nothing'}, not: {expected}"


def selftest_symbols(archives):
    complaints = "\n".join(check_symbols(archives))
    expected = ["calls malloc", "calls clock_gettime"]
    if "calls __asan_" not in complaints and not is_instrumented(archives):
        expected.append("has the variable stray_count")
    for words in expected:
        if words not in complaints:
            yield f"symbols does not see that an archive {words}"
    for words in ("memcpy", "stray_table"):
        if words in complaints:
            yield f"symbols complains about {words}"


def is_instrumented(archives):
    return any(symbol.startswith(INSTRUMENTS)
               for archive in archives for _, symbol in archive_symbols(archive)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="+", choices=[*CHECKS, "symbols", "selftest"])
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--archive", action="append", default=[],
                        help="symbols: pure archives; selftest: one that is not")
    arguments = parser.parse_args()
    complaints = []
    for name in arguments.checks:
        if name == "symbols":
            complaints += check_symbols(arguments.archive)
        elif name == "selftest":
            complaints += selftest_tree()
            complaints += selftest_symbols(arguments.archive)
        else:
            complaints += CHECKS[name](arguments.root)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
