"""Exercises that answer: a check says what is wrong with an answer, and is itself tried on right and wrong answers.

A check is a rule: a generator function whose parameters have the names that the reader defines. It yields complaints,
and the reader sees the first one. An answer without a complaint is right, and the reader sees the rule's docstring.
"""

import inspect
import re
import sys
import traceback

import numpy as np

__all__ = ["Check", "Complaint", "Verdict", "array", "check", "compare"]

RIGHT_AT_LEAST, WRONG_AT_LEAST = 3, 5


class Complaint(Exception):
    """What is wrong with an answer, in words for its author. `array` raises it, and a check shows it."""


class Verdict:
    """What a check says about an answer: `right`, the words `says`, and the `error` that the answer raised, or None."""

    def __init__(self, right, says, error=None):
        self.right, self.says, self.error = right, says, error

    def __repr__(self):
        return ("Right. " if self.right else "Not yet. ") + self.says


class Check:
    """A rule that can be called with an answer and returns a `Verdict`. Written as the decorator `check`.

    Examples
    --------
    >>> from smlib import practice
    >>> @practice.check
    ... def total(y):
    ...     "The outputs sum to one."
    ...     if abs(practice.array(y, (3,)).sum() - 1) > 1e-6:
    ...         yield "The outputs of a softmax sum to one."
    >>> total([0.7, 0.2, 0.1])
    Right. The outputs sum to one.
    >>> total([0.7, 0.2])
    Not yet. The shape is 2, and should be 3.
    >>> total(...)
    Not yet. Replace the dots in y.
    """

    def __init__(self, rule):
        self.rule = rule
        self.names = list(inspect.signature(rule).parameters)
        self.praise = inspect.getdoc(rule) or ""

    def __call__(self, *answers):
        """Return the verdict on an answer, with one value for each name. An error in the answer is part of it."""
        dots = [name for name, answer in zip(self.names, answers) if answer is ... or answer is None]
        if dots:
            return Verdict(False, f"Replace the dots in {' and '.join(dots)}.")
        try:
            complaint = next(iter(self.rule(*answers)), None)
        except Complaint as raised:
            complaint = self.about(raised) + str(raised)
        except Exception as error:
            return Verdict(False, f"Your code stopped with {type(error).__name__}: {error}", error)
        return Verdict(complaint is None, self.praise if complaint is None else complaint)

    def about(self, complaint):
        """Return the name of the answer in the line of the rule that raised a complaint, if there are several names."""
        lines = [
            frame.line for frame in traceback.extract_tb(complaint.__traceback__) if frame.name == self.rule.__name__
        ]
        named = [name for name in self.names if re.search(rf"\b{name}\b", "".join(lines))]
        return f"{named[0]}: " if named and len(self.names) > 1 else ""

    def tries(self, right, wrong):
        """Try the check on at least three right answers, and on at least five pairs (words, wrong answer).

        An answer to several names is a tuple. Print how many answers were tried.

        Raises
        ------
        AssertionError
            If a right answer is refused, or a wrong one accepted.
            If a complaint does not contain the words.
            If no answer reaches a line of the rule, or makes a mistake that the rule gives to `compare`.
        """
        assert len(right) >= RIGHT_AT_LEAST and len(wrong) >= WRONG_AT_LEAST, "too few answers"
        said = set()
        with Watch(self.rule) as watch:
            for answer in right:
                verdict = self(*self.split(answer))
                assert verdict.right, f"a right answer is refused: {verdict!r}"
            for words, answer in wrong:
                verdict = self(*self.split(answer))
                assert not verdict.right and words in verdict.says, f"planted {words!r}: {verdict!r}"
                said.add(verdict.says)
        assert not watch.unreached(), f"no answer reaches these lines of the check: {watch.unreached()}"
        assert watch.named <= said, f"no answer makes these mistakes: {sorted(watch.named - said)}"
        print(f"{len(right)} right answers pass, {len(wrong)} wrong ones get {len(said)} different complaints")

    def split(self, answer):
        """Return the values of an answer, one for each name."""
        return answer if len(self.names) > 1 else (answer,)


