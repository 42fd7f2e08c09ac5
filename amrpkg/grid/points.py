"""The points of the thesis's grid and their names, in the order of its Appendices A, B, C."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from amrpkg.common.arguments import require_number
from amrpkg.models.architectures import (
    ARCHITECTURES,
    BIT_WIDTHS,
    POINTWISE,
    SYMBOL_WISE,
    THESIS_ARCHITECTURES,
    THESIS_BIT_WIDTHS,
    require_model,
)

KEYS = ["architecture", "bit_width", "pruning_percent"]  # of a point, as columns
PRUNING_PERCENTS = (0, 20, 30)


@dataclass(frozen=True)
class Point:
    """An architecture at a bit width and a share of pruned channels in percent.

    Raises ``ValueError`` for an unknown architecture or bit width or a percentage outside
    [0, 100), ``TypeError`` for a percentage that is no number.
    """

    architecture: str
    bit_width: int = 32
    pruning_percent: float = 0

    def __post_init__(self) -> None:
        require_model(self.architecture, self.bit_width)
        require_number("pruning_percent", self.pruning_percent, below=100)
        # Rows of a data frame hold NumPy's numbers, which no record can be written with.
        object.__setattr__(self, "bit_width", int(self.bit_width))
        percent = float(self.pruning_percent)
        whole = int(percent) if percent.is_integer() else percent
        object.__setattr__(self, "pruning_percent", whole)

    @property
    def name(self) -> str:
        """The row name of the thesis's tables, e.g. ``vgglike_2f_2c_2re_2mp_8bit_pr_20``."""
        return self.architecture + self._suffix

    @property
    def short(self) -> str:
        """The same in tables and figures of the book, e.g. ``2f_2c_2re_2mp_8bit_pr_20``."""
        return ARCHITECTURES[self.architecture].short + self._suffix

    @property
    def _suffix(self) -> str:
        bits = "" if self.bit_width == 32 else f"_{self.bit_width}bit"
        return bits + (f"_pr_{self.pruning_percent:g}" if self.pruning_percent else "")

    @property
    def base(self) -> "Point":
        """The unpruned point whose trained weights this one starts from."""
        return Point(self.architecture, self.bit_width)


THESIS_GRID: tuple[Point, ...] = tuple(
    Point(architecture, bit_width, pruning_percent)
    for pruning_percent in PRUNING_PERCENTS
    for bit_width in THESIS_BIT_WIDTHS
    for architecture in THESIS_ARCHITECTURES
    # The thesis dropped this model: at 4 bit it did not reach 100 %.
    if (architecture, bit_width) != ("vgglike_2f_1c_1re_1mp", 4)
)
"""The 81 printed rows: 27 models at 0, 20 and 30 % pruning."""

DROPPED: tuple[Point, ...] = tuple(
    Point("vgglike_2f_1c_1re_1mp", 4, pruning_percent) for pruning_percent in PRUNING_PERCENTS
)
"""The model that the thesis dropped."""

SMALL_GRID: tuple[Point, ...] = tuple(
    Point(architecture, bit_width, pruning_percent)
    for pruning_percent in PRUNING_PERCENTS
    for bit_width in THESIS_BIT_WIDTHS
    for architecture, row in ARCHITECTURES.items()
    if row.family == POINTWISE
)
"""Our pointwise networks at the same bit widths and pruning rates."""


SYMBOL_WISE_GRID: tuple[Point, ...] = tuple(
    Point(architecture, bit_width)
    for bit_width in BIT_WIDTHS
    for architecture, row in ARCHITECTURES.items()
    if row.family == SYMBOL_WISE
)
"""Our named symbol-wise networks, unpruned: `records.search` holds more of them."""


def parse_point(name: str) -> Point:
    """The point of a row name, `Point.name` read back.

    Raises ``ValueError`` for what is no such name.
    """
    match = re.fullmatch(r"(\w+?)(?:_(\d+)bit)?(?:_pr_(\d+(?:\.\d+)?))?", name)
    if not match or match[1] not in ARCHITECTURES:
        example = Point(THESIS_ARCHITECTURES[-2], 6, 20).name
        raise ValueError(
            f"point is {name!r}; allowed: an architecture with, as in {example}, its bit width "
            f"and pruning; architectures: {', '.join(ARCHITECTURES)}"
        )
    return Point(match[1], int(match[2] or 32), float(match[3] or 0))


def sub_grid(
    architectures: Collection[str], bit_widths: Collection[int], pruning_percents: Collection[int]
) -> list[Point]:
    """The points of the thesis's grid, and of our small networks, that have one of each."""
    return [
        point
        for point in THESIS_GRID + SMALL_GRID + SYMBOL_WISE_GRID
        if point.architecture in architectures
        and point.bit_width in bit_widths
        and point.pruning_percent in pruning_percents
    ]
