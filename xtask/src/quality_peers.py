"""Times crowd-kit and krippendorff on the labels that the benchmark has written; prints rows of a table.

    quality_peers.py FOLDER    with labels-N.csv and gold-N.csv for N of 100000 and 1000000

Seconds are those of this process on a processor. crowd-kit's slow models run on the smaller file only.
"""
import os
import sys
import time

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import krippendorff
import numpy as np
import pandas as pd
from crowdkit.aggregation import DawidSkene, MajorityVote, OneCoinDawidSkene

CLASSES = 4


def timed(work):
    begun = time.process_time()
    found = work()
    return found, time.process_time() - begun


for count in (100_000, 1_000_000):
    labels = pd.read_csv(os.path.join(sys.argv[1], f"labels-{count}.csv"))
    gold = pd.read_csv(os.path.join(sys.argv[1], f"gold-{count}.csv")).set_index("task").label
    for name, model in (
        ("MajorityVote", MajorityVote()),
        ("OneCoinDawidSkene", OneCoinDawidSkene(n_iter=100)),
        ("DawidSkene", DawidSkene(n_iter=100)),
    ):
        found, took = timed(lambda: model.fit_predict(labels))
        accuracy = (found.reindex(gold.index) == gold).mean()
        print(f"| crowd-kit {name} of {count} labels | {took:.2f} CPU s, accuracy {accuracy:.3f} | | |", flush=True)

    def alpha(level):
        tasks = pd.factorize(labels.task)[0]
        counts = np.bincount(tasks * CLASSES + labels.label.values, minlength=(tasks.max() + 1) * CLASSES)
        return krippendorff.alpha(
            value_counts=counts.reshape(-1, CLASSES), value_domain=list(range(CLASSES)), level_of_measurement=level
        )

    for level in ("nominal", "ordinal", "interval"):
        value, took = timed(lambda: alpha(level))
        print(f"| krippendorff alpha, {level}, of {count} labels | {took:.2f} CPU s, {value:.6f} | | |", flush=True)
