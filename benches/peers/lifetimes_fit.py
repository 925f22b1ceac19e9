"""Fits a model of the package lifetimes to histories, or predicts 39 weeks of each, once.

usage: lifetimes_fit.py bg|pareto|predict FILE
Prints one line of JSON: the seconds between the histories in memory and the answer, and check figures: the histories, and
the logarithm of the likelihood to a unit or a hundredth of the purchases that are expected.
"""
import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")

import numpy
import pandas
from lifetimes import BetaGeoFitter, ParetoNBDFitter
from scipy.special import betaln, gammaln

from peak import peak_rss_kib

command, file = sys.argv[1:]
days = pandas.read_csv(file, header=None, names=["repeats", "recency", "age"])
repeats, recency, age = days.repeats.astype(float), days.recency / 7, days.age / 7


def bg_log_likelihood(r, alpha, a, b):
    """Equation 7 of Fader, Hardie and Lee (2005), as their note 004 computes it."""
    ended = numpy.where(
        repeats > 0,
        betaln(a + 1, b + numpy.maximum(repeats, 1) - 1) - betaln(a, b) - (r + repeats) * numpy.log(alpha + recency),
        -numpy.inf,
    )
    goes_on = betaln(a, b + repeats) - betaln(a, b) - (r + repeats) * numpy.log(alpha + age)
    return (gammaln(r + repeats) - gammaln(r) + r * numpy.log(alpha) + numpy.logaddexp(goes_on, ended)).sum()


start = time.perf_counter()
if command == "bg":
    fitter = BetaGeoFitter().fit(repeats, recency, age)
elif command == "pareto":
    fitter = ParetoNBDFitter().fit(repeats, recency, age)
else:
    fitter = BetaGeoFitter()
    fitter.params_ = pandas.Series({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    predict = fitter.conditional_expected_number_of_purchases_up_to_time
    figure = 100 * predict(39, repeats, recency, age).sum()
seconds = time.perf_counter() - start

if command == "bg":
    figure = bg_log_likelihood(*(fitter.params_[name] for name in ("r", "alpha", "a", "b")))
elif command == "pareto":
    parameters = tuple(fitter.params_[name] for name in ("r", "alpha", "s", "beta"))
    figure = fitter._conditional_log_likelihood(parameters, repeats, recency, age).sum()
check = [len(days), round(float(figure))]
print(json.dumps({"seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": check}))
