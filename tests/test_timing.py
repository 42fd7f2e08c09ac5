"""Side by side: order of the calls, what is counted, and known durations."""

import time

import pytest

from amrpkg.speed import SKIPPED, time_side_by_side, time_steps


def test_tasks_take_turns_and_each_is_called_as_often():
    called = []
    tasks = [lambda: called.append("a"), lambda: called.append("b")]
    time_side_by_side(tasks, turns=3, calls=4)
    turn = SKIPPED + 4
    assert called == (["a"] * turn + ["b"] * turn) * 3


def test_the_ratio_of_known_durations_and_the_calls_that_are_left_out():
    slow_start = iter([0.05] * SKIPPED + [0.002] * 5)
    short, long = time_side_by_side(
        [lambda: time.sleep(next(slow_start)), lambda: time.sleep(0.02)], turns=1, calls=5
    )
    assert 2 <= short < 20 <= long


@pytest.mark.parametrize("argument", ["turns", "calls"])
def test_numbers_of_calls_are_checked(argument):
    with pytest.raises(ValueError, match=f"{argument} is 0; allowed"):
        time_side_by_side([], **{argument: 0})


def test_steps_of_all_networks_are_compared_with_a_float_one_beside_them():
    steps = time_steps("vgglike_2f_1c_1re_1mp", [(32, 0), (8, 20)], turns=1, calls=3)
    assert steps["pruning_percent"].tolist() == [0, 20]
    same, quantised = steps["to_float"]
    assert 0.5 < same < 2 < quantised and same != 1  # of two networks, not one
    assert steps["fused_to_float"].isna().tolist() == [True, False]
    assert 1 < steps["fused_to_float"][1] < quantised
    ratio = steps["ms"] / steps["to_float"]  # of one reference
    assert ratio[0] == pytest.approx(ratio[1])
    assert steps["fused_ms"][1] / steps["fused_to_float"][1] == pytest.approx(ratio[0])
