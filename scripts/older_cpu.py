"""Print the newest features of this CPU that NumPy uses, for NPY_DISABLE_CPU_FEATURES.

NumPy chooses among compiled versions of exp, log and others by what the CPU can do, and their last bits differ.
`make older-cpu` compares the stored outputs with those of the versions without AVX-512. On a CPU that has none, it
leaves out the newest feature that NumPy uses there.
"""

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__


def newest_features():
    """Return the features to switch off: all of AVX-512, or the newest one."""
    used = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
    avx512 = [name for name in used if name.startswith("AVX512") or name == "X86_V4"]
    return avx512 or used[-1:]


if __name__ == "__main__":
    print(",".join(newest_features()))
