"""Train and judge sentiment models: the shipped ones from public text, a tenant's own from its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from recommendations.ml.arrays import Booleans, Floats
from recommendations.ml.artefacts import Contents
from recommendations.ml.feedback_reader import FeedbackReader
from recommendations.ml.gate import judge
from recommendations.ml.sentiment import VIEWS_BY_LANGUAGE, TextSentiment
from recommendations.ml.trained import Trained, require, rounded

FOLDS = 5
LEAST_OF_EACH = 30
# How often a tenant's own text counts against the shipped model's prior.
ADAPTATION_PENALTY_INVERSE = 1.0
_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Labelled texts of one domain."""

    name: str
    texts: Sequence[str]
    positive: Booleans


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A model and how good it is: accuracy by corpus in cross-validation, and on corpora it never saw."""

    model: TextSentiment
    cross_validated: dict[str, float]
    cross_domain: dict[str, float]


def train_shipped(
    language: str,
    corpora: Sequence[Corpus],
    *,
    unseen: Sequence[Corpus] = (),
    bits: int = 17,
    random_state: int = 42,
) -> Report:
    """Fit on all of ``corpora``; measure each by 5 folds, and every other domain by a model without it."""
    model = TextSentiment(views=VIEWS_BY_LANGUAGE[language], bits=bits, random_state=random_state)
    cross_validated = {each.name: _folds_accuracy(model, each, random_state) for each in corpora}
    cross_domain: dict[str, float] = {}
    for held_out in corpora if len(corpora) > 1 else ():
        rest = [each for each in corpora if each is not held_out]
        cross_domain |= _on_unseen(language, _fitted(model, rest), [held_out])
    final = _fitted(model, corpora)
    cross_domain |= _on_unseen(language, final, unseen)
    return Report(final, cross_validated, cross_domain)


def _on_unseen(language: str, model: TextSentiment, corpora: Sequence[Corpus]) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in corpora:
        found[each.name] = _accuracy(model.predict(each.texts), each.positive)
        if language == "en":
            reader = FeedbackReader({language: model})
            averaged = reader.rate(language, each.texts)
            found[f"{each.name}, averaged with VADER"] = _accuracy(averaged >= 0, each.positive)
    return found


def _fitted(model: TextSentiment, corpora: Sequence[Corpus]) -> TextSentiment:
    texts = [text for each in corpora for text in each.texts]
    fresh: TextSentiment = TextSentiment(**model.get_params())
    return fresh.fit(texts, np.concatenate([each.positive for each in corpora]))


def _folds_accuracy(model: TextSentiment, corpus: Corpus, random_state: int) -> float:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=random_state)
    right = [
        TextSentiment(**model.get_params())
        .fit([corpus.texts[row] for row in train], corpus.positive[train])
        .predict([corpus.texts[row] for row in test])
        == corpus.positive[test]
        for train, test in folds.split(np.zeros(len(corpus.texts)), corpus.positive)
    ]
    return _share(np.concatenate(right))


def _accuracy(predicted: Any, actual: Booleans) -> float:
    return _share(np.asarray(predicted) == actual)


def _share(right: Booleans) -> float:
    return round(float(np.mean(right)), 4)


def adapt(
    base: Mapping[str, TextSentiment], labelled: Mapping[str, Corpus], current: Contents | None
) -> Trained:
    """Bend the shipped models to one tenant's corrected labels.

    Per language the shipped model's log odds and the tenant's own n-grams go into one logistic regression
    (the prior keeps few labels from overruling thousands of texts). Judged by cross-validation against the
    shipped model on the same labels. Raises NotEnoughData below 30 positive and 30 negative texts.
    """
    usable = {
        language: corpus
        for language, corpus in labelled.items()
        if language in base and min(corpus.positive.sum(), (~corpus.positive).sum()) >= LEAST_OF_EACH
    }
    most = max((int(min(c.positive.sum(), (~c.positive).sum())) for c in labelled.values()), default=0)
    require(most, LEAST_OF_EACH, "corrected texts of each kind in one language")
    before, after, models = [], [], dict(base)
    for language, corpus in usable.items():
        before.append(base[language].predict(corpus.texts) == corpus.positive)
        adapted, right = _adapted(base[language], corpus)
        after.append(right)
        models[language] = adapted
    candidate, baseline = _share(np.concatenate(after)), _share(np.concatenate(before))
    verdict = judge(
        measure="accuracy",
        candidate=candidate,
        baseline=baseline,
        current=_accuracy_of(current),
        tolerance=_TOLERANCE,
    )
    rows = sum(len(corpus.texts) for corpus in usable.values())
    return Trained(
        method="adapted_sentiment",
        rows=rows,
        customers=0,
        parameters={"languages": sorted(usable), "penalty_inverse": ADAPTATION_PENALTY_INVERSE},
        metrics=rounded({"accuracy": candidate}),
        baselines=rounded({"accuracy": baseline}),
        verdict=verdict,
        contents=packed(models, accuracy=candidate),
    )


def _adapted(base: TextSentiment, corpus: Corpus) -> tuple[TextSentiment, Booleans]:
    """Return the bent model, and which labels its cross-validated twin got right."""
    design = np.asarray(base.decision_function(corpus.texts)).reshape(-1, 1)
    features = base.features(corpus.texts)
    both = sparse.hstack([sparse.csr_matrix(design), features], format="csr")
    regression = LogisticRegression(C=ADAPTATION_PENALTY_INVERSE, solver="liblinear", random_state=0)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    predicted = cross_val_predict(regression, both, corpus.positive, cv=folds)
    regression.fit(both, corpus.positive)
    slope, own = float(regression.coef_[0, 0]), regression.coef_[0, 1:]
    bent = TextSentiment.from_contents(base.to_contents())
    # Both parts are linear in the same n-grams, so the sum is again one model of the same shape.
    bent.coef_ = (slope * base.coef_ + own).astype(np.float32)
    bent.intercept_ = slope * base.intercept_ + float(regression.intercept_[0])
    return bent, np.asarray(predicted == corpus.positive)


def packed(models: Mapping[str, TextSentiment], **figures: float) -> Contents:
    """Several languages in one artefact."""
    document: dict[str, Any] = {"languages": {}, **figures}
    arrays: dict[str, Floats] = {}
    for language, model in sorted(models.items()):
        contents = model.to_contents()
        document["languages"][language] = contents.document
        arrays |= {f"{language}_{name}": array for name, array in contents.arrays.items()}
    return Contents(document, arrays)


def unpacked(contents: Contents) -> dict[str, TextSentiment]:
    """The models of ``packed``."""
    return {
        language: TextSentiment.from_contents(
            Contents(document, {name: contents.arrays[f"{language}_{name}"] for name in ("idf", "coef")})
        )
        for language, document in contents.document["languages"].items()
    }


def _accuracy_of(current: Contents | None) -> float | None:
    return None if current is None else float(current.document["accuracy"])
