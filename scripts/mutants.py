"""Print what `mutmut run` has found: the score of each module, and the faults that no test sees."""

import json
import sys

from mutmut.stats import status_by_exit_code

from scripts import ROOT

LEAST = 0.95
UNSEEN = {"survived", "no tests", "skipped"}
UNTRIED = {"not checked", "check was interrupted by user"}


def results():
    """Return for each module the status of each fault that was tried."""
    found = {}
    for path in sorted(ROOT.glob("mutants/smlib/*.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        statuses = {name: status_by_exit_code[code] for name, code in codes.items()}
        if tried := {name: status for name, status in statuses.items() if status not in UNTRIED}:
            found[path.name.removesuffix(".py.meta")] = tried
    return found


def main():
    total = unseen = 0
    for module, statuses in results().items():
        missed = [name for name, status in statuses.items() if status in UNSEEN]
        total, unseen = total + len(statuses), unseen + len(missed)
        print(
            f"{module:13} {len(statuses):5} faults {1 - len(missed) / len(statuses):7.2%} seen", *missed, sep="\n    "
        )
    if not total:
        sys.exit("No fault has been tried yet: run make mutants first.")
    score = 1 - unseen / total
    print(f"{total} faults, {score:.2%} seen (at least {LEAST:.0%} must be); `mutmut show NAME` prints one of them")
    sys.exit(score < LEAST)


if __name__ == "__main__":
    main()
