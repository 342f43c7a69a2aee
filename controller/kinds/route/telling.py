"""What a Route's change is told as while its hosts come to their visitors."""

from __future__ import annotations

from controller.core.stage import Moment, Stage, Stages
from controller.core.state import State


def _declared(state: State) -> str:
    return f"{_hosts(state)} can be served as declared"


def _sent(state: State) -> str:
    return f"{_hosts(state)} is handed to Caddy"


def _loaded(state: State) -> str:
    return f"Caddy has loaded {_hosts(state)}"


def _answers(state: State) -> str:
    plain = state["tls"].get("issuer") == "off"
    return f"{'http' if plain else 'https'}://{state['hosts'][0]} answers" if state["hosts"] else "it answers"


def _hosts(state: State) -> str:
    return ", ".join(state["hosts"])


STAGES: Stages = {
    Moment.PLANNED: (Stage.VALIDATE, _declared),
    Moment.BEGUN: (Stage.ROUTE, _sent),
    Moment.DONE: (Stage.LOAD, _loaded),
    Moment.PROVED: (Stage.CHECK, _answers),
}
