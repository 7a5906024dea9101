import pytest

from inference.families.kandinsky.nets import preview
from tests.inference.pretended.studio import Weights, small_windows, write_weights


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return write_weights(tmp_path_factory.mktemp("pretended"))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of 64 pixels, and colours of previews by two pictures of 32."""
    small_windows(monkeypatch)
    monkeypatch.setattr(preview, "PICTURES", 2)
    monkeypatch.setattr(preview, "SIDE", 32)
