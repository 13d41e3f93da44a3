"""Checks of `smlib._checks` under their earlier names and in their earlier order."""

from smlib import _checks
from smlib._checks import array, real

__all__ = ["array", "check_choice", "real", "whole"]


def check_choice(name, value, choices):
    """Raise ValueError if the argument `name` is not one of the strings `choices`."""
    _checks.check_choice(value, name, choices)


def whole(name, value, least):
    """Return `value` as an int; raise if it is not an integer or is less than `least`."""
    return _checks.whole(value, name, least)
