"""What a person sees of a page: contrast of text by its pixels, axe, visible focus, the order of Tab, what is cut off, wider and
larger text, paper, and colours that the system forces. While a dialog is open, it is the page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from tests.support.browser import Tab

Colour = tuple[int, int, int]

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What axe cannot judge counts too: the ground of a text may be a gradient. Not so a drawing, a sign or a single letter, a stripe
# beside a text, and what is scrolled half out of sight: there the pixels judge alone.
_AXE = """async (tags) => {
  const found = await axe.run(document.querySelector("dialog:modal") ?? document, {
    runOnly: { type: "tag", values: tags },
    rules: { "target-size": { enabled: true } },
    resultTypes: ["violations", "incomplete"],
  });
  const alone = ["nonBmp", "shortTextContent", "pseudoContent", "elmPartiallyObscured", "elmPartiallyObscuring"];
  const drawn = (node) => document.querySelector(node.target[0])?.ownerSVGElement;
  const judged = (node) => alone.includes(node.any[0]?.data?.messageKey) || drawn(node);
  const told = (rule, nodes) => nodes.map((node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary ?? node.html}`);
  const unsure = found.incomplete.filter((rule) => rule.id === "color-contrast");
  return [...found.violations.flatMap((rule) => told(rule, rule.nodes)),
    ...unsure.flatMap((rule) => told(rule, rule.nodes.filter((node) => !judged(node))))];
}"""


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


@cache
def _sight() -> str:
    return Path(__file__).with_name("sight.js").read_text("utf-8")


@dataclass(frozen=True)
class Faint:
    """A text that cannot be read well; `ratio` is the worst that a pixel behind it gives."""

    text: str
    ratio: float
    least: float

    def __str__(self) -> str:
        return f"{self.text!r} has {self.ratio:.2f}, needs {self.least}"


def barriers(tab: Tab) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA, and colours that it could not judge."""
    if not tab.js("'axe' in window"):
        tab.js(_axe())
    found: list[str] = tab.js(_AXE, _TAGS)
    return found


def faint(tab: Tab, width: int) -> list[Faint]:
    """Texts of less contrast than WCAG AA wants, against every pixel behind them. Leaves the window as high as the page."""
    height = tab.stretch(width)
    texts: list[dict[str, Any]] = _see(tab, "texts")
    beyond = [each["text"] for each in texts if any(box[3] > height + 1 for box in each["boxes"])]
    assert not beyond, f"not in the picture, which is {height} high: {beyond}"
    colours = list({each["colour"] for each in texts})
    plain = dict(zip(colours, _see(tab, "plain", colours), strict=True))
    _see(tab, "hide")
    behind = tab.picture()
    _see(tab, "unhide")
    found: list[Faint] = []
    for each in texts:
        red, green, blue, alpha = plain[each["colour"]]
        worst = _worst(behind, each["boxes"], (red, green, blue), alpha / 255 * each["opacity"])
        least = 3.0 if each["large"] else 4.5
        # What a browser rounds is not held against a colour.
        if worst < least - 0.01:
            found.append(Faint(each["text"], worst, least))
    return found


def cut_off(tab: Tab) -> list[str]:
    """What reaches beyond the right edge of the window and cannot be scrolled to inside the page."""
    found: list[str] = _see(tab, "cut")
    return found


def keyboard(tab: Tab) -> list[str]:
    """What is wrong for somebody without a mouse: not reached by Tab, reached out of order, no visible focus, or covered when it
    has the focus. The focus is looked at once for everything that is styled alike."""
    found: list[str] = []
    order: list[int] = []
    looked: set[str] = set()
    for _ in range(2 * int(_see(tab, "begin")) + 1):
        tab.press("Tab")
        focus = _see(tab, "focus")
        if focus["at"] in order or not focus["name"]:
            break
        if focus["at"] < 0 and focus["scrolls"]:
            # Where nothing in it can have the focus, a browser gives it to what scrolls.
            continue
        if focus["at"] < 0:
            found.append(f"{focus['name']} takes the focus unexpectedly")
            break
        order.append(focus["at"])
        if focus["covered"]:
            found.append(f"{focus['name']} is behind {focus['covered']} when it has the focus")
        if focus["like"] not in looked:
            looked.add(focus["like"])
            if not _stands_out(tab, focus):
                found.append(f"{focus['name']} shows no focus")
    if order != sorted(order):
        found.append(f"Tab jumps: {order}")
    return found + [f"{each} is not reached by Tab" for each in _see(tab, "missed", order)]


def wrong(tab: Tab, width: int, *, axe: bool = True) -> list[str]:
    """All that is wrong for somebody who looks at it at one width. Without `axe` where only colours differ from what it has seen:
    the pixels judge those."""
    tab.resize(width)
    found = [f"{width}: {each}" for each in (*cut_off(tab), *faint(tab, width), *(barriers(tab) if axe else ()))]
    tab.resize(width)
    return found


_WIDER = """* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
p { margin-bottom: 2em !important }"""
_PAPER = 794


def enlarged(tab: Tab, width: int) -> list[str]:
    """What is cut off when somebody sets text wider (WCAG 1.4.12), or makes all of it twice as large (1.4.4)."""
    tab.resize(width)
    _see(tab, "restyle", _WIDER)
    found = [f"wider: {each}" for each in (*cut_off(tab), *_see(tab, "clipped", False))]
    _see(tab, "restyle", "")
    # What is twice as large has half the room.
    tab.resize(width // 2)
    return found + [f"larger: {each}" for each in (*cut_off(tab), *_see(tab, "clipped", False))]


def printed(tab: Tab) -> list[str]:
    """What is wrong on paper: cut off or scrolled, hardly black on white, or with a sky behind it."""
    tab.do(tab.page.emulate_media(media="print"))
    tab.resize(_PAPER)
    found = [*cut_off(tab), *_see(tab, "clipped", True), *map(str, faint(tab, _PAPER)), *_see(tab, "sky")]
    paper = tab.picture({"x": 0, "y": 0, "width": 4, "height": 4}).getpixel((0, 0))
    tab.do(tab.page.emulate_media(media="screen"))
    return [f"printed: {each}" for each in (*found, *(() if paper == (255, 255, 255) else [f"the paper is {paper}"]))]


def forced(tab: Tab, width: int) -> list[str]:
    """What is wrong where the system forces its few colours: a text that cannot be read, a chosen one that looks like others."""
    tab.do(tab.page.emulate_media(forced_colors="active"))
    tab.resize(width)
    found = [*map(str, faint(tab, width)), *_see(tab, "sky"), *unmarked(tab)]
    tab.do(tab.page.emulate_media(forced_colors="none"))
    return [f"forced colours: {each}" for each in found]


def unmarked(tab: Tab) -> list[str]:
    """What is current, chosen or pressed and looks as if it was not."""
    found: list[str] = []
    for at, name in enumerate(_see(tab, "marked")):
        left, top, width, height = _see(tab, "mark", [at, True])
        clip = {"x": max(0.0, left - 4), "y": max(0.0, top - 4), "width": width + 8, "height": height + 8}
        now = tab.picture(clip)
        _see(tab, "mark", [at, False])
        if not _differ(now, tab.picture(clip), width + height):
            found.append(f"{name} looks like the others")
        _see(tab, "mark", [at, True])
    return found


@lru_cache(100_000)
def ratio(one: Colour, other: Colour) -> float:
    """The contrast of two colours as WCAG counts it: 1 to 21."""
    lighter, darker = sorted((_light(one), _light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _see(tab: Tab, what: str, argument: Any = None) -> Any:
    if not tab.js("'sight' in window"):
        tab.js(_sight())
    return tab.js(f"(argument) => sight.{what}(argument)", argument)


def _worst(behind: Image.Image, boxes: list[list[float]], colour: Colour, alpha: float) -> float:
    worst = 21.0
    for left, top, right, bottom in boxes:
        area = (max(0, int(left)), max(0, int(top)), min(behind.width, round(right)), min(behind.height, round(bottom)))
        if area[0] >= area[2] or area[1] >= area[3]:
            continue
        part = behind.crop(area)
        for _, ground in part.getcolors(part.width * part.height) or ():
            assert isinstance(ground, tuple)
            red, green, blue = (round(own * alpha + under * (1 - alpha)) for own, under in zip(colour, ground, strict=True))
            worst = min(worst, ratio((red, green, blue), (ground[0], ground[1], ground[2])))
    return worst


def _stands_out(tab: Tab, focus: dict[str, Any]) -> bool:
    """True when the focus changes as many pixels around or in an element as half of its outline, each by 3 : 1."""
    (left, top, width, height), (wide, high) = focus["box"], focus["window"]
    x, y = max(0.0, left - 6), max(0.0, top - 6)
    clip = {"x": x, "y": y, "width": min(wide, left + width + 6) - x, "height": min(high, top + height + 6) - y}
    now = tab.picture(clip)
    _see(tab, "blur")
    before = tab.picture(clip)
    _see(tab, "unblur")
    return _differ(now, before, clip["width"] + clip["height"])


def _differ(now: Image.Image, before: Image.Image, outline: float) -> bool:
    """True when as many pixels as half of an outline differ, each by 3 : 1."""
    if ImageChops.difference(now, before).getbbox() is None:
        return False
    changed = [one != other and ratio(one, other) >= 3 for one, other in zip(_pixels(now), _pixels(before), strict=True)]
    return bool(sum(changed) * 2 >= outline)


def _pixels(picture: Image.Image) -> list[Colour]:
    plain = picture.tobytes()
    return list(zip(plain[::3], plain[1::3], plain[2::3], strict=True))


@lru_cache(100_000)
def _light(colour: Colour) -> float:
    parts = [each / 255 for each in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
