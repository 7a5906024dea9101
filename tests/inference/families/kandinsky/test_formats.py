"""In which number formats the nets compute."""

from __future__ import annotations

import dataclasses

import torch

from inference.engine.policy import device_policy
from inference.families.kandinsky.files.catalogue import FORMATS
from inference.families.kandinsky.formats import Formats, formats_of


def test_on_a_cpu_everything_is_float32_unless_set_otherwise() -> None:
    assert formats_of(device_policy("cpu")) == Formats(**dict.fromkeys(FORMATS, torch.float32))
    assert formats_of(device_policy("cpu", {"unet": "bfloat16"})).unet is torch.bfloat16


def test_an_owner_may_choose_each_of_them() -> None:
    assert tuple(field.name for field in dataclasses.fields(Formats)) == FORMATS
