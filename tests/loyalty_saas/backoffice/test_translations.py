"""Simplified Chinese is complete, keeps placeholders, and the compiled file is the written one."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "locale" / "zh_Hans" / "LC_MESSAGES"
_PLACEHOLDER = re.compile(r"%\(\w+\)(?:\.\d)?[sdf]|</?\w+")
_FUNCTIONS = {"_", "gettext", "gettext_noop", "gettext_lazy", "ngettext"}
_WITH_CONTEXT = {"pgettext", "pgettext_lazy"}
_TAGS = re.compile(r"{%\s*(?:translate|trans)\s+(['\"])(.+?)\1")
_BLOCKS = re.compile(r"{%\s*blocktrans(?:late)?([^%]*)%}(.*?){%\s*endblocktrans(?:late)?\s*%}", re.DOTALL)
APPS = ("tenants", "crm", "rewards", "recommendations", "loyalty_saas")


@pytest.fixture(scope="module")
def catalogue() -> dict[str, str]:
    with (FOLDER / "django.mo").open("rb") as file:
        found = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {key[0] if isinstance(key, tuple) else key: value for key, value in found.items()}


def marked_in_code() -> set[str]:
    found: set[str] = set()
    for app in APPS:
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    found |= _texts_of(node.func.id, node.args)
    return found


def _texts_of(function: str, arguments: list[ast.expr]) -> set[str]:
    texts = [each.value for each in arguments if isinstance(each, ast.Constant)]
    if function in _WITH_CONTEXT:
        # As the compiled file names a text within its context.
        return {"\x04".join(map(str, texts))}
    is_marked = function in _FUNCTIONS and arguments and isinstance(arguments[0], ast.Constant)
    return {str(texts[0])} if is_marked and isinstance(texts[0], str) else set()


def marked_in_templates() -> set[str]:
    found: set[str] = set()
    for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        text = path.read_text()
        found |= {match[1] for match in _TAGS.findall(text)}
        for _options, body in _BLOCKS.findall(text):
            singular = re.split(r"{%\s*plural\s*%}", body)[0]
            found.add(re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", singular))
    return found


def test_every_text_has_a_translation(catalogue: dict[str, str]) -> None:
    marked = marked_in_code() | marked_in_templates()
    assert len(marked) > 700
    assert sorted(text for text in marked if not catalogue.get(text)) == []


def test_placeholders_and_markup_survive(catalogue: dict[str, str]) -> None:
    broken = [
        text
        for text, translated in catalogue.items()
        if text and set(_PLACEHOLDER.findall(text)) != set(_PLACEHOLDER.findall(translated))
    ]
    assert broken == []


def test_compiled_catalogue_is_fresh(catalogue: dict[str, str]) -> None:
    written = set(re.findall(r'^msgid "(.+)"$', (FOLDER / "django.po").read_text(), re.MULTILINE))
    unescaped = {text.replace('\\"', '"').replace("\\n", "\n") for text in written}
    assert unescaped <= set(catalogue)


def test_glossary_words_are_used(catalogue: dict[str, str]) -> None:
    words = {"Points": "积分", "Tier": "会员等级", "Customer": "客户", "Segment": "分群", "Reward": "奖励",
             "redemption": "兑换", "tenant": "租户"}  # fmt: skip
    assert {word: catalogue[word] for word in words} == words
