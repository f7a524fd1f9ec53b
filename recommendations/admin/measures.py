"""What a model's figures mean, in words, and whether more is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recommendations.models import ModelVersion

_LABELS: Final[dict[str, str | Promise]] = {
    "accuracy": gettext_lazy("Texts read as staff reads them (accuracy)"),
    "auc": gettext_lazy("Puts customers in the right order (AUC)"),
    "average_precision": gettext_lazy("Average precision"),
    "brier": gettext_lazy("Error of the probabilities (Brier)"),
    "log_loss": gettext_lazy("Log loss"),
    "mae": gettext_lazy("Mean error of purchases"),
    "log_likelihood": gettext_lazy("Log-likelihood"),
    "silhouette": gettext_lazy("How well groups stand apart (silhouette)"),
    "stability": gettext_lazy("How stable groups are (ARI)"),
    "customers": gettext_lazy("Customers measured"),
    "auc_bg_nbd": gettext_lazy("AUC of the purchase process alone"),
    "auc_labels": gettext_lazy("AUC of the models with labels"),
    "auc_linear": gettext_lazy("AUC of the logistic regression alone"),
}
_PREFIXES: Final[dict[str, str | Promise]] = {
    "ndcg": gettext_lazy("Right items near the top (NDCG)"),
    "recall": gettext_lazy("Right items found (recall)"),
    "coverage": gettext_lazy("Share of items that get shown"),
    "hit_rate": gettext_lazy("Customers with a hit"),
}
_BUY_AGAIN: Final = "buy_again_"
_COUNTS: Final = frozenset({"customers", "log_likelihood"})
_LESS_IS_BETTER: Final = frozenset({"brier", "log_loss", "mae"})
_REASONS: Final[dict[str, str | Promise]] = {
    "better": gettext_lazy("It beats its baseline and the model in use, so it took its place."),
    "first": gettext_lazy("It is the first that beats its baseline, so it is in use."),
    "not_above_baseline": gettext_lazy("It does not beat its baseline, so it is not used."),
    "below_current": gettext_lazy("The model in use is better, so that one stays."),
    "unstable": gettext_lazy("Its groups change with the sample, so it is not used."),
    "unmeasured": gettext_lazy("There is no closed window to measure it on yet."),
    "baseline_serves": gettext_lazy("Nothing beat the simple list, so the simple list serves."),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a version beside its baseline; ``is_better`` is None where there is none."""

    name: str
    label: str
    value: Any
    baseline: Any
    is_better: bool | None
    baseline_name: str = ""


def label_of(name: str) -> str:
    """Return what a figure measures: ``recall_at_20`` is “Right items found (recall), 20 shown”."""
    if name in _LABELS:
        return str(_LABELS[name])
    if name.startswith(_BUY_AGAIN):
        return _("Buy again: %(measure)s") % {"measure": label_of(name.removeprefix(_BUY_AGAIN))}
    base, _at, shown = name.partition("_at_")
    label = str(_PREFIXES.get(base, base.replace("_", " ")))
    return _("%(measure)s, %(shown)s shown") % {"measure": label, "shown": shown} if shown else label


def verdict_of(version: ModelVersion) -> str:
    """Write why the gate let a version in or not."""
    return str(_REASONS.get(version.gate_reason, version.gate_report))


def measures_of(version: ModelVersion) -> list[Measure]:
    """Return every figure of a version, beside the baseline of the same name."""
    return [
        _measure(name, value, version.baselines.get(name)) for name, value in _leaves(version.metrics)
    ] + [
        Measure(name, _("Baseline: %(name)s") % {"name": label_of(name)}, None, value, None)
        for name, value in _leaves(version.baselines)
        if name not in version.metrics
    ]


def _measure(name: str, value: Any, baseline: Any) -> Measure:
    is_better = None
    is_compared = isinstance(value, int | float) and isinstance(baseline, int | float)
    if is_compared and value != baseline and name not in _COUNTS:
        is_better = value < baseline if name in _LESS_IS_BETTER else value > baseline
    return Measure(name, label_of(name), value, baseline, is_better)


def _leaves(figures: Any, prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in figures.items():
        name = f"{prefix}{key}"
        found += _leaves(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return found
