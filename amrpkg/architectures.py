"""The seven VGG-like architectures as data: a row each, exact to the weight, without torch.

The thesis prints layer counts only; the channel numbers below are recovered from its
Appendix A, where they give the DSP and FF columns of all 27 unpruned models without a rest.
Open is which convolution of 5f_5c has no pool behind it (four pools, five convolutions): any
choice gives the same counts; ours is the last.
"""

from dataclasses import dataclass

import pandas as pd

from amrpkg.arguments import require_choice, require_count
from amrpkg.constellations import CONSTELLATIONS
from amrpkg.signals import CHUNK_SIZE

BIT_WIDTHS = (32, 8, 6, 4)  # 32 is plain float
KERNEL_SIZE = 3
CLASSES = len(CONSTELLATIONS)


@dataclass(frozen=True)
class Layer:
    """A layer that costs resources: its name, kind ("conv", "pool", "linear") and sizes."""

    name: str
    kind: str
    inputs: int
    outputs: int

    @property
    def weights(self) -> int:
        taps = {"conv": KERNEL_SIZE, "linear": 1, "pool": 0}[self.kind]
        return self.inputs * self.outputs * taps

    @property
    def biases(self) -> int:
        return 0 if self.kind == "pool" else self.outputs


@dataclass(frozen=True)
class Architecture:
    """Convolutions (kernel 3, padding 1, ReLU), pools by two after the first `pools` of them,
    then fully connected layers with ReLU between them and nine outputs."""

    conv_channels: tuple[int, ...]
    pools: int
    hidden_features: tuple[int, ...]

    def require_chunk_size(self, chunk_size: int) -> None:
        """Raise ``ValueError`` unless every pool halves the chunk without a rest."""
        require_count("chunk_size", chunk_size)
        if chunk_size % 2**self.pools:
            raise ValueError(
                f"chunk_size is {chunk_size}; allowed with {self.pools} max-pool layers: "
                f"a multiple of {2**self.pools}"
            )

    def layers(self, chunk_size: int = CHUNK_SIZE) -> list[Layer]:
        """The layers in order of the data, for chunks of `chunk_size` samples."""
        self.require_chunk_size(chunk_size)
        layers, channels = [], 2
        for k, outputs in enumerate(self.conv_channels, start=1):
            layers.append(Layer(f"conv{k}", "conv", channels, outputs))
            if k <= self.pools:
                layers.append(Layer(f"pool{k}", "pool", outputs, outputs))
            channels = outputs
        features = channels * (chunk_size // 2**self.pools)
        for k, outputs in enumerate((*self.hidden_features, CLASSES), start=1):
            layers.append(Layer(f"linear{k}", "linear", features, outputs))
            features = outputs
        return layers


ARCHITECTURES: dict[str, Architecture] = {
    # name: convolution channels, pools, hidden features of the classifier
    "vgglike_5f_5c_4re_4mp": Architecture((32, 64, 128, 256, 512), 4, (1024, 512, 256, 128)),
    "vgglike_5f_4c_4re_4mp": Architecture((32, 64, 128, 256), 4, (1024, 512, 256, 128)),
    "vgglike_5f_3c_4re_3mp": Architecture((32, 64, 128), 3, (1024, 512, 256, 128)),
    "vgglike_3f_3c_2re_3mp": Architecture((32, 64, 128), 3, (512, 128)),
    "vgglike_3f_2c_2re_2mp": Architecture((32, 64), 2, (512, 128)),
    "vgglike_2f_2c_2re_2mp": Architecture((32, 64), 2, (512,)),
    "vgglike_2f_1c_1re_1mp": Architecture((32,), 1, (512,)),
}
"""Name -> row, largest first, in the order of the thesis's tables."""


def describe() -> pd.DataFrame:
    """The family as a table: its layers as chains of channels and features, its counts."""
    rows = []
    for name, architecture in ARCHITECTURES.items():
        layers = architecture.layers()
        row = {"architecture": name.removeprefix("vgglike_")}
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
