"""Mutation testing of smlib: python tools/mutants.py [MODULE | FUNCTION]...

Plants one small fault at a time in a copy of smlib (a changed sign, constant, argument, comparison:
mutmut makes them), runs the tests that reach it until one fails, and tells which faults pass
unseen. Each of those must stand in tests/equivalent_mutants.txt, with the reason why no test can
see it, and nothing else may.

With names, such as costs or _kernels.label_cost, only the faults in those are planted, and the
results of the others are those of the run before.
"""

import collections
import difflib
import gc
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

from scripts import ROOT

WORK = ROOT / "_build" / "mutants"  # the copy
RESULTS = ROOT / "_build" / "mutants.json"
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.txt"
AT_ONCE = 2
HANGS = 120, 1200  # seconds of computing, and by the clock, after which a fault is seen to hang
MEMORY = 2**33  # bytes that a fault may ask for
LEAST = 0.95

# The modules, each with the tests that are about it, but for those that take long.
TESTS = {
    "_arrays": ("outputs", "costs", "datasets"),
    "_kernels": ("outputs", "costs"),
    "outputs": ("outputs",),
    "costs": ("costs",),
    "gradcheck": ("gradcheck",),
    "many_classes": ("many_classes",),
    "symbolic": ("symbolic",),
    "datasets": ("datasets",),
    "training": ("training",),
    "sharded": ("sharded",),
    "plotting": ("plotting",),
}
TASTE = {"plotting.use_style"}  # colors, sizes and widths: another style would be no fault
PYTEST = [
    "-sq",
    "--tb=native",
    "-o",
    "addopts=",
    "-k",
    "not (0000 or 9000 or threads or megabytes or worker)",
    *(f"-pno:{plugin}" for plugin in ("xdist", "nbval", "cacheprovider")),
]


# --- the faults


