"""The profile: what is arithmetic, what fake quantisation adds, and that nothing is lost."""

import pytest

from amrpkg.models import build
from amrpkg.speed import PARTS, profile_batch

NAME = "vgglike_2f_1c_1re_1mp"


@pytest.mark.parametrize("training", [False, True])
def test_a_float_network_is_mostly_arithmetic_and_a_quantised_one_is_not(training):
    model = build(NAME)
    ours, quantised = profile_batch(model, training), profile_batch(build(NAME, 8), training)
    assert list(ours.index) == list(PARTS) and (ours["ms"] > 0).all()
    share = ours["ms"] / ours["ms"].sum()
    assert share["arithmetic"] > 2 * (quantised["ms"] / quantised["ms"].sum())["arithmetic"]
    assert quantised.loc["other operators", "calls"] > 10 * ours.loc["other operators", "calls"]
    assert model.training == training


def test_the_calls_of_a_forward_pass_are_counted_per_batch():
    # 1 convolution, 2 linear layers, 2 rectifiers and a pool are at least 6 calls, in any count
    one, many = (profile_batch(build(NAME), batches=n).loc["arithmetic", "calls"] for n in (1, 9))
    assert one == many >= 6


def test_the_number_of_batches_is_checked():
    with pytest.raises(ValueError, match="batches is 0; allowed"):
        profile_batch(build(NAME), batches=0)
