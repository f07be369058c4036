"""Names that differ in one word are said as one, and no name is lost or said twice."""

from __future__ import annotations

import pytest

from dbkit.leak.patterns import name_patterns


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], []),
        (["own"], ["own"]),
        (["read", "write"], ["read", "write"]),
        (["own_select", "own_update"], ["own_{select,update}"]),
        (["own_select", "own_select"], ["own_select"]),
        (["select_fellows", "insert_managers", "update_managers"], ["select_fellows", "{insert,update}_managers"]),
        (["owners_can_view_own_units", "owners_can_delete_own_units"], ["owners_can_{view,delete}_own_units"]),
        (["Users can view notes", "Users can edit notes", "Anon"], ["Users can {view,edit} notes", "Anon"]),
        # Each name once, in the pattern that says most.
        (["a_x", "b_x", "b_y", "b_z"], ["a_x", "b_{x,y,z}"]),
        # Another number of words is another name.
        (["own_select", "own_select_all"], ["own_select", "own_select_all"]),
    ],
)
def test_names(names: list[str], said: list[str]) -> None:
    assert name_patterns(names) == said
