"""The locks agree with requirements.txt and pyproject.toml. The tests do not use the network."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import ROOT

DIRECT = "-r requirements.txt"  # uv writes this at the packages that the file lists


def pins(text):
    """Return {name: version} of requirements.txt."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in found}


def entries(text):
    """Yield (name, version, hashes, requiring packages) of a lock. A name occurs once for each set of platforms."""
    for entry in re.split(r"\n(?=[a-z0-9])", text)[1:]:
        name, version = re.match(r"([\w.-]+)(?:\[.*?\])?==([^\s;]+)", entry).groups()
        askers = [line.split("via")[-1].strip(" #") for line in entry.splitlines() if line.strip().startswith("#")]
        yield canonicalize_name(name), version, re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry), askers


def out_of_step(requirements, lock):
    """Yield a message for each difference between the requirements and the lock, and for each missing hash."""
    wanted = pins(requirements)
    found = list(entries(lock))
    direct = {name for name, _, _, askers in found if DIRECT in askers}
    for name in sorted(wanted.keys() ^ direct):
        yield f"{name} is only in {'requirements.txt' if name in wanted else 'the lock'}: run `make lock`"
    for name, version, hashes, _ in found:
        if name in wanted and version != wanted[name]:
            yield f"{name} is {version} in the lock, {wanted[name]} in requirements.txt: run `make lock`"
        if not hashes:
            yield f"{name} has no hash in the lock: run `make lock`"


@pytest.fixture(scope="module")
def requirements():
    return (ROOT / "requirements.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lock():
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def needs(project):
    """Return the requirements of smlib, including all extras."""
    listed = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    return [Requirement(line) for lines in listed for line in lines]


def test_the_lock_is_in_step(requirements, lock):
    assert list(out_of_step(requirements, lock)) == []
    assert len(list(entries(lock))) > len(pins(requirements)) > 30


def test_what_is_out_of_step_is_named(requirements, lock):
    assert list(out_of_step(requirements.replace("sympy==1.14.0", "sympy==1.13.3"), lock)) == [
        "sympy is 1.14.0 in the lock, 1.13.3 in requirements.txt: run `make lock`"
    ]
    assert list(out_of_step(requirements + "seaborn==0.13.2\n", lock)) == [
        "seaborn is only in requirements.txt: run `make lock`"
    ]
    assert list(out_of_step(requirements.replace("sympy==1.14.0", ""), lock)) == [
        "sympy is only in the lock: run `make lock`"
    ]
    bare = re.sub(r"(?m)^(sympy==\S+).*(?:\n +--hash.*)+", r"\1", lock)
    assert list(out_of_step(requirements, bare)) == ["sympy has no hash in the lock: run `make lock`"]


def test_the_lock_leaves_out_what_takes_a_second_to_import(lock, project):
    excluded = set(project["tool"]["uv"]["exclude-dependencies"])
    assert excluded == {"rfc3987-syntax"}
    assert not excluded & {name for name, *_ in entries(lock)}


def test_the_lock_holds_versions_that_smlib_admits(lock, project):
    locked = {name: version for name, version, _, _ in entries(lock)}
    asked = needs(project) + [Requirement(line) for line in project["build-system"]["requires"]]
    assert {need.name for need in asked} >= {"numpy", "sympy", "matplotlib", "dask", "setuptools"}
    for need in asked:
        assert need.specifier.contains(locked[need.name]), (
            f"requirements.lock has {need.name} {locked[need.name]}, not {need}"
        )


def test_the_oldest_lock_holds_the_oldest_versions(project):
    oldest = (ROOT / "tests" / "smlib" / "oldest.lock").read_text(encoding="utf-8")
    assert all(hashes for _, _, hashes, _ in entries(oldest))
    locked = {name: version for name, version, _, _ in entries(oldest)}
    for need in needs(project):
        [bound] = need.specifier
        assert bound.operator == ">="
        assert Requirement(f"{need.name}=={bound.version}").specifier.contains(locked[need.name]), need
