"""Topics that a tenant's feedback speaks of and that no topic covers yet: words that belong together.

Terms are weighted by class-based TF-IDF (Grootendorst 2022) with two classes, the texts without any topic and
the others: what is frequent where no topic is found and rare elsewhere stands on top. The terms that are in
the same texts as the strongest one join it in a proposal; then the next strongest one is taken.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_MOST_WORDS: Final = 5
_LEAST_TEXTS: Final = 3
_LEAST_SHARE: Final = 0.01
# A term belongs to another one if so many of the rarer one's texts have both.
_TOGETHER: Final = 0.3
# A shorter Chinese term that mostly stands inside a longer one is only a piece of it.
_PIECE: Final = 0.8
_WORD: Final = re.compile(r"[^\W\d_][\w'’]*", re.UNICODE)
_HAN: Final = re.compile(r"[\u4e00-\u9fff]+")
# Words with so many first letters in common are taken for one word.
_STEM: Final = 5
_SHORTEST: Final = 3
_LONGEST: Final = 30
_STOP_WORDS: Final = """
about after again all also always amazing and another any are around awful back bad because been
before being best better big but came can cannot come could day days did different does doing don't
done easy even ever every everything excellent few fine first for found free from full get give
going good got great had happy hard has hate have having her here high him his how i'm i've isn't
it's its just kind know large last less like little long lot lots love loved low made make many may
maybe more most much must need never new next nice nil none nor not nothing now off okay old once
one only other our out over overall own part people perfect poor quick quickly quite real really sad
said same say see she short should since small some something still such sure terrible than thank
thanks that that's the their them then there these they thing things think this those though through
time too took two under until upon use used very want wanted was wasn't way well went were what when
where which while who why will with won't worse worst would year you your
"""
_STOP: Final = frozenset(_STOP_WORDS.split())
_STOP_HAN: Final = frozenset(
    "的了是我你他她它们在有和就不人都一也很到说要去会着没看好自己这那吗吧呢啊呀哦还但而与及或被把让给对从向"
)
_STOP_HAN_WORDS: Final = """
下来 不过 不错 东西 两个 之前 之后 什么 今天 以为 以后 但是 其他 出来 可以 喜欢 因为 如果
完全 居然 已经 希望 应该 怎么 感觉 所以 时候 昨天 有点 根本 比较 特别 现在 直接 真的 知道
竟然 第一 结果 而且 虽然 觉得 起来 还是 这样 那样 问题 非常
"""
_STOP_TERMS: Final = frozenset(_STOP_HAN_WORDS.split())


@dataclass(frozen=True, slots=True)
class Proposal:
    """Words that belong together, the strongest first, and how many of the texts have one of them."""

    words: tuple[str, ...]
    texts: int

    @property
    def name(self) -> str:
        return self.words[0].capitalize()


def proposals(uncovered: Sequence[str], covered: Sequence[str], *, most: int = 8) -> list[Proposal]:
    """Return at most ``most`` proposals from the texts without a topic, the strongest first.

    The same texts always give the same proposals; a term has to be in three texts and in one of a hundred.
    """
    texts_by_term = _whole(_texts_by_term(uncovered))
    least = max(_LEAST_TEXTS, math.ceil(_LEAST_SHARE * len(uncovered)))
    kept = {term: texts for term, texts in texts_by_term.items() if len(texts) >= least}
    weights = _weights(kept, covered)
    found: list[Proposal] = []
    taken: set[str] = set()
    for term in sorted(kept, key=lambda each: (-weights[each], each)):
        if term in taken or len(found) == most:
            continue
        words = _beside(term, kept, weights, taken)
        taken |= {other for other in kept if any(_overlaps(other, word) for word in words)}
        found.append(Proposal(words, len(set().union(*(kept[word] for word in words)))))
    return found


def terms_of(text: str) -> set[str]:
    """Return the words and pairs of words of a text, and two to four Chinese characters in a row."""
    found: set[str] = set()
    previous = ""
    for match in _WORD.finditer(_HAN.sub(" . ", text.lower().replace("’", "'"))):
        word = match[0]
        is_kept = _SHORTEST <= len(word) <= _LONGEST and word not in _STOP
        if is_kept:
            found.add(word)
            if previous and text.lower().find(f"{previous} {word}") >= 0:
                found.add(f"{previous} {word}")
        previous = word if is_kept else ""
    for run in _HAN.findall(text):
        for size in (2, 3, 4):
            pieces = (run[at : at + size] for at in range(len(run) - size + 1))
            found |= {piece for piece in pieces if _STOP_HAN.isdisjoint(piece)} - _STOP_TERMS
    return found


def _texts_by_term(texts: Iterable[str]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for number, text in enumerate(texts):
        for term in terms_of(text):
            found[term].add(number)
    return found


def _whole(texts_by_term: dict[str, set[int]]) -> dict[str, set[int]]:
    """Leave out the terms that are mostly pieces of a longer one."""
    longest: Counter[str] = Counter()
    for term, texts in texts_by_term.items():
        for piece in _pieces(term):
            longest[piece] = max(longest[piece], len(texts))
    return {term: texts for term, texts in texts_by_term.items() if longest[term] < _PIECE * len(texts)}


def _pieces(term: str) -> set[str]:
    if " " in term:
        return set(term.split())
    if not _HAN.fullmatch(term):
        return set()
    return {term[at : at + size] for size in range(2, len(term)) for at in range(len(term) - size + 1)}


def _weights(kept: dict[str, set[int]], covered: Sequence[str]) -> dict[str, float]:
    """Return the term's texts in the class, times log(1 + mean size of a class / its texts in all)."""
    elsewhere = Counter(term for text in covered for term in terms_of(text) & kept.keys())
    total = sum(len(texts) for texts in kept.values()) + elsewhere.total()
    average = total / 2
    return {
        term: len(texts) * math.log1p(average / (len(texts) + elsewhere[term]))
        for term, texts in kept.items()
    }


def _beside(
    term: str, kept: dict[str, set[int]], weights: dict[str, float], taken: set[str]
) -> tuple[str, ...]:
    own = kept[term]
    near = [
        other
        for other, texts in kept.items()
        if other not in taken
        and not _overlaps(other, term)
        and len(own & texts) >= max(_LEAST_TEXTS, _TOGETHER * min(len(own), len(texts)))
    ]
    near.sort(key=lambda each: (-weights[each], each))
    return (term, *near[: _MOST_WORDS - 1])


def _overlaps(one: str, other: str) -> bool:
    """Whether two terms share a word, but for its ending, or one Chinese term stands in the other."""
    if _HAN.search(one) or _HAN.search(other):
        return one in other or other in one
    return any(
        mine.startswith(theirs[:_STEM]) and theirs.startswith(mine[:_STEM])
        for mine in one.split()
        for theirs in other.split()
    )
