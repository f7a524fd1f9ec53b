"""Fields for one or several of many objects: a text field that searches while somebody types.

Few objects stay a select or check boxes. Without JavaScript the name or the key is typed and found on saving.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from django import forms
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tenants.admin.forms import offer

MANY: Final = 15
FOUND: Final = 12
MORE: Final = "-more"
_LONGEST: Final = 300
_WITH_KEY: Final = re.compile(r".*\((?P<key>[^()]+)\)\s*", re.DOTALL)
Pair = tuple[str, str]


class Source(ABC):
    """Objects of the tenant by key and name; ``name`` and ``query`` make the address of their search."""

    name: str
    query: str = ""

    @abstractmethod
    def find(self, text: str, most: int) -> list[Pair]:
        """Return up to ``most`` objects whose name or key holds every word; of no words the likeliest."""

    @abstractmethod
    def named(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return the names of those of ``keys`` that exist, also where they are no longer on offer."""

    @abstractmethod
    def few(self) -> list[Pair] | None:
        """Return all objects, or ``None`` where they are too many for a select."""

    def address(self) -> str:
        return f"{reverse('choices', args=[self.name])}{self.query}"

    def text(self, key: str, name: str) -> str:
        """Write an object as the field shows and understands it."""
        return name if name == key else f"{name} ({key})"

    def key_of(self, text: str) -> str:
        """Return the key of what was typed: a key, a name, or both. Raises ``ValidationError``."""
        with_key = _WITH_KEY.fullmatch(text)
        meant = [text, *([with_key["key"]] if with_key else [])]
        known = self.named(meant)
        for key in meant:
            if key in known:
                return key
        found = self.find(text, FOUND)
        same = [key for key, name in found if name.casefold() == text.casefold()]
        if len(same) == 1 or len(found) == 1:
            return (same or [found[0][0]])[0]
        if not found:
            raise forms.ValidationError(_("Nothing is called “%(text)s”."), params={"text": text[:80]})
        several = _("; ").join(self.text(key, name) for key, name in found[:5])
        raise forms.ValidationError(_("Which one? %(several)s"), params={"several": several})


class Listed(Source):
    """A source that reads all its objects at once; ``beyond`` names those that are no longer on offer."""

    def __init__(self, name: str, pairs: Iterable[Pair], *, query: str = "", beyond: Any = None) -> None:
        self.name, self.query = name, query
        self._pairs, self._beyond = pairs, beyond

    @cached_property
    def pairs(self) -> list[Pair]:
        return list(dict(self._pairs).items())

    @cached_property
    def _names(self) -> dict[str, str]:
        return dict(self.pairs)

    def find(self, text: str, most: int) -> list[Pair]:
        words = text.casefold().split()
        fitting = (pair for pair in self.pairs if all(word in " ".join(pair).casefold() for word in words))
        return [pair for pair, _number in zip(fitting, range(most), strict=False)]

    def named(self, keys: Collection[str]) -> Mapping[str, str]:
        found = {key: self._names[key] for key in keys if key in self._names}
        missing = [key for key in keys if key not in found]
        return {**found, **(self._beyond(missing) if missing and self._beyond else {})}

    def few(self) -> list[Pair] | None:
        return self.pairs if len(self.pairs) <= MANY else None


class Finder(forms.TextInput):
    """A combo box over a source: the script fills its list, arrows choose, Escape closes."""

    def __init__(self, source: Source | None, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.source = source

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        attrs = attrs or {}
        found = f"{attrs.get('id', name)}_found"
        box = super().render(name, value, {**self.combo(found), **attrs}, renderer)
        return format_html(
            '<span class="b-finder" {}>{}<ul id="{}" role="listbox" aria-label="{}" hidden></ul></span>',
            self.whence(), box, found, _("Found"),
        )  # fmt: skip

    def whence(self) -> SafeString:
        """Return the attribute that says where to search."""
        return format_html('data-finds="{}"', self.source.address() if self.source else "")

    def combo(self, found: str) -> dict[str, str]:
        return {
            "role": "combobox", "autocomplete": "off", "aria-autocomplete": "list", "aria-expanded": "false",
            "aria-controls": found, "spellcheck": "false", "placeholder": _("Type to search"),
        }  # fmt: skip


class OneOfMany(forms.CharField):
    """The key of one object."""

    def __init__(self, *, source: Source, **kwargs: Any) -> None:
        super().__init__(max_length=_LONGEST, widget=Finder(source), **kwargs)
        self.source = source

    def prepare_value(self, value: Any) -> Any:
        key = str(value or "")
        name = self.source.named([key]).get(key) if key else None
        return value if name is None else self.source.text(key, name)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value) or "")
        return self.source.key_of(text) if text else ""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), self.prepare_value(data))


