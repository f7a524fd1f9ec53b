"""Starter programs by vertical, as data: the program document, rewards, coupons, segments and traffic."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rewards.domain.presets import ecommerce, education, finance, healthcare, social
from rewards.domain.presets.definition import Preset

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        preset.key: preset
        for preset in (
            ecommerce.PRESET,
            social.PRESET,
            education.PRESET,
            finance.PRESET,
            healthcare.PRESET,
        )
    }
)
