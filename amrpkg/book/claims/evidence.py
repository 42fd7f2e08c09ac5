"""What the claims are put to: the records, the printed tables, and what they can resolve."""

from dataclasses import dataclass

import pandas as pd

from amrpkg.book.deployment import compare_speed, thesis_points
from amrpkg.book.ledger import relative
from amrpkg.book.seeds import among
from amrpkg.book.thesis import estimate_grid, load_thesis
from amrpkg.grid.points import KEYS, THESIS_GRID, Point
from amrpkg.models.architectures import THESIS_ARCHITECTURES
from amrpkg.records.grid import load_grid
from amrpkg.records.repeats import load_repeats
from amrpkg.records.synthesis import load_synthesis
from amrpkg.records.training_speed import load_training_speed

LARGEST, SMALLEST = THESIS_ARCHITECTURES[0], THESIS_ARCHITECTURES[-1]
SECOND = "vgglike_2f_2c_2re_2mp"  # second smallest, the other network of the thesis's figures

TRAINING_CHUNKS = "on the chunks it was trained on"
RETUNED = "on the chunks it was trained on, retuned until all are right"
FRESH_TRAINING = "trained on fresh chunks (chapter 8)"
REAL_INTEGERS = "as real integers, pruned channels taken out (chapter 10)"
CPU = "as a ratio, on one CPU thread"
HELD = "with masks held"

BY_HEART = (
    "The networks learn their 2,304 chunks nearly by heart and not the modulations: fresh "
    "chunks from the same generator show it (chapter 4)."
)
GPU = "a ratio between different networks belongs to the machine, and the thesis's GPU is not here"
ZEROS = (
    "PyTorch, here as in the thesis, computes zeroed channels like any other; what differs is "
    "chance of the clock."
)
ONE_SEED = "How many epochs it takes is chance in part, and a series has one seed."


@dataclass(frozen=True)
class Evidence:
    """The frames that claims are computed from; columns of times as in the record.

    held : the series that is judged, by default the thesis's protocol; masks held, 81 rows;
        training latencies are those measured beside each other, whatever the series
    regrown : the thesis's protocol, pruned weights free to grow back, 81 rows
    printed : the thesis's tables; by_size : Algorithm II from layer sizes alone, masks held
    earned : the same 81 points trained on fresh chunks, masks held
    retuned : points of the thesis, and those it dropped, retuned until all chunks are right
    real : of the same points as real integers, ``ms`` of a batch of 32 and ``to_fastest``,
        how many times as fast as the fastest float32 runtime; indexed by the keys
    synthesised : designs as synthesised for Xilinx 7, at one symbol a clock
    seed : of the series and of what is generated
    """

    held: pd.DataFrame
    regrown: pd.DataFrame
    printed: pd.DataFrame
    by_size: pd.DataFrame
    earned: pd.DataFrame
    retuned: pd.DataFrame
    real: pd.DataFrame
    synthesised: pd.DataFrame
    seed: int

    @classmethod
    def load(cls, protocol: str = "thesis", seed: int = 0) -> "Evidence":
        """Read the records.

        Raises as `load_grid` for a series that was not recorded, and ``ValueError`` for one that
        has not all points of the thesis.
        """
        held, earned = _of_thesis(load_grid(protocol, seed=seed)), load_grid("streaming")
        if len(held) < (points := len(THESIS_GRID)):
            raise ValueError(
                f"protocol is {protocol!r}, of which {len(held)} points are recorded; allowed: one "
                f"with all {points}"
            )
        return cls(
            held=_timed(held),
            regrown=load_grid("thesis", "regrowing"),
            printed=load_thesis(),
            by_size=estimate_grid(),
            earned=_of_thesis(earned),
            retuned=load_repeats().query("protocol == 'retuned'"),
            real=thesis_points(compare_speed(32)),
            synthesised=load_synthesis().query("target == 'xc7' and symbols_per_clock == 1"),
            seed=seed,
        )

    @property
    def base(self) -> pd.DataFrame:
        """The float, unpruned networks, by architecture."""
        rows = self.held.query("bit_width == 32 and pruning_percent == 0")
        return rows.set_index("architecture")

    @property
    def real_saved(self) -> pd.Series:
        """Percent of a batch's time that pruning saves as real integers, a row a pruned point."""
        return 100 * (1 - relative(self.real.reset_index(), "ms", pruning_percent=0))

    def retuned_of(self, points: tuple[Point, ...]) -> pd.DataFrame:
        """The retuned ones of these points if all of them are recorded, else no rows."""
        rows = among(self.retuned, points)
        return rows if len(rows) == len(points) else rows[:0]

    def resolution(self, column: str) -> tuple[float, float]:
        """Least and largest ratio of a float network to itself, in a column of such ratios."""
        itself = self.base[column]
        return itself.min(), itself.max()

    def blurred(self, column: str, effect: float) -> str:
        """Why a mean effect of this share cannot be seen in a column; empty if it can.

        It can where a float network, timed against itself, is off by less.
        """
        low, high = self.resolution(column)
        if max(1 - low, high - 1) < effect:
            return ""
        return (
            f"an effect below {effect:.0%} is below the clock's resolution: a float network "
            f"against itself gives {low:.2f} to {high:.2f}"
        )


def _timed(grid: pd.DataFrame) -> pd.DataFrame:
    """With the times of training steps that were measured beside each other."""
    steps = load_training_speed().set_index(KEYS).loc[list(grid[KEYS].itertuples(index=False))]
    names = {"training_latency_ms": "ms", "training_latency_to_float": "to_float"}
    return grid.assign(**{ours: steps[name].to_numpy() for ours, name in names.items()})


def _of_thesis(grid: pd.DataFrame) -> pd.DataFrame:
    return grid[grid["architecture"].isin(THESIS_ARCHITECTURES)].reset_index(drop=True)


def percent(frame: pd.DataFrame, data: str = "fresh") -> pd.Series:
    """Accuracy in percent on ``"fresh"`` or ``"training"`` chunks."""
    return 100 * frame[f"{data}_accuracy"]


def keyed(values: pd.Series, frame: pd.DataFrame) -> pd.Series:
    """The same values, indexed by the keys of the frame that they belong to."""
    return values.set_axis(pd.MultiIndex.from_frame(frame[KEYS]))
