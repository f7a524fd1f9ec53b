"""Pure estimators: arrays in, arrays or dataclasses out; no Django, no clock, no unseeded randomness."""
