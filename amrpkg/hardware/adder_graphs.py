"""A matrix of constants times a vector as additions: shifts are wires, common parts are shared.

A weight in *canonical signed digits* (Reitwiesner, 1960) has the fewest digits that are not zero:
7 x is 8 x - x. A row of the matrix is then a sum of terms, each a signal shifted and perhaps
negated. A pair of terms that occurs more than once is added once (Hartley, Subexpression sharing
in filters using canonic signed digit multipliers, 1996): the pair that saves most first, as long
as no row gets deeper than without. What is left of a row is added in a tree of least depth.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np


@dataclass(frozen=True)
class Term:
    """``sign * (signal << shift)``; signals are numbered: inputs, constants, then adders."""

    signal: int
    shift: int
    sign: int


@dataclass(eq=False)
class AdderGraph:
    """Additions that give ``weights @ inputs + constants``.

    inputs : how many; then come the signals of the constants, one a row
    constants : how many: the rows
    adders : the two terms of each, the first positive, the smaller shift zero
    outputs : a term a row, positive
    depths, widths : of every signal, adders from the inputs, and bits by a rule of thumb
    """

    inputs: int
    constants: int
    adders: list[tuple[Term, Term]] = field(default_factory=list)
    outputs: list[Term] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)

    def coefficients(self) -> np.ndarray:
        """What every signal is of the inputs and constants: int64[signals, inputs + constants]."""
        rows = list(np.eye(self.inputs + self.constants, dtype=np.int64))
        for pair in self.adders:
            rows.append(sum(term.sign * (rows[term.signal] << term.shift) for term in pair))
        return np.array(rows)

    def add(self, one: Term, other: Term) -> Term:
        """A new adder of two terms; what it is as a term."""
        if one.sign < other.sign:
            one, other = other, one
        low = min(one.shift, other.shift)
        sign = one.sign * other.sign
        pair = Term(one.signal, one.shift - low, 1), Term(other.signal, other.shift - low, sign)
        self.adders.append(pair)
        self.depths.append(1 + max(self.depths[term.signal] for term in pair))
        self.widths.append(1 + max(self.reach(term) for term in pair))
        return Term(len(self.depths) - 1, low, one.sign)

    def reach(self, term: Term) -> int:
        """Bits of a term with its shift."""
        return self.widths[term.signal] + term.shift


def signed_digits(value: int) -> Iterator[tuple[int, int]]:
    """Shift and sign of the canonical signed digits of an integer, lowest first."""
    shift = 0
    while value:
        if value & 1:
            sign = 2 - (value & 3)
            yield shift, sign
            value -= sign
        value >>= 1
        shift += 1


def share_adders(
    weights: np.ndarray, constants: Sequence[int], widths: Sequence[int]
) -> AdderGraph:
    """The graph of a matrix, int[outputs, inputs].

    constants : added to each row; a row that comes out negative is taken from one, perhaps zero
    widths : bits of each input, by which pairs are weighed: a shared adder saves its width
    """
    outputs, inputs = weights.shape
    widths = [*widths, *(abs(int(c)).bit_length() for c in constants)]
    graph = AdderGraph(inputs, outputs, depths=[0] * len(widths), widths=widths)
    rows = []
    for k, row in enumerate(weights):
        terms = {(j, s): g for j, w in enumerate(row) for s, g in signed_digits(int(w))}
        if constants[k]:
            terms[inputs + k, 0] = 1
        rows.append(terms)
    limit = max(_depth(graph, row) for row in rows)
    pairs = _Pairs(graph, rows)
    while pair := pairs.best():
        if not (taken := _take_out(pair, rows, graph, limit)):
            pairs.refuse(pair)
        for k, row in taken.items():
            pairs.change(k, row)
    graph.outputs = [_add_up(graph, row, inputs + k) for k, row in enumerate(rows)]
    return graph


_Row = dict[tuple[int, int], int]  # (signal, shift) -> sign
_Pair = tuple[int, int, int, int]  # signals, shift between them, product of their signs


def _depth(graph: AdderGraph, row: _Row) -> int:
    """Of the best tree that adds a row up."""
    return (sum(1 << graph.depths[signal] for signal, _ in row) - 1).bit_length()


def _pair(row: _Row, one: tuple[int, int], other: tuple[int, int]) -> _Pair:
    (one, other), sign = sorted((one, other)), row[one] * row[other]
    return one[0], other[0], other[1] - one[1], sign


def _places(row: _Row, pair: _Pair) -> list[tuple[tuple, tuple]]:
    """Where a pair stands in a row, none overlapping."""
    used, found = set(), []
    for one, other in combinations(sorted(term for term in row if term[0] in pair[:2]), 2):
        if _pair(row, one, other) == pair and one not in used and other not in used:
            used |= {one, other}
            found.append((one, other))
    return found


class _Pairs:
    """The pairs of terms in all rows, by the bits of adders that each saves.

    Kept up to date row by row, for a network's rows have a hundred thousand pairs.
    """

    def __init__(self, graph: AdderGraph, rows: list[_Row]) -> None:
        self._graph, self._rows = graph, rows
        self._counts = defaultdict(Counter)  # pair -> row -> how often, overlaps included
        self._saved, self._by_saved = {}, defaultdict(set)
        self._refused = set()
        for k, row in enumerate(rows):
            rows[k] = {}
            self.change(k, row)

    def best(self) -> _Pair | None:
        """The pair that saves most, of several the first by row and terms."""
        if not self._by_saved:
            return None
        return min(self._by_saved[max(self._by_saved)], key=self._first_place)

    def refuse(self, pair: _Pair) -> None:
        """Never give this one again."""
        self._refused.add(pair)
        self._weigh(pair)

    def change(self, k: int, row: _Row) -> None:
        """Put another row in the place of the k-th."""
        before, self._rows[k] = self._rows[k], row
        lost, won = before.items() - row.items(), row.items() - before.items()
        changed = list(self._with(before, lost))
        for pair in changed:
            self._counts[pair][k] -= 1
        for pair in self._with(row, won):
            self._counts[pair][k] += 1
            changed.append(pair)
        for pair in set(changed):
            self._counts[pair] = +self._counts[pair]
            self._weigh(pair)

    def _with(self, row: _Row, some: Iterable[tuple[tuple, int]]) -> Iterator[_Pair]:
        """The pairs of a row that have one or two of these terms; constants are in none."""
        constants = range(self._graph.inputs, self._graph.inputs + self._graph.constants)
        left = {term for term in row if term[0] not in constants}
        for one, _ in some:
            if one in left:
                left.remove(one)
                yield from (_pair(row, one, other) for other in left)

    def _weigh(self, pair: _Pair) -> None:
        if saved := self._saved.pop(pair, 0):
            self._by_saved[saved].remove(pair)
            if not self._by_saved[saved]:
                del self._by_saved[saved]
        rows, count = self._counts[pair], self._counts[pair].total()
        if not count:
            del self._counts[pair]
        if count > len(rows):  # in one row more than once: without overlaps
            count = sum(len(_places(self._rows[k], pair)) for k in rows)
        if count < 2 or pair in self._refused:
            return
        (one, other, shift, _), (depths, widths) = pair, (self._graph.depths, self._graph.widths)
        skew = abs(depths[one] - depths[other])
        saved = (count - 1) * (min(widths[one], widths[other] + abs(shift)) + 1) - 2 * skew
        if saved > 0:
            self._saved[pair] = saved
            self._by_saved[saved].add(pair)

    def _first_place(self, pair: _Pair) -> tuple:
        k = min(self._counts[pair])
        return k, _places(self._rows[k], pair)[0]


def _take_out(pair: _Pair, rows: list[_Row], graph: AdderGraph, limit: int) -> dict[int, _Row]:
    """Add a pair once for all rows that do not get deeper than `limit`.

    Returns what becomes of these rows; of none, if it would be added in one place alone.
    """
    one, other, shift, product = pair
    depth, new = 1 + max(graph.depths[one], graph.depths[other]), len(graph.depths)
    low, taken, count, signs = min(shift, 0), {}, 0, 0
    for k, row in enumerate(rows):
        places = _places(row, pair)
        changed = dict(row)
        for first, second in places:
            sign = changed.pop(first)
            changed.pop(second)
            changed[new, first[1] + low] = sign
            signs += sign
        size = sum(1 << (depth if s == new else graph.depths[s]) for s, _ in changed)
        if places and size <= 1 << limit:
            taken[k], count = changed, count + len(places)
    if count < 2:
        return {}
    turned = product < 0 and signs < 0  # most rows take it the other way round
    first, second = Term(one, max(-shift, 0), 1), Term(other, max(shift, 0), product)
    if turned:
        first, second = Term(one, first.shift, -1), Term(other, second.shift, 1)
    graph.add(first, second)
    for k, row in taken.items():
        taken[k] = {term: -s if turned and term[0] == new else s for term, s in row.items()}
    return taken


def _add_up(graph: AdderGraph, row: _Row, constant: int) -> Term:
    """Add a row up in a tree of least depth; terms near to one another in shift first."""
    terms = [Term(signal, shift, sign) for (signal, shift), sign in row.items()]
    if not any(term.sign > 0 for term in terms):  # nothing to subtract from, or nothing at all
        terms.append(Term(constant, 0, 1))
    while len(terms) > 1:
        terms.sort(
            key=lambda term: (graph.depths[term.signal], term.signal != constant, term.shift)
        )
        first = terms.pop(0)
        least = min(graph.depths[term.signal] for term in terms)
        near = [term for term in terms if graph.depths[term.signal] == least]
        if first.signal == constant:  # to a term that it is not too large for
            short = graph.widths[constant]
            mate = min(near, key=lambda term: (max(0, short - graph.reach(term)), term.shift))
        else:
            mate = min(near, key=lambda term: (abs(term.shift - first.shift), term.signal))
        terms.remove(mate)
        terms.append(graph.add(first, mate))
    return terms[0]
