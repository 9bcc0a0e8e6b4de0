"""One score out of many signals: weights, a gate that knows when to trust whom, or a learned ranker."""
