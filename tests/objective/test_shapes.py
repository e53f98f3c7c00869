"""Shapes that disagree are named; groups are numbered, added up and compared by definition."""

from __future__ import annotations

import pytest
import torch

from proctor.objective import groups, shapes
from tests.objective.samples import SEEDS, batch, same


def test_tensors_of_one_shape_pass() -> None:
    shapes.require_same(one=torch.zeros(2, 3))
    shapes.require_same(one=torch.zeros(2, 3), other=torch.ones(2, 3, dtype=torch.bool))
    shapes.require_rows(torch.zeros(2, 3), one=torch.zeros(2))
    shapes.require_rows(torch.zeros(2, 3))


def test_tensors_that_would_broadcast_are_named() -> None:
    with pytest.raises(ValueError, match=r"shapes must agree, not one \(2, 3\), other \(2, 1\), third \(2, 3\)"):
        shapes.require_same(one=torch.zeros(2, 3), other=torch.zeros(2, 1), third=torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"not one \(1, 3\), other \(3,\)"):
        shapes.require_same(one=torch.zeros(1, 3), other=torch.zeros(3))
    for one in (torch.zeros(3), torch.zeros(2, 1), torch.zeros(())):
        with pytest.raises(ValueError, match=r"one entry a rollout, not mask \(2, 3\) with one"):
            shapes.require_rows(torch.zeros(2, 3), one=one)
    with pytest.raises(ValueError, match=r"not mask \(2, 3\) with one \(2,\), other \(1,\)"):
        shapes.require_rows(torch.zeros(2, 3), one=torch.zeros(2), other=torch.zeros(1))
    for mask in (torch.zeros(2), torch.zeros(2, 3, 4)):
        with pytest.raises(ValueError, match=r"a mask \[rollouts, tokens\]"):
            shapes.require_rows(mask, one=torch.zeros(2))


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_are_their_definitions(seed: int) -> None:
    data = batch(seed)
    found = groups.group(data.rewards, data.group_ids)
    identities = sorted(set(data.group_ids.tolist()))
    assert [identities[number] for number in found.index.tolist()] == data.group_ids.tolist()
    members = [[reward for reward, of in zip(data.rewards.tolist(), data.group_ids.tolist(), strict=True) if of == identity] for identity in identities]
    assert found.sizes.tolist() == [len(values) for values in members]
    same(found.sum(data.rewards), [sum(values) for values in members])
    same(found.mean(data.rewards), [sum(values) / len(values) for values in members])
    same(found.largest(data.rewards), [max(values) for values in members])
    assert found.are_unanimous(data.rewards).tolist() == [len(set(values)) == 1 for values in members]
    assert found.are_unanimous(torch.ones(7)).all()
