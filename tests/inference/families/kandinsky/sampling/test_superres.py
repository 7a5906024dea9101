import pytest
import torch
from diffusers import DPMSolverMultistepScheduler
from torch import Tensor

from inference.families.kandinsky.sampling.superres import renoise_, solver_step_, solver_steps, turbo_coefficients


def drawn(seed: int) -> Tensor:
    return torch.randn(3, 8, 16, generator=torch.Generator().manual_seed(seed))


def model(x: Tensor, t: int) -> Tensor:
    """Any smooth function of the state stands in for a net."""
    return torch.tanh(x.roll(1, -1) * 0.7 + t / 1000)


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 10])
def test_a_run_agrees_with_an_independent_solver_that_is_set_up_alike(steps: int) -> None:
    theirs = DPMSolverMultistepScheduler(beta_schedule="linear", prediction_type="sample")
    theirs.set_timesteps(steps)
    x, y, before = drawn(0), drawn(0), None
    assert [step.t for step in solver_steps(steps)] == theirs.timesteps.tolist()
    for step in solver_steps(steps):
        x0 = model(x, step.t)
        y = theirs.step(model(y, step.t), step.t, y).prev_sample
        x, before = solver_step_(x, x0, before, step), x0
        torch.testing.assert_close(x, y, atol=1e-5, rtol=0)


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        solver_steps(0)


def test_history_of_averages_is_the_average_of_histories() -> None:
    """Two windows over the same pixels, each with a history of its own, against one history of their mean."""
    x = drawn(0)
    before: Tensor | None = None
    pair_before: tuple[Tensor | None, Tensor | None] = (None, None)
    for number, step in enumerate(solver_steps()):
        pair = drawn(2 * number + 1), drawn(2 * number + 2)
        apart = [solver_step_(x.clone(), one, old, step) for one, old in zip(pair, pair_before, strict=True)]
        x0 = (pair[0] + pair[1]) / 2
        x = solver_step_(x, x0, before, step)
        torch.testing.assert_close(x, (apart[0] + apart[1]) / 2, atol=1e-5, rtol=1e-5)
        before, pair_before = x0, pair


def test_the_turbo_noises_with_the_linear_schedule() -> None:
    ours = DPMSolverMultistepScheduler(beta_schedule="linear").alphas_cumprod
    for step in turbo_coefficients():
        noised = renoise_(drawn(1), drawn(0), step)
        expected = ours[step.t].sqrt() * drawn(0) + (1 - ours[step.t]).sqrt() * drawn(1)
        torch.testing.assert_close(noised, expected, atol=1e-5, rtol=0)
