"""Importing a Caddyfile: one Route per site, and the routes that run from it taken over as they are."""

from __future__ import annotations

from dataclasses import dataclass

from controller.core.caddyfile import ReadsCaddyfile, Site
from controller.core.errors import Refused
from controller.usecases.importing import Importing
from controller.usecases.importing_sketch import SCHEMA_LINE, Handle, Left, Sketch, file_of


@dataclass(frozen=True)
class CaddyfileImport:
    """The use case behind `homelab import caddyfile`. `via` is the connection that names the Caddy ("" = the only one)."""

    importing: Importing
    via: str

    def sketch(self, text: str) -> Sketch:
        """The Routes of a Caddyfile. Raises Refused without such a connection, Transient, Permanent, SpecError."""
        estate = self.importing.trial({})
        known = {
            name: provider
            for (kind, name), provider in self.importing.reconciler.connect(estate.homelab).items()
            if kind == "route" and isinstance(provider, ReadsCaddyfile)
        }
        via = self.via or (next(iter(known)) if len(known) == 1 else "")
        provider: object = known.get(via)
        if not isinstance(provider, ReadsCaddyfile):
            raise Refused(f"there is no Caddy {via!r} in homelab.yaml" if via else "say which Caddy of homelab.yaml: --via NAME")
        found, reasons = provider.caddyfile(text)
        left = [Left(what, reason) for what, reason in reasons]
        sites: list[Site] = []
        for site in found:
            taken = estate.resources.get(site.key)
            if taken is not None:
                left.append(Left(str(site.key), f"declared already at {taken.origin}"))
            else:
                sites.append(site)
        files = {file_of(site.key): self._document(site, via if len(known) > 1 else "") for site in sites}
        drafted = self.importing.trial(files)
        taking = {site.key for site in sites}
        # What the Routes make, such as certificates, is there already as well: the first plan would only say that it is found.
        made = [resource.key for resource in drafted.resources.values() if resource.made_by in taking]
        objects = (*(Handle(str(site.key), site.handle) for site in sites), *(Handle(str(key)) for key in made))
        return Sketch(files, {}, objects, tuple(left), tuple(Left(str(site.key), what) for site in sites for what in site.lost))

    def _document(self, site: Site, via: str) -> bytes:
        spec = {**({"via": via} if via else {}), **site.spec}
        document = {"kind": "Route", "name": site.key.name, "spec": spec}
        return (SCHEMA_LINE.format("../") + self.importing.write(document)).encode()
