"""Notifications put together: who is told by the revision that counts, over apprise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from controller.clients.notifying import AppriseSender
from controller.core.event import Event
from controller.core.notice import Recipient
from controller.core.ports import Clock, Store, Vault
from controller.engine.reconcile import Reconciler
from controller.usecases.notices import Notices

_NAME = "HomeLabHub"


def open_notices(
    reconciler: Reconciler, store: Store, clock: Clock, vault: Vault, tell: Callable[[Event], None], *, simulated: bool
) -> Notices:
    """The use cases of notifications. Messages of a simulated world say so."""

    def recipients() -> Sequence[Recipient]:
        if reconciler.last is not None:
            return reconciler.last.recipients
        head = reconciler.source.head()
        return reconciler.linker.estate(head, reconciler.source.read(head.id)).recipients

    house = f"{_NAME} (simulated)" if simulated else _NAME
    return Notices(store, clock, vault, AppriseSender(), recipients, tell, house)
