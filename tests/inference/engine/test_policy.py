"""What a device can afford, and what an owner may choose."""

from __future__ import annotations

import pytest

from inference.engine.policy import TIERS, device_policy, tier_of
from inference.families import FAMILIES

FORMATS = [name for family in FAMILIES for name in family.formats]


@pytest.mark.parametrize("wrong", [{"unet": "int3"}, {"nothing": "float32"}])
def test_unknown_formats_are_refused_by_name(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"nothing|int3"):
        device_policy("cpu", wrong, FORMATS)


def test_a_larger_gpu_is_never_given_less() -> None:
    assert [tier.gigabytes for tier in TIERS] == sorted((tier.gigabytes for tier in TIERS), reverse=True)
    rows = [tier_of(gigabytes * 10**9).max_rows for gigabytes in (4, 8, 12, 16, 24, 48, 80, 141)]
    assert rows == sorted(rows)
    assert not tier_of(16 * 10**9).large and tier_of(24 * 10**9).large
