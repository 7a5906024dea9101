from pathlib import Path

import pytest
import torch

from tests.inference.random_checkpoint import write_random_checkpoint
from tests.inference.tiny import write_checkpoint


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder of very small random nets."""
    return write_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def random_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder of very small random nets for every kind of request."""
    return write_random_checkpoint(tmp_path_factory.mktemp("random"))
