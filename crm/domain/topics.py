"""What feedback is about: topics that every shop's customers speak of, and those of a tenant's own words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class Topic(StrEnum):
    DELIVERY = "delivery"
    PRICE = "price"
    QUALITY = "quality"
    SERVICE = "service"
    PACKAGING = "packaging"
    APP = "app"
    PAYMENT = "payment"
    RETURNS = "returns"
    CHOICE = "choice"
    LOYALTY = "loyalty"


# English stems match from the beginning of a word; Chinese words match anywhere.
_STEMS: Final[dict[Topic, str]] = {
    Topic.DELIVERY: "deliver shipp courier arriv late|lately? parcel dispatch tracking",
    Topic.PRICE: "price pricing expensive cheap cost overpriced fee fees afford bargain",
    Topic.QUALITY: "quality broken broke defect faulty durable flimsy sturdy damag fresh stale taste tasty",
    Topic.SERVICE: "service staff support agent rude helpful polite response respon attitude",
    Topic.PACKAGING: "packag wrapp box|boxes leak seal",
    Topic.APP: "app|apps website crash bug buggy login interface loading freez slow",
    Topic.PAYMENT: "pay|pays|paid payment card checkout invoice charge charged billing",
    Topic.RETURNS: "return refund exchang warranty replac",
    Topic.CHOICE: "selection assortment variety sold|stock out-of-stock range sizes? colou?rs?",
    Topic.LOYALTY: "points? loyalty reward coupon voucher discount membership tier",
}
_WORDS: Final[dict[Topic, str]] = {
    Topic.DELIVERY: "送餐 配送 快递 物流 送货 发货 外卖员 骑手 到货 迟到 太慢",
    Topic.PRICE: "价格 价钱 太贵 便宜 性价比 收费 实惠 涨价",
    Topic.QUALITY: "质量 品质 坏了 破损 做工 新鲜 变质 好吃 难吃 味道 口味 耐用",
    Topic.SERVICE: "服务 客服 态度 店员 回复 售后",
    Topic.PACKAGING: "包装 盒子 漏了 洒了 密封",
    Topic.APP: "软件 网站 页面 闪退 卡顿 登录 界面 系统",
    Topic.PAYMENT: "付款 支付 扣款 账单 发票 刷卡",
    Topic.RETURNS: "退货 退款 换货 保修",
    Topic.CHOICE: "品种 种类 缺货 尺码 颜色 款式 选择少",
    Topic.LOYALTY: "积分 会员 优惠券 折扣 红包 等级",
}


def _pattern(topic: Topic) -> re.Pattern[str]:
    stems = [stem if "|" in stem else rf"{stem}\w*" for stem in _STEMS[topic].split()]
    words = [re.escape(word) for word in _WORDS[topic].split()]
    return re.compile(rf"\b(?:{'|'.join(stems)})\b|{'|'.join(words)}", re.IGNORECASE)


_PATTERN_BY_TOPIC: Final = {topic: _pattern(topic) for topic in Topic}


def pattern_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of a topic of the tenant's own.

    A word in letters is found at the beginning of a word, whatever its ending; Chinese is found anywhere.
    """
    return re.compile("|".join(_spelled(word) for word in words), re.IGNORECASE)


def _spelled(word: str) -> str:
    text = r"\s+".join(re.escape(part) for part in word.split())
    return text if _HAN.search(word) else rf"\b{text}"


_HAN: Final = re.compile(r"[\u4e00-\u9fff]")


def topics_in(text: str, own: Mapping[str, re.Pattern[str]] | None = None) -> list[str]:
    """Return the keys of the topics that ``text`` speaks of: the common ones, then the tenant's own."""
    patterns = {str(topic): pattern for topic, pattern in _PATTERN_BY_TOPIC.items()} | dict(own or {})
    return [topic for topic, pattern in patterns.items() if pattern.search(text)]
