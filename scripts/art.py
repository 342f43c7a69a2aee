"""Draws the page's stars and icons anew: `python scripts/art.py`. What it makes is committed; nothing runs it later."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).resolve().parents[1] / "controller" / "web" / "static"
SIDE, STARS = 900, 150
COLOURS = ("#ffffff", "#cfe0ff", "#ffe9cf", "#d9ccff")


def stars() -> str:
    """A tile of stars: many faint ones, few bright ones, none at the seam."""
    chance = random.Random(8420)
    drawn = []
    for _ in range(STARS):
        x, y = chance.randint(6, SIDE - 6), chance.randint(6, SIDE - 6)
        size = chance.choice((0.5, 0.6, 0.7, 0.8, 1.0, 1.4))
        drawn.append(
            f'<circle cx="{x}" cy="{y}" r="{size}" fill="{chance.choice(COLOURS)}" opacity="{chance.uniform(0.25, 0.9):.2f}"/>'
        )
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}">{"".join(drawn)}</svg>\n'


def icons() -> None:
    """The icon as pictures, on a ground that a mask may cut round."""
    drawing = (STATIC / "icon.svg").read_text()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for side in (192, 512):
            page = browser.new_page(viewport={"width": side, "height": side})
            inner = round(side * 0.66)
            page.set_content(
                f'<body style="margin:0;background:#060914;display:grid;place-items:center;height:100vh">'
                f'<div style="width:{inner}px;height:{inner}px">{drawing}</div>'
            )
            page.screenshot(path=STATIC / f"icon-{side}.png")
        browser.close()


if __name__ == "__main__":
    (STATIC / "stars.svg").write_text(stars())
    icons()
