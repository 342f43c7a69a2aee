"""`homelab run` and `homelab demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.house import settings
from controller.cli.show_plan import world
from controller.cli.text import visible
from controller.cli.verbs import talk, verb
from controller.settings import state_root

if TYPE_CHECKING:
    from controller.wire import Running


@verb("run", examples=["homelab run", "homelab run --listen 0.0.0.0:8420", "homelab run --repo https://git.example/me/home.git"])
@click.option("--public", multiple=True, metavar="URL", help="Address under which a proxy shows the page, https://HOST.")
@click.option(
    "--trusted-proxy", "trusted", multiple=True, metavar="ADDRESS", help="Proxy whose word counts about who asks; also a network."
)
def run_verb(public: tuple[str, ...], trusted: tuple[str, ...]) -> None:
    """Run the controller with its web page until it is interrupted.

    It follows the repository and the backends, applies what the rules allow, and answers the other verbs."""
    from controller.cli.log_lines import log_to_terminal
    from controller.wire import run_controller

    log_to_terminal()
    found = settings()
    talk().say(f"starting for {visible(found.shown_repo)} with its state in {visible(found.state)}")
    talk().end(run_controller(found, _tell, public=public, trusted=trusted))


def _tell(running: Running) -> None:
    paint = talk().paint
    lines = [f"world: {paint(world(running.world), 'bold')}"]
    lines.append("this controller writes" if running.leading else "another controller writes; this one only looks")
    if running.address:
        lines.append(f"page: {paint(running.link or running.address, 'bold')}")
    if not running.link:
        lines.append("`homelab token url` prints a link that lets a browser in")
    talk().lines(lines)


@verb("demo", examples=["homelab demo", "homelab demo --listen 127.0.0.1:0"])
def demo_verb() -> None:
    """Show the product on a simulated world: example specs, a controller and its page. Nothing real is touched.

    Specs and state stay in a folder of their own, so that you can commit there and watch what happens."""
    from controller.cli.begin import scaffold
    from controller.cli.log_lines import log_to_terminal
    from controller.wire import run_controller

    log_to_terminal()
    folder = Path(talk().flags.get("state") or state_root() / "demo")
    specs = folder / "specs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    scaffold().demo(specs)
    talk().flags.update(world="memory", repo=str(specs), state=str(folder / "state"))
    talk().say("DEMO on a simulated world: no container, no network, nothing real")
    talk().say(f"its specs are in {visible(specs)}: edit, `git commit`, and watch")
    talk().end(run_controller(settings(), _tell))
