"""Training: read in one scope, compute in none, write in another."""

from __future__ import annotations

from recommendations.services.training.runs import train, train_all

__all__ = ["train", "train_all"]
