"""Sign-in at an OpenID provider put together: the one that the revision which counts names."""

from __future__ import annotations

from controller.clients.oidc import OpenIdClient
from controller.core.sign_in import OpenIdProvider
from controller.usecases.access import Access
from controller.usecases.sign_in import SignIn
from controller.wire.house import House


def open_sign_in(house: House, access: Access) -> SignIn:
    """The use case; nobody signs in at a provider before the first pass has ended."""

    def declared() -> OpenIdProvider | None:
        last = house.reconciler.last
        return last.provider if last is not None else None

    client = OpenIdClient(house.clock, house.settings.trusted_hosts)
    return SignIn(access, declared, client, house.vault, house.clock)
