"""The table of networks to choose from, against the records and against PyTorch's layers."""

import pytest
import torch

from amrpkg.book import count_multiplications, tabulate_choices
from amrpkg.book.choosing import choices
from amrpkg.models import ARCHITECTURES, build
from amrpkg.models.architectures import symbol_wise
from amrpkg.records import load_robustness

ROWS = [
    ARCHITECTURES["vgglike_2f_2c_2re_2mp"],
    ARCHITECTURES["pointwise_24_16_8"],
    symbol_wise("fold_sign_noise", 6, 5),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.short)
def test_products_are_those_of_the_layers_that_torch_runs(row):
    model, products = build(row).eval(), 0

    def count(module, inputs, output):
        nonlocal products
        products += module.weight.numel() * (output[0].numel() // module.weight.shape[0])

    for module in model.modules():
        if isinstance(module, torch.nn.Conv1d | torch.nn.Linear):
            module.register_forward_hook(count)
    model(torch.zeros(1, row.inputs, 32))
    assert count_multiplications(row) == products


def test_each_network_stands_beside_the_ceiling_that_knows_as_much():
    table = tabulate_choices((50, 100, 0.5)).set_index("network")
    assert list(table.index[[2, 3, -1]]) == ["gradient boosting", "smallest", "offsets"]
    rows = load_robustness().query("condition == 'noise' and value == 12")
    share = (rows["correct"] / rows["count"]).set_axis(rows["classifier"])
    knows = {
        "told": "ceiling",
        "taught": "ceiling",
        "centred": "ceiling",
        "blind": "ceiling, blind",
        "offsets": "ceiling, blind",
    }
    for name, bound in knows.items():
        expected = share[f"{name}_8bit_seed_0"] / share[bound]
        assert table.loc[name, table.columns[-1]] == pytest.approx(expected, abs=5e-5)
    assert table.loc["gradient boosting", "exact 95 % interval (%)"] == "39.83 to 60.17"
    small = next(one for one in choices() if one.label == "smallest")
    assert small.right >= 0.999 * small.count
    assert table.loc["smallest", "bytes"] == 102 * 4 // 8 + 21 * 4
    assert table.loc["smallest", "LUT (synthesis)"] == 568
