"""One file that crashes its process must not take the others with it."""

from __future__ import annotations

import math
from concurrent.futures.process import BrokenProcessPool

import pytest

from interlayer.parallel import map_isolated


@pytest.mark.parametrize("jobs", [1, 2])
def test_values_and_errors_stay_with_their_items(jobs):
    """The error of one item is its own result."""
    found = dict(map_isolated(math.sqrt, [4.0, -1.0, 9.0], jobs=jobs))
    assert (found[4.0], found[9.0]) == (2.0, 3.0)
    assert isinstance(found[-1.0], ValueError)


def test_crash_of_a_process_is_pinned_on_its_item():
    """A segmentation fault in a library ends the process: that file has failed, all others are done."""
    crash = "__import__('os')._exit(7)"
    sums = [f"{number} + {number}" for number in range(12)]
    found = dict(map_isolated(eval, [*sums[:3], crash, *sums[3:]], jobs=2))
    assert isinstance(found.pop(crash), BrokenProcessPool)
    assert found == {text: eval(text) for text in sums}