check = Check


class Watch:
    """Record the lines of a rule that run, and the mistakes that it gives to `compare`."""

    current = None

    def __init__(self, rule):
        self.code = rule.__code__
        self.lines, self.named = {self.code.co_firstlineno}, set()

    def trace(self, frame, event, argument):
        """Record a line, as a trace function of `sys`."""
        if frame.f_code is self.code:
            self.lines.add(frame.f_lineno)
            return self.trace

    def unreached(self):
        """Return the numbers of the lines that did not run."""
        return sorted({line for *_, line in self.code.co_lines() if line} - self.lines)

    def __enter__(self):
        self.before, Watch.current = sys.gettrace(), self
        sys.settrace(self.trace)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)
        Watch.current = None


# --- what rules are made of


def array(value, shape, known=None):
    """Return an answer as an array of floats of a shape; the shape () is a single number.

    Numbers, nested lists, arrays and, with `known`, SymPy's expressions and matrices are accepted. `known` gives the
    number that takes the place of each symbol, by its name.

    Raises
    ------
    Complaint
        If the answer is missing, a function, not numbers, not finite, or of another shape.
        If it contains a symbol that is not in `known`.

    Examples
    --------
    >>> array([[1, 2], [3, 4]], (2, 2))
    array([[1., 2.],
           [3., 4.]])
    >>> import sympy
    >>> float(array(sympy.Symbol("y_1") / 2, (), {"y_1": 0.5}))
    0.25
    """
    if value is None or value is ...:
        raise Complaint("A function returns nothing yet: replace its dots.")
    if callable(value):
        raise Complaint("This is a function, and its value was asked for.")
    try:
        found = np.asarray(value if known is None else evaluated(value, known), dtype=float)
    except (TypeError, ValueError) as error:
        raise Complaint(f"This is not {'an array of numbers' if shape else 'a number'}: {error}") from None
    if found.shape != shape:
        raise Complaint(f"The shape is {in_words(found.shape)}, and should be {in_words(shape)}.")
    if not np.isfinite(found).all():
        raise Complaint("It contains an infinity or a nan.")
    return found


def evaluated(value, known):
    """Return nested lists of numbers: the value with the numbers of `known` for its symbols."""
    sympy = sys.modules.get("sympy")
    if sympy is None:  # then the answer has no symbols
        return value
    if np.ndim(value) == 1:
        return [evaluated(part, known) for part in value]
    value = sympy.Matrix(value) if np.ndim(value) else sympy.sympify(value)
    strange = sorted(str(symbol) for symbol in value.free_symbols if str(symbol) not in known)
    if strange:
        raise Complaint(f"It contains {', '.join(strange)}, and may contain {', '.join(known)}.")
    value = value.subs({symbol: known[str(symbol)] for symbol in value.free_symbols}).evalf()
    return [list(map(float, row)) for row in value.tolist()] if hasattr(value, "tolist") else float(value)


def in_words(shape):
    """Return a shape as text."""
    return " × ".join(map(str, shape)) or "that of a single number"


def compare(found, right, mistakes, rtol=1e-6):
    """Yield the complaint about the first of the mistakes that was found instead of the right value.

    `mistakes` is a dict of complaints and the values that show them. Two values are the same if they differ by at most
    ``rtol`` times the second plus 1e-9.

    Examples
    --------
    >>> list(compare(-2.0, 2.0, {"The sign is wrong.": -2.0, "It is twice that.": 1.0}))
    ['The sign is wrong.']
    >>> list(compare(2.0, 2.0, {"The sign is wrong.": -2.0}))
    []
    """
    if Watch.current:
        Watch.current.named.update(mistakes)
    if not np.allclose(found, right, rtol=rtol, atol=1e-9):
        for complaint, value in mistakes.items():
            if np.allclose(found, value, rtol=rtol, atol=1e-9):
                yield complaint
