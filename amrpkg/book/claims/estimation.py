"""Algorithm II and its assumptions, as they stand and as recovered, put to Appendix A."""

import pandas as pd

from amrpkg.book.claims.evidence import HELD, Evidence
from amrpkg.book.ledger import Ledger, relative
from amrpkg.book.rules import about, at_most, below, each, equal, steady, true
from amrpkg.grid.points import KEYS
from amrpkg.hardware.devices import find_device, fits
from amrpkg.hardware.resources import Resources, count_architecture, estimate_layers
from amrpkg.hardware.synthesis import Counts
from amrpkg.models.architectures import ARCHITECTURES, THESIS_ARCHITECTURES

PART = "xc7z020"  # a Zynq 7020: what small boards have
FIVE_LAYERS = [
    name for name in THESIS_ARCHITECTURES if len(ARCHITECTURES[name].hidden_features) == 4
]
PRINTED, AS_PRINTED = "Appendix A", "Algorithm II as printed"


class PrintedSums:
    """Sums over the layers of the 27 unpruned rows of Appendix A, a number a row."""

    def __init__(self, printed: pd.DataFrame):
        self.rows = printed[printed["pruning_percent"] == 0].reset_index(drop=True)
        self.bits = self.rows["bit_width"]
        self.networks = [count_architecture(name) for name in self.rows["architecture"]]
        self.conv = self.over(lambda layer, bits: layer.weights * bits // 32, "conv")
        self.linear = self.over(lambda layer, bits: layer.weights * bits // 32, "linear")
        self.biases = self.over(lambda layer, bits: layer.biases * bits // 32, "conv", "linear")
        self.pools = self.over(lambda layer, bits: 1, "pool")
        self.products = self.over(lambda layer, bits: layer.weights, "linear")  # C_i C_o
        self.weights_times_biases = self.over(
            lambda layer, bits: layer.weights * layer.biases // 32, "conv", "linear"
        )

    def over(self, of, *kinds) -> pd.Series:
        """Of each row: the sum of ``of(layer, bits)`` over its layers of these kinds."""
        return pd.Series(
            [
                sum(of(layer, bits) for layer in network if layer.kind in kinds)
                for network, bits in zip(self.networks, self.bits, strict=True)
            ]
        )

    def rows_equal(self) -> list[int]:
        """Rows that lines 1 to 6 give as they are printed, read as sums over the layers."""
        weights = self.over(lambda layer, bits: layer.weights * bits / 32, "conv", "linear")
        scaled = self.conv + self.linear
        flipflops = 2 * scaled + self.weights_times_biases
        lines = [
            (weights, self.rows["dsp"] / 2),
            (flipflops, self.rows["ff"]),
            (2 * scaled, self.rows["dsp"]),
            (4 * self.conv + self.products, self.rows["lut"]),
            (flipflops, self.rows["ff"]),
            (scaled // 32_000, self.rows["bram"]),
        ]
        return [int((line == printed).sum()) for line, printed in lines]


def enter(ledger: Ledger, evidence: Evidence) -> None:
    sums = PrintedSums(evidence.printed)
    _enter_assumptions(ledger, sums)
    _enter_lines(ledger, evidence, sums)

    def bias_flipflops(frame):  # left by pruning
        frame = frame.assign(bias=frame["ff"] - frame["dsp"])
        return relative(frame, "bias", pruning_percent=0)

    ledger.add(
        "ch. 4, Algorithm II",
        'C_nw and C_nb take "quantization and pruning into account for both weights and '
        'biases": bias flip-flops left by pruning',
        *(each(below(1)), bias_flipflops(evidence.regrown)),
        printed=bias_flipflops(evidence.printed),
        conditions=[(f"{HELD} on biases too", bias_flipflops(evidence.held))],
        by="record",
    )
    _enter_synthesis(ledger, evidence)


def _enter_synthesis(ledger: Ledger, evidence: Evidence) -> None:
    """What synthesis says, of the designs of chapter 11."""
    rows, part, by = evidence.synthesised, find_device(PART), "chapter 11"
    folded = rows[rows["generator"] == "folded"]
    quantised = evidence.printed[evidence.printed["bit_width"] != 32]
    most = folded["synthesised_bram"].max()

    def held(frame, kind, prefix):
        counts = frame[[f"{prefix}{field}" for field in kind._fields]]
        return [fits(kind(*row), part) for row in counts.itertuples(index=False)]

    ledger.add(
        "abstract",
        f'models that "fit on hardware with limited resources": a {PART} holds them',
        each(true()),
        printed=held(quantised, Resources, ""),
        conditions=[
            (
                f"folded onto its multipliers, {len(folded)} points of the thesis as synthesised",
                held(folded, Counts, "synthesised_"),
            ),
            (
                "folded onto its multipliers, as synthesised, all but those with five fully "
                f"connected layers, which take up to {most:g} block RAMs where {part.bram} are",
                held(folded[~folded["architecture"].isin(FIVE_LAYERS)], Counts, "synthesised_"),
            ),
        ],
        by=by,
    )
    place = "ch. 4, estimation"
    ledger.add(
        place,
        'two DSP blocks a MAC are "an upper bound on DSP block usage": synthesised DSP blocks a '
        "multiplier, folded",
        *(each(at_most(2)), folded["synthesised_dsp"] / folded["finn_r_dsp"]),
        by=by,
    )
    ledger.cannot(
        place,
        'the impact of ReLU layers "is very minimal"',
        "as synthesised, rounding, ReLU and the limit of the bit width are one",
    )
    twins = folded.groupby(KEYS[:2])["pruning_percent"].transform("min") == 0
    ledger.add(
        place,
        "hardware that takes advantage of zero weights: clocks a chunk of as many multipliers, "
        "pruned channels taken out, to unpruned",
        *(each(below(1)), relative(folded[twins], "clocks_per_chunk", pruning_percent=0)),
        by=by,
    )


def _enter_assumptions(ledger: Ledger, sums: PrintedSums) -> None:
    rows, bits, conv, linear = sums.rows, sums.bits, sums.conv, sums.linear
    is_float, place = bits == 32, "ch. 4, estimation"
    pool_lut = sums.pools * (100 * bits // 32)
    ledger.add(
        place,
        '"one DSP block for the MAC operation plus another": DSP blocks per scaled weight',
        *(each(equal(2)), rows["dsp"] / (conv + linear)),
        by=PRINTED,
    )
    conv_lut = rows["lut"] - linear - pool_lut
    count = sums.over(lambda layer, bits: 1, "conv")
    ledger.add(
        *(place, 'LUTs of convolutions "4 per bit per layer": rows equal', equal(27)),
        (conv_lut == 4 * bits * count).sum(),
        by=PRINTED,
        correction=("four per weight, scaled by B/32", (conv_lut == 4 * conv).sum(), equal(27)),
    )
    linear_lut = rows["lut"] - 4 * conv - pool_lut
    ledger.add(
        *(place, "LUTs of linear layers: input times output channels", each(true())),
        linear_lut == sums.products,
        by=PRINTED,
        conditions=[
            ("float; the others are scaled by B/32", (linear_lut == sums.products)[is_float]),
        ],
    )
    pool_only = (rows["lut"] - 4 * conv - linear)[is_float]
    family = [ARCHITECTURES[name] for name in THESIS_ARCHITECTURES]
    inputs = pd.Series([sum(row.conv_channels[: row.pools]) for row in family])
    ledger.add(
        place,
        'LUTs of max pools "based off the number of input channels": LUTs per channel, float',
        *(steady(), pool_only / inputs),
        by=PRINTED,
        correction=(
            *("100 a pool layer, scaled by B/32", pool_only / sums.pools[is_float]),
            each(equal(100)),
        ),
    )
    all_bits = sums.over(lambda layer, bits: layer.weights * bits, "conv", "linear")
    of_weights = rows["ff"] - sums.biases
    ledger.add(
        place,
        '"two flipflops (FFs) per bit": flip-flops, less those of biases, per bit of weight',
        *(each(about(2)), of_weights / all_bits),
        by=PRINTED,
        correction=("two per 32 bits", 32 * of_weights / all_bits, each(about(2))),
    )
    ledger.add(
        *(place, '"and then one for the bias parameters": rows equal', equal(27)),
        (rows["ff"] - rows["dsp"] == sums.biases).sum(),
        by=PRINTED,
    )
    room = (32_000 * rows["bram"] / all_bits)[is_float]
    ledger.add(
        place,
        'BRAM "assumed to be 32 Kbits", by weight matrix size: bits of room per bit of weight, '
        "float",
        *(each(about(1)), room),
        by=PRINTED,
        correction=(
            "a printed block holds 32,000 words of 32 bits, so at 32 Kbit the counts are 32 times "
            "too small",
            *(32 * room, each(about(1))),
        ),
    )


def _enter_lines(ledger: Ledger, evidence: Evidence, sums: PrintedSums) -> None:
    rows, conv, linear = sums.rows, sums.conv, sums.linear
    place = "ch. 4, Algorithm II, line"
    unpruned = evidence.by_size["pruning_percent"] == 0
    fields = ["dsp", "ff", "lut", "bram"]
    equal_cells = (evidence.by_size[fields] == evidence.printed[fields])[unpruned].sum()
    as_printed = sums.rows_equal()
    ledger.add(
        *(f"{place} 1", '"C_nw = N_w * B_w / 32": half the DSP blocks, rows equal', equal(27)),
        as_printed[0],
        by=AS_PRINTED,
    )
    ledger.add(
        *(f"{place} 2", '"C_nb = N_w * N_B / 32": flip-flops, rows equal', equal(27)),
        as_printed[1],
        by=AS_PRINTED,
        correction=("C_nb = N_b B / 32", equal_cells["ff"], equal(27)),
    )
    counts = [sums.over(lambda layer, bits: 1, kind) for kind in ("conv", "linear", "pool")]
    times_layers = 2 * conv * counts[0] + 2 * linear * counts[1]
    by_layer = "read as a sum over the layers"
    ledger.add(
        *(f"{place} 3", '"E_D = (2C_nw * C_C) + (2C_n * C_L)": DSP blocks, rows equal', equal(27)),
        (times_layers == rows["dsp"]).sum(),
        by=AS_PRINTED,
        conditions=[(f"{by_layer}, C_n as C_nw", equal_cells["dsp"])],
    )
    ledger.add(
        *(f"{place} 4", "look-up tables: rows equal", equal(27), as_printed[3]),
        by=AS_PRINTED,
        correction=(
            "as recovered: linear scaled, 100 B/32 a pool",
            *(equal_cells["lut"], equal(27)),
        ),
    )
    line_5 = (2 * (conv + linear) + sums.biases) * sum(counts)
    ledger.add(
        f"{place} 5",
        '"E_F = (2C_nw + C_nb) C_C + ...", C_nb corrected: flip-flops, rows equal',
        *(equal(27), (line_5 == rows["ff"]).sum()),
        by=AS_PRINTED,
        conditions=[(f"{by_layer}; a pool layer has no weights to count", equal_cells["ff"])],
    )

    def one_tap(name, bits):  # as if the wide convolutions had a kernel of one
        layers = [
            layer._replace(weights=layer.weights // 3)
            if layer.name in ("conv4", "conv5")
            else layer
            for layer in count_architecture(name)
        ]
        return estimate_layers(layers, bits).bram

    odd = rows[rows["bram"] != evidence.by_size["bram"][unpruned]]
    taps = [one_tap(*key) for key in odd[["architecture", "bit_width"]].itertuples(index=False)]
    ledger.add(
        *(f"{place} 6", "block RAMs: rows equal", equal(27), equal_cells["bram"]),
        by="estimate_grid",
        correction=(
            "the other cells count one tap of three in the wide convolutions; the float row of "
            "the largest network counts three",
            *((odd["bram"] == taps).sum(), equal(4)),
        ),
    )
