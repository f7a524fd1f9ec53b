"""Models of taste and behaviour: train, evaluate, score, serve."""
