"""The classifiers of before networks: cumulants, and a rule of scikit-learn that is fitted to them.

    fit_classical("random forest", next(stream(100_000, noise_power=(0.004, 0.12))))

is told of each chunk what a network across noise powers is told: class and samples. As no chunk is
turned, the phases of the cumulants tell classes apart too; a random forest that is given their
magnitudes alone is right in 84 % in place of 89 % of the chunks at N_a = 0.005.
"""

import numpy as np

from amrpkg.common.arguments import require_choice, require_count, require_kind
from amrpkg.signals.chunks import Chunks
from amrpkg.signals.constellations import CONSTELLATIONS
from amrpkg.signals.moments import CUMULANTS, cumulants

_COMPLEX = [k for k, name in enumerate(CUMULANTS) if name not in ("C21", "C42", "C63")]
CLASSICAL = ("logistic regression", "random forest", "gradient boosting")


def features(iq: np.ndarray) -> np.ndarray:
    """Real parts of the nine cumulants, imaginary parts of the six complex ones, float64[n, 15]."""
    values = cumulants(iq)
    return np.concatenate([values.real, values.imag[:, _COMPLEX]], axis=1)


class ClassicalClassifier:
    """A fitted rule, evaluated as any form of a network is: by its method `scores`.

    name : one of `CLASSICAL`
    rule : the fitted estimator of scikit-learn, from `features` to class labels
    """

    def __init__(self, name: str, rule):
        self.name, self.rule = name, rule

    def scores(self, iq: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, ``float64[n, 9]``, of ``float32[n, 2, chunk_size]``."""
        return self.rule.predict_proba(features(iq))


def fit_classical(name: str, chunks: Chunks, seed: int = 0) -> ClassicalClassifier:
    """Fit a rule to the cumulants of labelled chunks.

    name : one of `CLASSICAL`
    chunks : of all nine classes, of any chunk size; evaluate on chunks of the same size
    seed : of what the rule draws

    The same arguments give the same decisions. Raises ``ValueError`` or ``TypeError`` that
    names the argument.
    """
    require_choice("name", name, CLASSICAL)
    require_kind("chunks", chunks, Chunks)
    require_count("seed", seed, minimum=0)
    classes = len(np.unique(chunks.labels))
    if classes < len(CONSTELLATIONS):
        raise ValueError(f"chunks has {classes} classes; allowed: all {len(CONSTELLATIONS)}")
    rule = _rule(name, seed)
    rule.fit(features(chunks.iq), chunks.labels)
    return ClassicalClassifier(name, rule)


def _rule(name: str, seed: int):
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression  # here: it takes a second
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "logistic regression":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    if name == "random forest":
        return RandomForestClassifier(100, min_samples_leaf=3, random_state=seed)
    # At the usual rate of 0.1, with neither penalty nor early stop, the sum of trees may diverge.
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=200,
        l2_regularization=10,
        early_stopping=False,
        random_state=seed,
    )
