from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate

from recommendations.ml.purchase import BetaGeometricNBD, GammaGamma, collapsed

CDNOW = Path(__file__).parents[4] / "shared" / "data" / "cdnow" / "CDNOW_sample.txt"
CALIBRATION_END = date(1997, 9, 30).toordinal()
PUBLISHED = BetaGeometricNBD.with_parameters(r=0.243, alpha=4.414, a=0.793, b=2.426)


@pytest.fixture(scope="module")
def cdnow() -> dict[str, dict[int, float]]:
    if not CDNOW.exists():
        pytest.skip("the CDNOW sample is not in ../shared/data")
    spend: dict[str, dict[int, float]] = {}
    for line in CDNOW.read_text().splitlines():
        _, customer, day, _, value = line.split()
        when = date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal()
        days = spend.setdefault(customer, {})
        days[when] = days.get(when, 0.0) + float(value)
    return spend


@pytest.fixture(scope="module")
def weeks(cdnow: dict[str, dict[int, float]]) -> np.ndarray:
    rows = []
    for days in cdnow.values():
        seen = sorted(day for day in days if day <= CALIBRATION_END)
        rows.append((len(seen) - 1, (seen[-1] - seen[0]) / 7, (CALIBRATION_END - seen[0]) / 7))
    return np.array(rows)


def test_cdnow_sample_gives_the_published_parameters(weeks: np.ndarray) -> None:
    model = BetaGeometricNBD().fit(weeks)
    assert [round(value, 3) for value in (model.r_, model.alpha_, model.a_, model.b_)] == [
        0.243,
        4.414,
        0.793,
        2.426,
    ]
    assert round(model.log_likelihood_, 1) == -9582.4


def test_cdnow_sample_gives_the_holdout_error(weeks: np.ndarray, cdnow: dict[str, dict[int, float]]) -> None:
    later = np.array([sum(day > CALIBRATION_END for day in days) for days in cdnow.values()])
    predicted = BetaGeometricNBD().fit(weeks).predict(weeks, 39)
    assert round(float(np.abs(predicted - later).mean()), 4) == 0.7855


def test_cdnow_sample_gives_the_published_spend_parameters(cdnow: dict[str, dict[int, float]]) -> None:
    rows = []
    for days in cdnow.values():
        seen = sorted(day for day in days if day <= CALIBRATION_END)
        mean = float(np.mean([days[day] for day in seen[1:]])) if len(seen) > 1 else 0.0
        if mean > 0:
            rows.append((len(seen) - 1, mean))
    model = GammaGamma().fit(np.array(rows))
    assert [round(value, 2) for value in (model.p_, model.q_)] == [6.25, 3.74]
    assert round(model.v_, 1) == 15.4


def test_the_unit_of_time_only_scales_alpha(weeks: np.ndarray) -> None:
    in_weeks = BetaGeometricNBD().fit(weeks)
    in_days = BetaGeometricNBD().fit(weeks * np.array([1, 7, 7]))
    assert in_days.alpha_ == pytest.approx(7 * in_weeks.alpha_, rel=1e-3)
    assert in_days.r_ == pytest.approx(in_weeks.r_, rel=1e-3)
    later = in_days.predict(weeks * np.array([1, 7, 7]), 7 * 39)
    assert later == pytest.approx(in_weeks.predict(weeks, 39), rel=1e-2)


def test_expected_purchases_of_the_papers_example() -> None:
    """x=2, t_x=30.43, T=38.86 expects 1.226 purchases in 39 weeks (Fader, Hardie and Lee's example)."""
    assert PUBLISHED.predict(np.array([[2, 30.43, 38.86]]), 39)[0] == pytest.approx(1.226, abs=1e-3)


def test_a_customer_without_repeat_purchase_cannot_have_left() -> None:
    assert PUBLISHED.probability_alive(np.array([[0, 0, 38.0]])).tolist() == [1.0]


def test_probability_alive_falls_with_silence() -> None:
    alive = PUBLISHED.probability_alive(np.array([[5, 20.0, 20.0 + gap] for gap in (0, 5, 10, 20, 40)]))
    assert np.all(np.diff(alive) < 0)
    assert alive[0] == pytest.approx(1 - PUBLISHED.a_ / (PUBLISHED.a_ + PUBLISHED.b_ + 4))


def test_probability_of_purchase_is_the_integral_over_the_rate() -> None:
    """Against numerical integration over the posterior gamma of the rate, for one alive customer."""
    x, age, horizon = 3, 30.0, 13.0
    shape, rate = PUBLISHED.r_ + x, PUBLISHED.alpha_ + age

    def density(value: float) -> float:
        from scipy.stats import gamma

        return float(gamma.pdf(value, shape, scale=1 / rate)) * (1 - np.exp(-value * horizon))

    alive = PUBLISHED.probability_alive(np.array([[x, 25.0, age]]))[0]
    expected = alive * integrate.quad(density, 0, 5)[0]
    found = PUBLISHED.probability_of_purchase(np.array([[x, 25.0, age]]), horizon)[0]
    assert found == pytest.approx(expected, rel=1e-6)


def test_heavy_buyers_do_not_overflow() -> None:
    rows = np.array([[900.0, 364.0, 365.0], [900.0, 10.0, 365.0]])
    expected = PUBLISHED.predict(rows, 90)
    assert np.all(np.isfinite(expected))
    assert expected[0] > 100 > expected[1]


def test_collapsing_keeps_every_row() -> None:
    rows = np.array([[1, 2, 3], [0, 0, 3], [1, 2, 3], [1, 1, 3]], dtype=float)
    distinct, counts, inverse = collapsed(rows)
    assert len(distinct) == 3
    assert counts.sum() == 4
    assert np.array_equal(distinct[inverse], rows)


def test_collapsed_fit_equals_the_fit_of_repeated_rows(weeks: np.ndarray) -> None:
    once, thrice = BetaGeometricNBD().fit(weeks), BetaGeometricNBD().fit(np.vstack([weeks] * 3))
    assert thrice.log_likelihood_ == pytest.approx(3 * once.log_likelihood_, rel=1e-9)
    assert thrice.alpha_ == pytest.approx(once.alpha_, rel=1e-4)


def test_spend_of_a_customer_without_repeats_is_the_mean_of_all() -> None:
    model = GammaGamma.with_parameters(p=6.25, q=3.744, v=15.444)
    assert model.predict(np.array([[0, 0.0]]))[0] == pytest.approx(6.25 * 15.444 / 2.744)
    assert model.predict(np.array([[1_000_000, 40.0]]))[0] == pytest.approx(40.0, rel=1e-4)


@pytest.mark.parametrize("rows", [np.zeros((0, 2)), np.array([[1, 0.0]]), np.array([[2, -3.0]])])
def test_gamma_gamma_refuses_what_has_no_logarithm(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match="positive"):
        GammaGamma().fit(rows)
