"""Each fault of `make faults` can be planted in the book as it is."""

import shutil

import pytest

from scripts import faults


def test_every_fault_fits_the_book(tmp_path):
    for name in ("chapters", "smlib", "assets"):
        shutil.copytree(faults.ROOT / name, tmp_path / name)
    for name in ("_toc.yml", "requirements.txt", "requirements.lock"):
        shutil.copy(faults.ROOT / name, tmp_path)
    for what, plant, _ in faults.all_faults():
        try:
            plant(tmp_path)
        except (Exception, SystemExit) as error:
            pytest.fail(f"{what}: {error!r}", pytrace=False)
        faults.restore(tmp_path)
