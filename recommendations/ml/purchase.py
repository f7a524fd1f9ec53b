"""Purchase processes that need no labels: BG/NBD for how often, Gamma-Gamma for how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
from scipy import optimize, special
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from recommendations.ml.arrays import Floats, Integers

LOG_BOUND = 12.0
TINY = 1e-6


def collapsed(values: Floats) -> tuple[Floats, Floats, Integers]:
    """Distinct rows, how often each occurs, and for every original row the number of its distinct row.

    Customers share few (x, t_x, T) triples, so a million customers cost what some thousand triples cost.
    """
    order = np.lexsort(values.T[::-1])
    ordered = values[order]
    starts = np.ones(len(values), dtype=bool)
    starts[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    number = np.cumsum(starts) - 1
    inverse = np.empty(len(values), dtype=np.int64)
    inverse[order] = number
    return ordered[starts], np.bincount(number).astype(np.float64), inverse


class BetaGeometricNBD(BaseEstimator):
    """BG/NBD by maximum likelihood (Fader, Hardie and Lee 2005, Marketing Science 24(2), equations 6 to 10).

    Rows of `X` are (x, t_x, T): repeat purchases, time of the last one, time observed, in one unit of time.
    Fitted: `r_`, `alpha_` (purchase rate ~ gamma), `a_`, `b_` (drop-out ~ beta), `log_likelihood_`.
    """

    def __init__(self, *, max_iterations: int = 500) -> None:
        self.max_iterations = max_iterations

    def fit(self, X: Floats, y: object = None) -> Self:
        distinct, counts, _ = collapsed(np.asarray(X, dtype=np.float64))
        # Scaling time keeps the four parameters near one another, whatever the unit.
        scale = max(float(distinct[:, 2].max()) / 40.0, 1e-9)
        scaled = distinct / np.array([1.0, scale, scale])
        logs = _maximise(lambda p: _bg_nbd_likelihood(p, scaled, counts), 4, self.max_iterations)
        self.r_, self.alpha_, self.a_, self.b_ = (float(value) for value in np.exp(logs))
        self.alpha_ *= scale
        parameters = np.array([self.r_, self.alpha_, self.a_, self.b_])
        self.log_likelihood_ = -_bg_nbd_likelihood(parameters, distinct, counts)[0]
        self.customers_ = len(X)
        return self

    @classmethod
    def with_parameters(cls, *, r: float, alpha: float, a: float, b: float) -> BetaGeometricNBD:
        """A fitted model from stored parameters."""
        model = cls()
        model.r_, model.alpha_, model.a_, model.b_ = r, alpha, a, b
        return model

    def probability_alive(self, X: Floats) -> Floats:
        """P(not dropped out | x, t_x, T): Fader, Hardie and Lee 2008, "Computing P(alive) Using BG/NBD"."""
        check_is_fitted(self, "r_")
        x, t_x, age = np.asarray(X, dtype=np.float64).T
        log_odds_dead = np.log(self.a_) - np.log(np.maximum(self.b_ + x - 1.0, 1e-12))
        log_odds_dead += (self.r_ + x) * (np.log(self.alpha_ + age) - np.log(self.alpha_ + t_x))
        # Without a repeat purchase there was no occasion to drop out.
        return np.where(x > 0, special.expit(-log_odds_dead), 1.0)

    def predict(self, X: Floats, horizon: float) -> Floats:
        """Expected purchases in (T, T + horizon]: equation 10 of the 2005 paper.

        Euler's transformation of its Gauss hypergeometric term keeps heavy buyers from overflowing.
        """
        check_is_fitted(self, "r_")
        x, _, age = np.asarray(X, dtype=np.float64).T
        a = self.a_ if abs(self.a_ - 1.0) > TINY else 1.0 + TINY
        z = horizon / (self.alpha_ + age + horizon)
        with np.errstate(over="ignore", invalid="ignore"):
            gauss = special.hyp2f1(a + self.b_ - 1.0 - self.r_, a - 1.0, a + self.b_ + x - 1.0, z)
            living = (a + self.b_ + x - 1.0) / (a - 1.0) * (1.0 - (1.0 - z) ** (a - 1.0) * gauss)
        # Where hardly anybody ever drops out the series fails; its limit is the plain posterior rate.
        rate = (self.r_ + x) / (self.alpha_ + age) * horizon
        living = np.where(np.isfinite(living), np.clip(living, 0.0, rate), rate)
        return np.asarray(living * self.probability_alive(X))

    def probability_of_purchase(self, X: Floats, horizon: float) -> Floats:
        """P(at least one purchase in (T, T + horizon]).

        Given alive at T the rate is gamma(r + x, alpha + T) and drop-out can only follow a purchase, so
        P(none | alive) = ((alpha + T) / (alpha + T + horizon)) ** (r + x).
        """
        x, _, age = np.asarray(X, dtype=np.float64).T
        none = np.exp(-(self.r_ + x) * np.log1p(horizon / (self.alpha_ + age)))
        return np.asarray(self.probability_alive(X) * (1.0 - none))


class GammaGamma(BaseEstimator):
    """Spend per purchase (Fader and Hardie 2013, "The Gamma-Gamma Model of Monetary Value", eq. 1a and 5).

    Rows of `X` are (x, mean value of those x purchases), both positive. Fitted: `p_`, `q_`, `v_`.
    """

    def __init__(self, *, max_iterations: int = 500) -> None:
        self.max_iterations = max_iterations

    def fit(self, X: Floats, y: object = None) -> Self:
        values = np.asarray(X, dtype=np.float64)
        if values.size == 0 or values.min() <= 0:
            raise ValueError("Gamma-Gamma needs positive purchase counts and values")
        scale = float(np.median(values[:, 1]))
        scaled = values / np.array([1.0, scale])
        logs = _maximise(lambda p: _gamma_gamma_likelihood(p, scaled), 3, self.max_iterations)
        self.p_, self.q_, self.v_ = (float(value) for value in np.exp(logs))
        self.v_ *= scale
        return self

    @classmethod
    def with_parameters(cls, *, p: float, q: float, v: float) -> GammaGamma:
        """A fitted model from stored parameters."""
        model = cls()
        model.p_, model.q_, model.v_ = p, q, v
        return model

    def predict(self, X: Floats) -> Floats:
        """Expected value per purchase; (0, 0) rows get the population's mean (needs q > 1)."""
        check_is_fitted(self, "p_")
        x, mean = np.asarray(X, dtype=np.float64).T
        return np.asarray(self.p_ * (self.v_ + x * mean) / np.maximum(self.p_ * x + self.q_ - 1.0, 1e-9))