def copy():
    """Make WORK a fresh copy of the sources and tests, and the folder that Python imports them from."""
    shutil.rmtree(WORK, ignore_errors=True)
    for name in ("smlib", "tests"):
        shutil.copytree(ROOT / name, WORK / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", WORK)
    os.chdir(WORK)
    sys.path.insert(0, str(WORK))


def plant(module):
    """Write the module with all its faults, each switched off; return what each of them changes."""
    path = Path("smlib", f"{module}.py")
    mutated = mutate_file_contents(str(path), path.read_text(encoding="utf-8"))
    path.write_text(mutated.code, encoding="utf-8")
    lines = mutated.code.splitlines()

    def body(name):
        span = mutated.line_span_by_function_name[name]
        return [line.strip().replace(name, "") for line in lines[span.start - 1 : span.end]]

    found = {}
    for name in mutated.mutant_names:
        function = name.partition("__mutmut_")[0]
        readable = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        what = change(body(f"{function}__mutmut_orig"), body(name))
        if f"{module}.{readable}" not in TASTE:
            found[f"smlib.{module}.{name}"] = f"{module}.{readable}: {what}"
    return found


def change(before, after):
    """Tell the one change between the lines of two functions: the line, with [what it was → is]."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    spans = [span for tag, *span in matcher.get_opcodes() if tag != "equal"]
    i, j, k, m = spans[0][0], spans[-1][1], spans[0][2], spans[-1][3]
    a, b = " ".join(before[i:j]), " ".join(after[k:m])
    a, b = (re.findall(r"\w+|[-<>=!*/&|+~]+|\W", text) for text in (a, b))
    start = len(os.path.commonprefix([a, b]))
    end = len(os.path.commonprefix([a[start:][::-1], b[start:][::-1]]))
    parts = a[:start], a[start : len(a) - end], b[start : len(b) - end], a[len(a) - end :]
    return "{}[{} → {}]{}".format(*map("".join, parts))


# --- the tests: collected once; each fault gets a process of its own, forked from that


class Trials:
    """A pytest plugin that runs the collected tests under one fault after another."""

    def __init__(self, faults):
        self.faults = faults
        self.unseen = {}

    def pytest_runtestloop(self, session):
        self.session = session
        for item in session.items:
            unshrunk(item)
        reached_by = self.reached_by()
        gc.freeze()
        running = {}
        for number, fault in enumerate(self.faults):
            tests = reached_by.get(fault.partition("__mutmut_")[0], [])
            files = [f"test_{name}.py" for name in TESTS[fault.split(".")[1]]]
            tests = [item for item in tests if item.path.name in files]
            if len(running) == AT_ONCE:
                self.wait(running)
            running[self.start(fault, tests)] = fault
            if number % 100 == 0:
                print(f"{number} of {len(self.faults)} faults", flush=True)
        while running:
            self.wait(running)
        return True

    def reached_by(self):
        """Return, for each function, the tests that call it, the quickest first."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
            pid = os.fork()
            if pid == 0:
                json.dump([self.measured(item) for item in self.session.items], file)
                file.flush()
                os._exit(0)
            if os.waitpid(pid, 0)[1]:
                pytest.exit("The tests must pass before a fault is planted", 1)
            file.seek(0)
            measured = json.load(file)
        found = collections.defaultdict(list)
        for number in sorted(range(len(measured)), key=lambda n: measured[n][0]):
            for function in measured[number][1]:
                found[function].append(self.session.items[number])
        return found

    def measured(self, item):
        """Run a test without a fault; return its time and the functions that it calls."""
        set_mutant_under_test("stats")
        state()._stats.clear()
        start = time.process_time()
        if not self.passes(item):
            print(f"{item.nodeid} fails", flush=True)
            os._exit(1)
        return time.process_time() - start, sorted(state()._stats)

    def passes(self, item):
        before = self.session.testsfailed
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return self.session.testsfailed == before

    def start(self, fault, tests):
        """Run the tests under a fault, in a process of their own, until one of them fails."""
        pid = os.fork()
        if pid:
            return pid
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        resource.setrlimit(resource.RLIMIT_CPU, (HANGS[0], HANGS[0]))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        signal.alarm(HANGS[1])
        set_mutant_under_test(fault)
        os._exit(not all(map(self.passes, tests)))

    def wait(self, running):
        pid, status = os.wait()
        fault = running.pop(pid)
        self.unseen[fault] = status == 0
        if status == 0:
            print("unseen:", self.faults[fault], flush=True)


def unshrunk(item):
    """One example that fails is enough: Hypothesis need not look for a smaller one."""
    import hypothesis  # not earlier: pytest rewrites its assertions

    name = "_hypothesis_internal_use_settings"
    if found := getattr(getattr(item, "obj", None), name, None):
        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        setattr(item.obj, name, hypothesis.settings(found, phases=phases))


# --- the verdict


def equivalents():
    """Return how often each equivalent fault is listed, all under a reason."""
    found, reason = collections.Counter(), False
    for line in EQUIVALENT.read_text(encoding="utf-8").splitlines():
        reason = reason or line.startswith("## ")
        if line and not line.startswith("#"):
            if not reason:
                sys.exit(f"{EQUIVALENT.name} gives no reason (## …) for {line}")
            found[line] += 1
    return found


def verdict(results):
    """Print the score of each module, and what is wrong with the list; return the exit status."""
    listed, unseen = equivalents(), collections.Counter()
    for module, faults in results.items():
        missed = [what for what, passed in faults if passed]
        unseen.update(missed)
        print(f"{module:13} {len(faults):5} faults {len(missed):4} unseen")
    stale = [w for w in (listed - unseen).elements() if w.partition(".")[0] in results]
    unlisted = sorted((unseen - listed).elements())
    every = sum(map(len, results.values()))
    equivalent = (listed & unseen).total()
    score = (every - unseen.total()) / (every - equivalent)
    for title, faults in (("Unseen, and not listed as equivalent:", unlisted), ("Listed, but seen or gone:", stale)):
        if faults:
            print(title, *faults, sep="\n  ")
    print(
        f"{every} faults, {equivalent} equivalent, {every - unseen.total()} seen: {score:.1%} of those "
        f"that can be (at least {LEAST:.0%} must be)"
    )
    return bool(unlisted or stale or score < LEAST)


def main(names):
    copy()
    modules = [m for m in TESTS if not names or any(name.partition(".")[0] == m for name in names)]
    planted = {module: plant(module) for module in modules}
    chosen = {
        fault: what
        for faults in planted.values()
        for fault, what in faults.items()
        if not names or any((what.partition(":")[0] + ".").startswith(name + ".") for name in names)
    }
    trials = Trials(chosen)
    files = {f"tests/test_{name}.py" for module in modules for name in TESTS[module]}
    if pytest.main([*PYTEST, *sorted(files)], [trials]):
        return 1
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for module, faults in planted.items():
        before = dict(results.get(module, []))
        results[module] = [(what, trials.unseen.get(fault, before.get(what, True))) for fault, what in faults.items()]
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=0), encoding="utf-8")
    return verdict(results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
