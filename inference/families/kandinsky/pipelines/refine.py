"""Image to image: a picture is noised part of the way and drawn again from there by the full net.

As in SDEdit (Meng et al. 2022, arXiv:2108.01073) and diffusers' `Kandinsky3Img2ImgPipeline`, with the sampler,
schedule and conditioning of Kandinsky 3.1.
"""

from __future__ import annotations

from inference.engine.asks import Drawing, Pipeline
from inference.families.kandinsky.asks import ToLatent, Tools
from inference.families.kandinsky.compositing import covering, to_signed
from inference.families.kandinsky.pipelines.guided import denoise, read
from inference.families.kandinsky.pipelines.parts import decode_each, noise_streams
from inference.families.kandinsky.sampling import StepCoefficients, full_coefficients, stack_next
from inference.requests import Refine


def refine(request: Refine, tools: Tools) -> Pipeline:
    """Draws one picture per seed. The source is scaled to cover width x height and its middle is taken.

    Each picture's first noise is what text to image would start from, so at strength 1 it becomes the same picture.
    """
    contexts, notes = yield from read(request, "full", tools)
    source = covering(tools.picture(request.image.blob), request.width, request.height)
    latent = yield ToLatent(to_signed(source))  # [4, H/8, W/8]
    steps = refine_schedule(request)
    noise = noise_streams(request)
    start = steps[0]
    x = start.sqrt_alpha * latent.to(tools.device) + start.sqrt_one_minus_alpha * stack_next(noise, tools.device)
    x = yield from denoise(request, "full", x, steps, contexts, noise, stage="refining")
    pictures = yield from decode_each(x)
    return Drawing(pictures, notes)


def refine_schedule(request: Refine) -> tuple[StepCoefficients, ...]:
    """The last `strength` of all steps, rounded down, but no fewer than one: the rule of diffusers."""
    steps = full_coefficients(request.steps, request.eta)
    return steps[-max(1, int(len(steps) * request.strength)) :]


def refine_steps(request: Refine) -> int:
    """One ask for the texts, one for the latent, one per timestep, one per picture decoded."""
    return 2 + len(refine_schedule(request)) + len(request.seeds)
