"""What symbol-wise networks have beside their layers: the fold, the gain, first weights."""

from collections.abc import Iterable

import torch
from torch import nn

_TIMES, _MIDDLE = 3.0, 0.95  # of the word's weights; the word of N_a = 0.054


class Fold(nn.Module):
    """Samples folded into a quadrant: ``[n, 2, size]`` to |I| and |Q|.

    kind : one of `FOLDS`; with "sign" a third channel is 1 where I and Q differ in sign and else
        0, with "noise" the third channel that came goes on as the fourth
    """

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        folded = iq[:, :2].abs()
        if self.kind == "fold":
            return folded
        negative = iq[:, :2] < 0
        differ = (negative[:, :1] ^ negative[:, 1:]).to(iq.dtype)
        return torch.cat([folded, differ, iq[:, 2:]], dim=1)


class Times(nn.Module):
    """Scores a symbol, on average over the chunk, to those of the chunk: times its symbols."""

    def __init__(self, symbols: int):
        super().__init__()
        self.symbols = symbols

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return scores * self.symbols


def draw_first_weights(layers: Iterable[nn.Module]) -> None:
    """Draw weights and biases anew, from torch's global random state.

    So few units must each start at work: weights normal with a variance of two over the inputs
    (He and others, Delving deep into rectifiers, 2015), thresholds of the first layer spread
    over the folded quadrant.
    """
    with torch.no_grad():
        for k, layer in enumerate(layers):
            inputs = layer.weight[0].numel()
            layer.weight.normal_(0, (2 / inputs) ** 0.5)
            layer.bias.uniform_(-0.7, 0.3)
            if k:
                layer.bias.mul_(0.3)


def centre_noise_word(first: nn.Conv1d) -> None:
    """Have the noise count in the first layer as it is drawn: the weights of its word made
    larger, and thresholds moved so that a word in the middle of those that matter changes none.

    first : of a network that is told the noise; the word is the last of its four inputs

    From N_a = 0.03 to 0.1 the word goes from 0.73 to 1.17. With weights as they are drawn it
    moves all thresholds, and hardly anything from one noise to another.
    Source: LeCun and others, Efficient BackProp, 1998, on inputs of mean zero and like spreads.
    Raises ``ValueError`` for a layer of other inputs.
    """
    if first.in_channels != 4:
        raise ValueError(f"first has {first.in_channels} inputs; allowed: 4, the last a noise word")
    with torch.no_grad():
        word = first.weight[:, 3]
        word *= _TIMES
        first.bias -= _MIDDLE * word[:, 0]
