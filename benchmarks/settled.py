"""A home whose plan is made real without thousands of journal entries: what a pass would write is written in one go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Event

from controller.core.change import Change
from controller.core.errors import ProviderError
from controller.core.ports import Batches, Provider
from controller.core.run import Row
from controller.core.state import Receipt
from controller.wire import House


def settle(house: House) -> None:
    """Apply everything that the plan of a house says, kind by kind in running order, and keep it in the ledger. Raises what a
    backend refuses."""
    by_place: dict[tuple[str, str], list[Change]] = {}
    for change in house.reconciler.survey().plan.changes:
        by_place.setdefault((change.key.kind, change.provider), []).append(change)
    rows: list[Row] = []
    for place, changes in by_place.items():
        rows += ledger(changes, applied(house.connections.providers()[place], changes))
    house.store.put(rows)


def applied(provider: Provider, changes: Sequence[Change]) -> list[Receipt]:
    """What a provider hands back for changes. Raises the first error."""
    found: Iterable[Receipt | ProviderError]
    if isinstance(provider, Batches):
        found = provider.apply_many(changes, Event())
    else:
        found = [provider.apply(change, Event()) for change in changes]
    receipts: list[Receipt] = []
    for each in found:
        if isinstance(each, ProviderError):
            raise each
        receipts.append(each)
    return receipts


def ledger(changes: Iterable[Change], receipts: Iterable[Receipt]) -> list[Row]:
    """The ledger rows of changes that were made."""
    return [
        Row(
            change.key,
            change.provider,
            change.address,
            receipt.handle,
            change.after,
            receipt.state,
            change.digest,
            needs=change.needs,
            claims=change.claims,
        )
        for change, receipt in zip(changes, receipts, strict=True)
    ]
