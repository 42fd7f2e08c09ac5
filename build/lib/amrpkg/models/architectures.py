"""The architectures as data: a row each, exact to the weight, without torch.

Three families. The seven *VGG-like* ones are the thesis's. It prints layer counts only; the
channel numbers below are recovered from its Appendix A, where they give the DSP and FF columns
of all 27 unpruned models without a rest. Open is which convolution of 5f_5c has no pool behind
it (four pools, five convolutions): any choice gives the same counts; ours is the last.

The others are ours. The symbols of a chunk are independent, so their order carries nothing: the
same small network looks at each of them (convolutions of kernel size 1). The *pointwise* ones
average its features over the chunk, and a small classifier decides. In hardware the average is a
sum and a shift, which is why such a row takes chunks of a power of two.

The *symbol-wise* ones have the form of the maximum-likelihood classifier: layers on each symbol,
the sum over the chunk, one linear layer to the scores; those that have to find out the noise have
a hidden layer before it, and the average. They see a symbol folded into a quadrant,
|I| and |Q|, perhaps with whether I and Q differ in sign: eight of the nine constellations look the
same after either axis is turned over, 32QAM only after both. Some are told the noise power.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrpkg.common.arguments import require_choice, require_count
from amrpkg.signals.chunks import CHUNK_SIZE
from amrpkg.signals.constellations import CONSTELLATIONS

if TYPE_CHECKING:
    import pandas as pd

THESIS_BIT_WIDTHS = (32, 8, 6, 4)  # 32 is plain float
BIT_WIDTHS = [*THESIS_BIT_WIDTHS, 3]
VGG_LIKE, POINTWISE, SYMBOL_WISE = "VGG-like", "pointwise", "symbol-wise"  # families
FOLDS = {  # kind -> channels that come, and that go on
    "": (2, 2),
    "fold": (2, 2),
    "fold_sign": (2, 3),
    "fold_sign_noise": (3, 4),
}
WEIGHTLESS = ("pool", "average", "sum", *filter(None, FOLDS))  # kinds of layers
LONGEST_SUM = 256  # symbols: activations of 8 bits then sum up to a word of 16
CLASSES = len(CONSTELLATIONS)


@dataclass(frozen=True)
class Layer:
    """A layer that costs resources: its name, kind and sizes.

    Kinds: "conv", "pool", "average", "sum", "linear", and those of `FOLDS`.
    """

    name: str
    kind: str
    inputs: int
    outputs: int
    taps: int  # weights from an input to an output: the kernel size, 1 if linear, else 0

    @property
    def weights(self) -> int:
        return self.inputs * self.outputs * self.taps

    @property
    def biases(self) -> int:
        return self.outputs if self.taps else 0


@dataclass(frozen=True)
class Architecture:
    """Samples folded as one of `FOLDS` says; convolutions (padded to keep the chunk's size, ReLU),
    pools by two after the first `pools` of them, over the chunk an "average" or a "sum", then
    fully connected layers with ReLU between them and nine outputs. The family decides of
    quantisers, first weights and knobs.

    Raises ``ValueError`` for a fold in another family than the symbol-wise, and for hidden features
    behind a sum, whose scale they could not undo.
    """

    family: str
    short: str  # the name in tables and figures
    conv_channels: tuple[int, ...]
    pools: int
    hidden_features: tuple[int, ...]
    kernel_size: int = 3
    over_chunk: str = ""
    fold: str = ""

    def __post_init__(self) -> None:
        require_choice("fold", self.fold, FOLDS if self.family == SYMBOL_WISE else [""])
        if self.over_chunk == "sum" and self.hidden_features:
            allowed = "() behind a sum over the chunk, any behind an average"
            raise ValueError(f"hidden_features is {self.hidden_features}; allowed: {allowed}")

    @property
    def inputs(self) -> int:
        """Channels of a chunk: I, Q, and the noise word where it is told."""
        return FOLDS[self.fold][0]

    def require_chunk_size(self, chunk_size: int) -> None:
        """Raise ``ValueError`` unless pools and average divide by powers of two without a rest,
        and a sum stays in its word."""
        require_count("chunk_size", chunk_size)
        if self.over_chunk == "average" and chunk_size.bit_count() != 1:
            raise ValueError(
                f"chunk_size is {chunk_size}; allowed with an average over the chunk: a power of "
                "two, for the average must stay exact, a shift"
            )
        if self.over_chunk == "sum" and chunk_size > LONGEST_SUM:
            raise ValueError(
                f"chunk_size is {chunk_size}; allowed with a sum over the chunk: at most "
                f"{LONGEST_SUM}, for the sum of 8-bit activations must stay in 16 bits"
            )
        if chunk_size % 2**self.pools:
            raise ValueError(
                f"chunk_size is {chunk_size}; allowed with {self.pools} max-pool layers: "
                f"a multiple of {2**self.pools}"
            )

    def layers(self, chunk_size: int = CHUNK_SIZE) -> list[Layer]:
        """The layers in order of the data, for chunks of `chunk_size` samples."""
        self.require_chunk_size(chunk_size)
        layers, (inputs, channels) = [], FOLDS[self.fold]
        if self.fold:
            layers.append(Layer("fold", self.fold, inputs, channels, 0))
        for k, outputs in enumerate(self.conv_channels, start=1):
            layers.append(Layer(f"conv{k}", "conv", channels, outputs, self.kernel_size))
            if k <= self.pools:
                layers.append(Layer(f"pool{k}", "pool", outputs, outputs, 0))
            channels = outputs
        features = channels * (chunk_size // 2**self.pools)
        if self.over_chunk:
            layers.append(Layer(self.over_chunk, self.over_chunk, channels, channels, 0))
            features = channels
        for k, outputs in enumerate((*self.hidden_features, CLASSES), start=1):
            layers.append(Layer(f"linear{k}", "linear", features, outputs, 1))
            features = outputs
        return layers


def pointwise(first: int, second: int, hidden: int) -> Architecture:
    """A row of our family: channels of its two convolutions, hidden features behind the mean."""
    name = f"{POINTWISE}_{first}_{second}_{hidden}"
    return Architecture(POINTWISE, name, (first, second), 0, (hidden,), 1, "average")


def symbol_wise(fold: str, *channels: int, hidden: tuple[int, ...] = ()) -> Architecture:
    """A symbol-wise row, named by what its first layer sees and by channels: symbolwise_2_8_8.

    hidden : features behind the chunk, of which the average is then taken: symbolwise_3_32_24_h16
    """
    sizes = [FOLDS[fold][1], *channels, *(f"h{features}" for features in hidden)]
    name = "_".join(map(str, ["symbolwise", *sizes]))
    over_chunk = "average" if hidden else "sum"
    return Architecture(SYMBOL_WISE, name, channels, 0, hidden, 1, over_chunk, fold)


_VGG_LIKE = {
    # short name: convolution channels, pools, hidden features of the classifier
    "5f_5c_4re_4mp": ((32, 64, 128, 256, 512), 4, (1024, 512, 256, 128)),
    "5f_4c_4re_4mp": ((32, 64, 128, 256), 4, (1024, 512, 256, 128)),
    "5f_3c_4re_3mp": ((32, 64, 128), 3, (1024, 512, 256, 128)),
    "3f_3c_2re_3mp": ((32, 64, 128), 3, (512, 128)),
    "3f_2c_2re_2mp": ((32, 64), 2, (512, 128)),
    "2f_2c_2re_2mp": ((32, 64), 2, (512,)),
    "2f_1c_1re_1mp": ((32,), 1, (512,)),
}
THESIS_ARCHITECTURES = tuple(f"vgglike_{short}" for short in _VGG_LIKE)
ARCHITECTURES: dict[str, Architecture] = {
    f"vgglike_{short}": Architecture(VGG_LIKE, short, *sizes) for short, sizes in _VGG_LIKE.items()
} | {
    row.short: row
    for row in (
        pointwise(48, 32, 16),
        pointwise(24, 16, 8),
        symbol_wise("fold", 8, 8),
        symbol_wise("fold", 6, 8),
    )
}
"""Name -> row: the thesis's, largest first, in the order of its tables, then ours."""


def describe(architectures: Iterable[str] = THESIS_ARCHITECTURES) -> "pd.DataFrame":
    """The rows as a table: their layers as chains of channels and features, their counts."""
    import pandas as pd  # here: it takes longer than NumPy

    rows = []
    for name in architectures:
        layers = ARCHITECTURES[name].layers()
        row = {"architecture": ARCHITECTURES[name].short}
        for kind, title in (("conv", "convolution"), ("linear", "fully connected")):
            chain = [layer for layer in layers if layer.kind == kind]
            sizes = [chain[0].inputs, *(layer.outputs for layer in chain)]
            row[title] = "-".join(map(str, sizes))
        row["weights"] = sum(layer.weights for layer in layers)
        row["biases"] = sum(layer.biases for layer in layers)
        rows.append(row)
    return pd.DataFrame(rows)


def require_model(architecture: str, bit_width: int) -> None:
    """Raise ``ValueError`` unless both name a model of the family."""
    require_choice("architecture", architecture, ARCHITECTURES)
    require_choice("bit_width", bit_width, BIT_WIDTHS)
