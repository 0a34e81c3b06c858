"""Names find places of their own, on points as crowded as they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vggcost.report.plots.labels import Disc, Names

FRAME = (0.0, 0.0, 1400.0, 900.0)
WIDTH, HEIGHT = 70.0, 18.0


def boxes(discs, taken=()):
    names = Names(FRAME, discs, taken, [(0.0, 0.0), (1400.0, 900.0)], 2.0)
    placed = []
    for index, disc in enumerate(discs):
        across, up = names.place(index, WIDTH, HEIGHT)
        x, y = disc.x + across, disc.y + up
        placed.append((x - WIDTH / 2, y - HEIGHT / 2, x + WIDTH / 2, y + HEIGHT / 2))
    return placed


def apart(one, other):
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@given(st.lists(st.tuples(st.integers(300, 1100), st.integers(250, 650), st.integers(2, 30)), min_size=1, max_size=12))
def test_no_name_covers_another_or_leaves_the_frame(points):
    placed = boxes([Disc(float(x), float(y), float(radius)) for x, y, radius in points])
    for number, one in enumerate(placed):
        assert FRAME[0] <= one[0]
        assert one[2] <= FRAME[2]
        assert FRAME[1] <= one[1]
        assert one[3] <= FRAME[3]
        assert all(apart(one, other) for other in placed[:number])


def test_a_name_stands_close_to_a_lonely_point():
    (box,) = boxes([Disc(700.0, 300.0, 10.0)])
    assert abs(box[1] - 300) < 60
    assert not box[0] < 700 < box[2] or not box[1] < 300 < box[3]


def test_what_is_taken_stays_clear():
    taken = (600.0, 320.0, 800.0, 380.0)  # right above the point, where a name would go first
    (box,) = boxes([Disc(700.0, 300.0, 10.0)], [taken])
    assert apart(box, taken)
