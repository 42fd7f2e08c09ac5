"""The picture that the book opens with is that of the record, in the repository and its README."""

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from amrpkg.book import describe_story, figures, tell_story
from amrpkg.book.figures import style
from amrpkg.book.story import DEVICES, PICTURE, README, SERIES, write_picture
from amrpkg.evaluation import binomial_interval
from amrpkg.models import THESIS_ARCHITECTURES
from amrpkg.records import load_record, load_search

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def story():
    return tell_story()


@pytest.fixture(scope="module")
def figure(story):
    return figures.plot_story(story)


def places(svg):
    """Series and network -> where its mark is, and its glyph, of an SVG's text."""
    found = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if ": " in group.get("id", ""):
            [use] = group.iter(f"{SVG}use")
            found[group.get("id")] = (float(use.get("x")), float(use.get("y")))
    return found


def test_every_network_of_the_record_is_in_the_story_once(story):
    record = load_record().query("seed == 0")
    held = record[record["pruning_variant"] != "regrowing"]
    thesis = held["architecture"].isin(THESIS_ARCHITECTURES)
    streamed = held["protocol"] == "streaming"
    counts = [
        (held["protocol"] == "thesis").sum(),
        (streamed & thesis).sum(),
        (streamed & ~thesis).sum(),
        load_search()[["channels", "bit_width"]].drop_duplicates().shape[0],
    ]
    assert story["series"].value_counts()[list(SERIES)].tolist() == counts
    assert not story[["series", "network"]].duplicated().any()


def test_shares_and_intervals_are_exact(story):
    row = story[story["network"] == "symbolwise_2_6_6_4bit"].iloc[0]
    chosen = load_search().query("channels == '6-6' and bit_width == 4")
    best = chosen.loc[chosen["validation_correct"].idxmax()]
    assert (row["lut"], row["fresh_correct"]) == (best["exported_lut"], best["fresh_correct"])
    low, high = binomial_interval(int(row["fresh_correct"]), 23_040)
    assert (row["low"], row["high"]) == pytest.approx((1 - high, 1 - low))
    assert row["wrong"] == pytest.approx(1 - best["fresh_correct"] / 23_040)
    none_wrong = story[story["wrong"] == 0]
    assert len(none_wrong) and np.allclose(none_wrong["high"], 1 - 0.025 ** (1 / 23_040))


def test_every_network_is_a_mark_and_none_wrong_is_at_the_upper_bound(story, figure):
    ax = figure.axes[0]
    marks = {mark.get_gid(): mark for mark in ax.lines if mark.get_gid()}
    assert len(marks) == len(story) + story["synthesised_lut"].notna().sum()
    for row in story.itertuples():
        mark = marks[f"{row.series}: {row.network}"]
        height = row.wrong if row.wrong else row.high
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (row.lut, pytest.approx(100 * height))
        assert (mark.get_marker() == "v") == (row.wrong == 0)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert "%" in ax.get_ylabel() and "estimate" in ax.get_xlabel()
    texts = " ".join(text.get_text() for text in ax.texts)
    assert all(f"{name}: {device.lut:,}" in texts for name, device in DEVICES.items())
    low, high = ax.get_ylim()
    drawn = np.array([mark.get_ydata()[0] for mark in marks.values()])
    assert ((low < drawn) & (drawn < high)).all()


def test_the_picture_in_the_repository_is_that_of_the_record(figure):
    """`python -m amrpkg.book.story` makes it anew."""
    style.save_svg(figure, drawn := io.BytesIO())
    wanted, kept = places(drawn.getvalue()), places(PICTURE.read_bytes())
    assert kept.keys() == wanted.keys() and len(kept) > 200
    for name, place in wanted.items():
        assert kept[name] == pytest.approx(place, abs=2), name  # letters differ by version


def test_the_readme_shows_the_picture_and_says_what_the_record_says(story):
    [(said, path)] = re.findall(r"!\[([^\]]*)\]\((\S+\.svg)\)", README.read_text())
    assert said == describe_story(story)
    assert (README.parent / path).resolve() == PICTURE


def test_the_command_writes_both_and_nothing_else_of_the_readme(story, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("# A\n\n![old](book/_static/story.svg)\n\nB\n")
    write_picture(story, tmp_path / "story.svg", readme)
    text = readme.read_text()
    assert text == f"# A\n\n![{describe_story(story)}](book/_static/story.svg)\n\nB\n"
    assert (
        places((tmp_path / "story.svg").read_bytes()).keys() == places(PICTURE.read_bytes()).keys()
    )


def test_what_was_synthesised_is_marked_beside_its_estimate(tmp_path):
    """Of the designs on record one target, and one symbol a clock, count; the rest is as before."""
    columns = "architecture,bit_width,pruning_percent,symbols_per_clock,family,values"
    columns += ",synthesised_lut"
    rows = [
        "symbolwise_2_6_6,4,0,1,,trained,",  # a simulation
        "symbolwise_2_6_6,4,0,1,ice40,trained,901",
        "symbolwise_2_6_6,4,0,8,xc7,trained,4001",
        "symbolwise_2_6_6,4,0,1,xc7,trained,601",
        "vgglike_2f_2c_2re_2mp,6,30,1,xc7,trained,7001",
        "vgglike_2f_1c_1re_1mp,8,0,1,xc7,by heart,5001",
    ]
    (path := tmp_path / "synthesis.csv").write_text("\n".join([columns, *rows]))
    with_it, without = tell_story(synthesis=path), tell_story(synthesis=tmp_path / "none.csv")
    made = with_it.dropna(subset="synthesised_lut").set_index("network")["synthesised_lut"]
    theirs, ours = "vgglike_2f_2c_2re_2mp_6bit_pr_30", "symbolwise_2_6_6_4bit"
    assert made.to_dict() == {theirs: 7001, ours: 601}
    assert with_it.drop(columns="synthesised_lut").equals(without.drop(columns="synthesised_lut"))
    assert (
        describe_story(with_it) == describe_story(without) + " The least that was synthesised "
        "takes 601."
    )
    marks = {line.get_gid(): line for line in figures.plot_story(with_it).axes[0].lines}
    star, name = marks[f"synthesised: {ours}"], f"{SERIES[-1]}: {ours}"
    assert (star.get_xdata()[0], star.get_marker()) == (601, "*")
    assert star.get_ydata()[0] == marks[name].get_ydata()[0] and marks[name].get_xdata()[0] == 50
