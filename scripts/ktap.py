# SPDX-License-Identifier: GPL-2.0
"""Counting the tests in KTAP or TAP output, or in a mere exit status"""

import re

PLAN = re.compile(r"^( *)1\.\.(\d+)(.*)$")
LINE = re.compile(r"^( *)(ok|not ok)\b(?: (\d+))?(?:[ -]*)(.*)$")
LAST_WORDS = 100  # lines kept of what a test said that failed
SKIP = re.compile(r"#\s*SKIP\b\s*(.*)$", re.I)


class Results:
    """The leaves of one suite's output: a test that only sums up the tests
    indented under it does not count, unless it failed by itself."""

    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failed = []
        self.skips = []
        self.complaints = []  # what the tests that failed said before they did
        self._said = []
        self._below = {}  # indent: [tests, failures] not yet summed up
        self._plans = {}  # indent: tests announced

    def line(self, line):
        plan = PLAN.match(line)
        if plan:
            indent, tests = len(plan.group(1)), int(plan.group(2))
            self._plans[indent] = tests
            skip = SKIP.search(plan.group(3))
            if skip and tests == 0:
                self._skip(skip.group(1))
            return
        match = LINE.match(line)
        if not match:
            self._said.append(line)
            return
        said, self._said = self._said, []
        indent, bad = len(match.group(1)), match.group(2) == "not ok"
        name = match.group(4).strip() or match.group(3) or "?"
        tests, failures = self._sum_up(indent, name)
        level = self._below.setdefault(indent, [0, 0])
        level[0] += 1
        level[1] += bad
        if bad:
            self.complaints += said[:LAST_WORDS]
        if tests and (failures or not bad):
            return
        skip = SKIP.search(name)
        if skip:
            self._skip(skip.group(1) or name)
        elif bad:
            self.failed.append(name)
        else:
            self.passed += 1

    def _skip(self, why):
        self.skipped += 1
        self.skips.append(why)

    def _sum_up(self, indent, name):
        """Forget what lies deeper than indent, once it is as many as planned"""
        tests = failures = 0
        for depth in [d for d in {**self._below, **self._plans} if d > indent]:
            seen, bad = self._below.pop(depth, (0, 0))
            planned = self._plans.pop(depth, seen)
            if seen != planned:
                self.failed.append(f"{name}: {planned} tests planned, {seen} seen")
            tests, failures = tests + seen, failures + bad
        return tests, failures

    def end(self, status=0):
        """No more lines; the program that printed them exited with status"""
        planned = bool(self._plans)
        self._sum_up(-1, "suite")
        if not (self.passed or self.skipped or self.failed):
            if status == 4:  # the selftests' code for "cannot run here"
                self.skipped += 1
            elif status == 0 and not planned:
                self.passed += 1
        if status not in (0, 4) and not self.failed:
            self.failed.append(f"exit status {status}")

    def __str__(self):
        text = f"{self.passed} passed, {len(self.failed)} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")
