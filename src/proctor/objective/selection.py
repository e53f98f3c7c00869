"""Best-of-n: what choosing by a proxy score yields, estimated from more samples than n. Not differentiated."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from proctor.objective.groups import group
from proctor.objective.shapes import require_same


def best_of_n_weights(num_samples: int, *, n: int) -> Float[Tensor, " samples"]:
    """w_i = C(i-1, n-1) / C(N, n): probability that the i-th lowest of N samples is the best of n drawn without replacement.

    Source: Nakano et al. 2021 (WebGPT), appendix I.

    Args:
        num_samples: N.
        n: how many are drawn; 1 to N.

    Raises:
        ValueError: n is not between 1 and N.
    """
    if not 1 <= n <= num_samples:
        raise ValueError(f"best of n needs 1 <= n <= number of samples, not n={n} of {num_samples}")
    # Logarithms of gamma functions: the binomials themselves overflow.
    ranks = torch.arange(n, num_samples + 1, dtype=torch.float64)
    chosen = ranks.lgamma() - (ranks - n + 1).lgamma() - math.lgamma(n)
    total = math.lgamma(num_samples + 1) - math.lgamma(n + 1) - math.lgamma(num_samples - n + 1)
    return torch.cat([torch.zeros(n - 1, dtype=torch.float64), (chosen - total).exp()])


def best_of_n(proxy: Float[Tensor, " samples"], gold: Float[Tensor, " samples"], *, n: int) -> Float[Tensor, ""]:
    """Unbiased estimate of the expected gold score of the sample with the best proxy score among n.

    Samples that tie in proxy share their weights, which is the mean over all ways to break the tie.

    Source: Nakano et al. 2021 (WebGPT), appendix I; Gao et al. 2022, section 2.

    Args:
        proxy: score by which the best is chosen, of N samples of one prompt.
        gold: score that is reported, of the same samples.
        n: how many are drawn; 1 to N.

    Raises:
        ValueError: shapes disagree, a score is not finite, or n is not between 1 and N.
    """
    require_same(proxy=proxy, gold=gold)
    weights = best_of_n_weights(len(proxy), n=n).to(proxy.device)
    order = proxy.argsort()
    ties = group(proxy[order], proxy[order])
    return (ties.mean(weights)[ties.index] * gold[order].double()).sum()


def best_of_n_kl(n: int) -> float:
    """KL(best-of-n || policy) = log n - (n-1)/n, nats: exact for scores without ties, an upper bound with them.

    Source: Stiennon et al. 2020, appendix G.3; Gao et al. 2022, section 2.

    Raises:
        ValueError: n is less than 1.
    """
    if n < 1:
        raise ValueError(f"best of n needs n >= 1, not {n}")
    return math.log(n) - (n - 1) / n