class FinderOfSeveral(forms.CheckboxSelectMultiple):
    """Check boxes of what is chosen, and a combo box to add more."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        chosen = data.getlist(name) if isinstance(data, MultiValueDict) else list(data.get(name) or [])
        more = str(data.get(f"{name}{MORE}") or "").strip()
        return [*chosen, *([more] if more else [])]

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        chosen = [str(each) for each in value or ()]
        names = self.source.named(chosen)
        boxes = format_html_join(
            "",
            '<div><label><input type="checkbox" name="{}" value="{}" checked> {}</label></div>',
            ((name, key, names[key]) for key in chosen if key in names),
        )
        typed = next((each for each in chosen if each not in names), "")
        field_id = f"{(attrs or {}).get('id', name)}_more"
        box = Finder(self.source, {**self.attrs, "aria-label": _("Add another one")}).render(
            f"{name}{MORE}", typed, {"id": field_id}, renderer
        )
        return format_html('<div class="b-several" data-gathers="{}"><div>{}</div>{}</div>', name, boxes, box)


class LinesFinder(forms.Textarea):
    """Keys one a line, and a combo box that adds a line."""

    def __init__(self, source: Source, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.source = source

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        field_id = (attrs or {}).get("id", name)
        lines = super().render(name, value, attrs, renderer)
        box = Finder(self.source, {"aria-label": _("Search and add")}).render(
            "", "", {"id": f"{field_id}_more"}, renderer
        )
        return format_html('<div class="b-several" data-lists="{}">{}{}</div>', field_id, lines, box)


class SeveralOfMany(forms.MultipleChoiceField):
    """The keys of several objects, each once, in the order of choosing."""

    def __init__(self, *, source: Source, **kwargs: Any) -> None:
        super().__init__(widget=FinderOfSeveral(source), **kwargs)
        self.source = source

    def valid_value(self, value: Any) -> bool:
        return True

    def clean(self, value: Any) -> list[str]:
        texts: Sequence[str] = super().clean(value)
        known = self.source.named(texts)
        return list(dict.fromkeys(text if text in known else self.source.key_of(text) for text in texts))


def offer_of(form: forms.Form, name: str, source: Source, *, none: str | None = None) -> None:
    """Let a choice of a form offer a source: as it is where there are few, else as a search.

    ``none`` is how a select of few says that nothing is chosen; what was chosen before is always on offer.
    """
    field: Any = form.fields[name]
    pairs = source.few()
    if pairs is not None:
        chosen = _chosen(form, name)
        gone = source.named([key for key in chosen if key not in dict(pairs)])
        offer(form, name, [*([("", none)] if none is not None else []), *pairs, *gone.items()])
        return
    kind: Any = SeveralOfMany if isinstance(field, forms.MultipleChoiceField) else OneOfMany
    form.fields[name] = kind(
        source=source, label=field.label, required=field.required, help_text=field.help_text
    )
    form.fields[name].widget.attrs |= {
        key: value for key, value in field.widget.attrs.items() if key.startswith("data-")
    }


def _chosen(form: forms.Form, name: str) -> list[str]:
    field = form.fields[name]
    if form.is_bound:
        value = field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))
    else:
        value = form.get_initial_for_field(field, name)
    return [value] if isinstance(value, str) else list(value or ())
