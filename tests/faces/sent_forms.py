"""Forms as a page has them: where they are sent, how, and with which fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """One form. `actions` are all places that its buttons send it to."""

    method: str
    actions: set[str]
    fields: set[str] = field(default_factory=set)


class Forms(HTMLParser):
    """Every form of a page that goes to the controller."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        method = (about.get("method") or "get").upper()
        if tag == "form" and method != "DIALOG":
            self._open = Form(method, {about.get("action") or ""})
            self.found.append(self._open)
        elif self._open is not None and tag in ("input", "select", "textarea", "button"):
            self._open.fields.update(filter(None, [about.get("name")]))
            self._open.actions.update(filter(None, [about.get("formaction")]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
