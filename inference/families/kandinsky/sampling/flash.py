"""The four-step sampler of Kandinsky 3.1 Flash (Arkhipkin et al. 2024, arXiv:2410.21061).

Each step noises the current estimate again and predicts it anew; there is no guidance and no thresholding. The first
"estimate" is plain noise. Float32 throughout.
"""

from torch import Tensor

from inference.families.kandinsky.sampling.schedule import FlashCoefficients


def flash_renoise(x0: Tensor, noise: Tensor, step: FlashCoefficients) -> Tensor:
    """The state at `step.t` made from the estimate `x0` and fresh unit gaussian `noise`; float32 [B, 4, h, w]."""
    return step.sqrt_alpha * x0 + step.sqrt_one_minus_alpha * noise


def flash_x0(x: Tensor, eps: Tensor, step: FlashCoefficients) -> Tensor:
    """The new estimate from the state `x` at `step.t` and the student's prediction `eps`; float32 [B, 4, h, w]."""
    return (x - step.sqrt_one_minus_alpha * eps.float()) / step.sqrt_alpha