def _maximise(
    objective: Callable[[Floats], tuple[float, Floats]], parameters: int, max_iterations: int
) -> Floats:
    """Logarithms of the parameters that minimise `objective` (negative log-likelihood and its gradient)."""

    def in_logs(logs: Floats) -> tuple[float, Floats]:
        value, gradient = objective(np.exp(logs))
        return value, gradient * np.exp(logs)

    result = optimize.minimize(
        in_logs,
        np.zeros(parameters),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-LOG_BOUND, LOG_BOUND)] * parameters,
        options={"maxiter": max_iterations, "ftol": 1e-13, "gtol": 1e-7},
    )
    return np.asarray(result.x, dtype=np.float64)


def _bg_nbd_likelihood(parameters: Floats, distinct: Floats, counts: Floats) -> tuple[float, Floats]:
    """Negative log-likelihood of equation 6 and its gradient by (r, alpha, a, b)."""
    r, alpha, a, b = parameters
    x, t_x, age = distinct.T
    repeat = x > 0
    later = np.maximum(b + x - 1.0, 1e-12)
    alive = -(r + x) * np.log(alpha + age)
    dead = np.where(repeat, np.log(a) - np.log(later) - (r + x) * np.log(alpha + t_x), -np.inf)
    either = np.logaddexp(alive, dead)
    log_likelihood = (
        special.gammaln(r + x)
        - special.gammaln(r)
        + r * np.log(alpha)
        + special.betaln(a, b + x)
        - special.betaln(a, b)
        + either
    )
    weight_dead = np.where(repeat, np.exp(dead - either), 0.0)
    weight_alive = 1.0 - weight_dead
    shared = special.digamma(a + b) - special.digamma(a + b + x)
    gradients = (
        special.digamma(r + x)
        - special.digamma(r)
        + np.log(alpha)
        - weight_alive * np.log(alpha + age)
        - weight_dead * np.log(alpha + t_x),
        r / alpha - (r + x) * (weight_alive / (alpha + age) + weight_dead / (alpha + t_x)),
        # betaln(a, b + x) leaves a alone inside both beta functions except through their sums.
        shared + weight_dead / a,
        shared + special.digamma(b + x) - special.digamma(b) - weight_dead / later,
    )
    return -float(counts @ log_likelihood), -np.array([counts @ gradient for gradient in gradients])


def _gamma_gamma_likelihood(parameters: Floats, values: Floats) -> tuple[float, Floats]:
    """Negative log-likelihood of equation 1a and its gradient by (p, q, v)."""
    p, q, v = parameters
    x, mean = values.T
    shape, scale = p * x, v + x * mean
    log_likelihood = (
        special.gammaln(shape + q)
        - special.gammaln(shape)
        - special.gammaln(q)
        + q * np.log(v)
        + (shape - 1.0) * np.log(mean)
        + shape * np.log(x)
        - (shape + q) * np.log(scale)
    )
    joint = special.digamma(shape + q)
    gradient_p = x * (joint - special.digamma(shape) + np.log(mean) + np.log(x) - np.log(scale))
    gradient_q = joint - special.digamma(q) + np.log(v) - np.log(scale)
    gradient_v = q / v - (shape + q) / scale
    return -float(log_likelihood.sum()), -np.array([gradient_p.sum(), gradient_q.sum(), gradient_v.sum()])
