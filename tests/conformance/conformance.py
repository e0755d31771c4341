#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/conformance.md from docs/requirements.tsv and from the tags in the tests.

A tag is the id of a requirement in a comment or a docstring: R-082, or R-040..R-046 for those of
the list that lie between. It belongs to the test that it stands in or before; in a table or a
helper, to the first test of the file that uses it. What the head of a file says is no tag, and
neither is what stands in other strings.

--write     make docs/conformance.md
--check     complain when the document is not what would be made, when a tag or the list names
            what is not there, when a requirement has neither test nor reason or has both, and
            when a test with a tag is not run
--missing   the ids without test and reason, one a line
--selftest  each of these complaints is made about a tree that deserves it
"""

import argparse
import ast
import bisect
import io
import pathlib
import re
import sys
import tokenize

LIST = "docs/requirements.tsv"
DOCUMENT = "docs/conformance.md"
COLUMNS = ["id", "level", "source", "text", "no test"]
LEVELS = {"MUST", "SHALL", "SHOULD", "MAY", "P"}
REASON = re.compile(r"(later|design|untestable): \S|see:( " + r"[RCTQS]-\d+)+$")
ID = r"[RCTQS]-\d+"
TAG = re.compile(rf"(?<![\w-])({ID})(?:\.\.(?:[RCTQS]-)?(\d+))?(?![\w-])")
SHOWN = 3  # tests of a requirement that are named
SOURCES = ["protocol", "daemon", "client", "tests"]  # whose comments may name ids


class Requirement:
    def __init__(self, area, fields):
        self.area = area
        self.id, self.level, self.source, self.text, self.reason = fields
        self.tests = set()

    @property
    def see(self):
        """The ids whose tests show this one too."""
        return re.findall(ID, self.reason) if self.reason.startswith("see:") else []


def read_list(root):
    """{id: Requirement} in the order of the file, and complaints."""
    requirements, faults, area = {}, [], ""
    for number, line in enumerate((root / LIST).read_text().splitlines(), 1):
        place = f"{LIST}:{number}"
        if line.startswith("## "):
            area = line[3:]
        fields = line.split("\t")
        if not line or line.startswith("#") or fields == COLUMNS:
            continue
        fields += [""] * (len(COLUMNS) - len(fields))
        if len(fields) != len(COLUMNS) or not all(fields[:4]) or fields[1] not in LEVELS:
            faults.append(f"{place}: not id, level, source, text and perhaps why there is no test")
        elif not re.fullmatch(ID, fields[0]) or not area:
            faults.append(f"{place}: no id, or no heading above it")
        elif fields[0] in requirements:
            faults.append(f"{place}: {fields[0]} is there twice")
        elif fields[4] and not REASON.match(fields[4]):
            faults.append(f"{place}: a reason is later:, design:, untestable: or see: IDS")
        else:
            requirements[fields[0]] = Requirement(area, fields)
    return requirements, faults


def ids_in(text, requirements):
    """The ids that a comment names; of a range, its ends and what of the list lies between."""
    for match in TAG.finditer(text):
        yield match[1]
        if match[2]:
            letter, first = match[1].split("-")
            last = f"{letter}-{match[2]}"
            yield last
            for known in requirements:
                other, number = known.split("-")
                if (other == letter and int(first) < int(number) < int(match[2]) and
                        len(number) >= min(len(first), 3)):  # S-1 is a code, S-001 is of STAMP
                    yield known


class Unit:
    """Something at the outermost level of a file: lines first to last, counted from 1."""

    def __init__(self, name, first, last, kind, text):
        self.name, self.first, self.last, self.kind, self.text = name, first, last, kind, text

    def uses(self, other):
        return re.search(rf"\b{re.escape(other.name)}\b", self.text) is not None


C_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def c_comments(text):
    """[(line, last line, comment)], and the text without comments and strings."""
    comments = []

    def replace(match):
        if match[0].startswith("/"):
            line = text.count("\n", 0, match.start()) + 1
            comments.append((line, line + match[0].count("\n"), match[0]))
        return blank(match[0])

    code = C_TOKEN.sub(replace, text)
    # what is left of strings cannot hide braces any more, nor can macros
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: blank(m[0]), code, flags=re.M)
    return comments, code


def c_name(head):
    """(name, kind) of what begins with @head, the text before the first brace or the end."""
    test = re.match(r"\s*(?:START_TEST|[A-Z][A-Z_0-9]*)\s*\(\s*(\w+)", head)
    if test:
        return test[1], "test"
    if re.match(r"\s*typedef\b", head):
        return None, None
    table = re.search(r"(\w+)\s*(?:\[[^=]*\])?\s*=", head)
    if table:
        return table[1], "table"
    function = re.search(r"(\w+)\s*\(", head)
    if function and head.rstrip().endswith(")"):
        return function[1], "helper"
    return None, None


def c_units(code):
    """Functions, tests and tables of a file without comments, strings and directives."""
    lines = code.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def line_of(position):
        return bisect.bisect_right(starts, position)

    position = 0
    while match := re.compile(r"\S").search(code, position):
        begin = match.start()
        in_test = re.compile(r"START_TEST\s*\(\s*(\w+)\s*\)").match(code, begin)
        if in_test:
            end = code.find("END_TEST", begin)
            end = len(code) if end < 0 else end + len("END_TEST")
            name, kind = in_test[1], "test"
        else:
            end, head = c_extent(code, begin)
            name, kind = c_name(head)
        if name:
            yield Unit(name, line_of(begin), line_of(end - 1), kind, code[begin:end])
        position = max(end, begin + 1)


def c_extent(code, begin):
    """Where a declaration, definition or call of a macro ends, and its text up to a brace."""
    depth, head_end = 0, None
    for match in re.compile(r"[(){};]").finditer(code, begin):
        mark = match[0]
        if mark == "{" and depth == 0 and head_end is None:
            head_end = match.start()
        if mark in "({":
            depth += 1
        elif mark in ")}":
            depth -= 1
        head = code[begin:head_end if head_end is not None else match.start()]
        if depth == 0 and mark == ";":
            return match.end(), head
        if depth <= 0 and mark == "}" and head.rstrip().endswith(")"):
            return match.end(), head
    return len(code), code[begin:head_end]


def python_units(node, lines, of=""):
    """The units of a statement. A loop that calls test(FUNCTION...) counts as that test."""
    first = min([node.lineno] + [d.lineno for d in getattr(node, "decorator_list", [])])
    source = "\n".join(lines[first - 1:node.end_lineno])
    made = re.search(r"\btest\((\w+)", source)
    name, kind = None, "helper"
    if isinstance(node, ast.ClassDef):
        for inner in node.body:
            yield from python_units(inner, lines, node.name + ".")
        name = node.name
    elif isinstance(node, ast.FunctionDef):
        name = of + node.name
        if node.name.startswith("test_") or any("test" in ast.unparse(d)
                                                for d in node.decorator_list):
            kind = "test"
    elif isinstance(node, ast.For) and made:
        name, kind = made[1], "test"
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name, kind = node.targets[0].id, "table"
    if name:
        yield Unit(name, first, node.end_lineno, kind, source)


def python_parts(text):
    """[(line, last line, comment or docstring)] and units. Module docstrings are left out."""
    comments = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments.append((token.start[0], token.start[0], token.string))
    units, lines = [], text.splitlines()
    for node in ast.parse(text).body:
        units += python_units(node, lines)
        for inner in ast.walk(node):
            if isinstance(inner, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(inner):
                comments.append((inner.body[0].lineno, inner.body[0].end_lineno,
                                 ast.get_docstring(inner)))
    head = re.match(r"(?:#[^\n]*\n|\s)*", text)[0].count("\n")
    return [c for c in comments if c[1] > head], units


def c_parts(text):
    comments, code = c_comments(text)
    include = re.search(r"^\s*#\s*(?:include|pragma)\b", text, re.M)
    head = text.count("\n", 0, include.start()) if include else 0
    return [c for c in comments if c[1] > head], list(c_units(code))


def owner(units, first, last):
    """The unit that a comment stands in, behind, or before."""
    for unit in units:
        if unit.first <= first <= unit.last:
            return unit
    return next((unit for unit in units if unit.first >= last), None)


def test_of(units, unit):
    """The first test that uses @unit, through others if need be; itself if there is none."""
    seen, at = {unit}, [unit]
    while at:
        tests = [u for u in units if u in at and u.kind == "test"]
        if tests:
            return tests[0]
        at = [u for u in units if u not in seen and any(u.uses(other) for other in at)]
        seen.update(at)
    return unit


def tags_of(text, suffix, requirements):
    """(id, test or None for a tag before nothing, whether that test is run)."""
    comments, units = python_parts(text) if suffix == ".py" else c_parts(text)
    for first, last, comment in comments:
        ids = list(ids_in(comment, requirements))
        if not ids:
            continue
        unit = owner(units, first, last)
        test = test_of(units, unit) if unit else None
        is_run = suffix == ".py" or not test or test.kind != "test" or \
            len(re.findall(rf"\b{test.name}\b", text)) > 1
        for name in ids:
            yield name, test.name if test else None, is_run


def is_built(path):
    """Whether the meson.build beside a test program names it."""
    build = path.parent / "meson.build"
    names = {path.stem, path.name, path.stem.removeprefix("test-")}
    return build.is_file() and any(f"'{name}'" in build.read_text() for name in names)


def test_files(root, folders=("tests",), suffixes=(".c", ".h", ".py")):
    own = root / "tests/conformance"
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and own not in path.parents and path.is_file():
                yield path


def collect(root):
    """The requirements with their tests, and complaints."""
    requirements, faults = read_list(root)
    for path in test_files(root):
        name = path.relative_to(root).as_posix()
        short = path.relative_to(root / "tests").as_posix()
        text = path.read_text()
        if re.search(r"^START_TEST\b", text, re.M) and not is_built(path):
            faults.append(f"{name} is not in the meson.build beside it")
        for tag, test, is_run in tags_of(text, path.suffix, requirements):
            if tag not in requirements:
                continue  # check_names tells
            if test is None:
                faults.append(f"{name}: no test follows the tag {tag}")
            elif not is_run:
                faults.append(f"{name}: {test} shows {tag}, but is not run")
            else:
                requirements[tag].tests.add(f"{short}: {test}")
    faults += check_names(root, requirements)
    faults += [fault for r in requirements.values() for fault in check_one(requirements, r)]
    return requirements, faults


def check_names(root, requirements):
    """What comments anywhere name is in the list."""
    for path in test_files(root, SOURCES, (".c", ".h", ".def", ".py")):
        text = path.read_text()
        if path.suffix == ".py":
            tokens = tokenize.generate_tokens(io.StringIO(text).readline)
            comments = [t.string for t in tokens if t.type in (tokenize.COMMENT, tokenize.STRING)]
        else:
            comments = [comment for _, _, comment in c_comments(text)[0]]
        for name in sorted({n for c in comments for n in ids_in(c, requirements)}):
            if name not in requirements:
                yield f"{path.relative_to(root).as_posix()}: {name} is not in {LIST}"


def check_one(requirements, r):
    if not r.reason and not r.tests:
        yield f"{r.id} has neither a test nor a reason: {r.text}"
    if r.reason and r.tests and not r.see:
        yield f'{r.id} has a test ({min(r.tests)}) and the reason "{r.reason}"'
    for name in r.see:
        if name not in requirements:
            yield f"{r.id}: see {name}, which is not in {LIST}"
        elif requirements[name].reason:
            yield f"{r.id}: see {name}, which has no test of its own"


def evidence(r):
    if r.tests:
        tests = sorted(r.tests)
        more = f" +{len(tests) - SHOWN}" if len(tests) > SHOWN else ""
        return ", ".join(f"`{test}`" for test in tests[:SHOWN]) + more
    if r.see:
        return "as " + ", ".join(r.see)
    return r.reason or "**nothing**"


def document(requirements):
    out = ["# Conformance", "",
           "<!-- Made by tests/conformance/conformance.py --write: do not edit. -->", "",
           "These are the requirements of twampd and twamp, with the tests that show each of them.",
           "", "The letter of an id names its kind:", "",
           "- R: behaviour of server and client", "- C: control messages", "- T: test packets",
           "- Q: questions that the RFCs leave open", "- S: Accept codes in practice", "",
           "MUST, SHALL, SHOULD and MAY are the levels of the RFC. P marks a decision of the",
           "project where the RFCs are silent. A test is named by its file, below `tests/`, and",
           "its name; +n is the number of further tests. \"as\" names requirements whose tests show",
           "this one, too. Other requirements have no test, and a word says why: later (not built),",
           "design (the structure of the code ensures it), untestable.", "",
           "| level | with tests | by tests of others | without tests |", "|---|---|---|---|"]
    for level in ("MUST", "SHALL", "SHOULD", "MAY", "P"):
        of = [r for r in requirements.values() if r.level == level]
        tested = [r for r in of if r.tests]
        see = [r for r in of if r.see and not r.tests]
        out.append(f"| {level} | {len(tested)} | {len(see)} | {len(of) - len(tested) - len(see)} |")
    area = None
    for r in requirements.values():
        if r.area != area:
            area = r.area
            out += ["", f"## {area}", "", "| id | RFC | level | requirement | shown by |",
                    "|---|---|---|---|---|"]
        out.append(f"| {r.id} | {r.source} | {r.level} | {r.text} | {evidence(r)} |")
    return "\n".join(out) + "\n"


def check(root):
    requirements, faults = collect(root)
    path = root / DOCUMENT
    if not path.is_file() or path.read_text() != document(requirements):
        faults.append(f"{DOCUMENT} is not up to date: python3 tests/conformance/conformance.py"
                      " --write")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    for option in ("--write", "--check", "--missing", "--selftest"):
        what.add_argument(option, action="store_true")
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[2])
    arguments = parser.parse_args()
    if arguments.selftest:
        import selftests  # which needs this file
        faults = list(selftests.selftest())
    elif arguments.check:
        faults = check(arguments.root)
    else:
        requirements, faults = collect(arguments.root)
        if arguments.write:
            (arguments.root / DOCUMENT).write_text(document(requirements))
        else:
            faults = [f"{r.id}\t{r.level}\t{r.text}" for r in requirements.values()
                      if not r.tests and not r.reason]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
