"""Wanted: the specification that is reconciled. When git's newest is refused, the last good one stays live, and why is told."""

from __future__ import annotations

from dataclasses import dataclass, replace

from controller.core.document import Revision
from controller.core.errors import Diagnostic, SourceError, SpecError
from controller.core.estate import Estate
from controller.core.ports import Source, Vouches
from controller.engine.lineage import Lineage
from controller.engine.link import Linker


@dataclass(frozen=True)
class Wanted:
    """What a pass is made for: `revision` is git's newest, `estate` what is reconciled; `diagnostics` and `reason` say why they
    differ. The estate of nothing that can be read has the revision ""."""

    revision: Revision
    estate: Estate
    diagnostics: tuple[Diagnostic, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Reading:
    """One reading of the source. `known` keeps the estate of the last revision from one reading to the next."""

    source: Source
    linker: Linker
    lineage: Lineage
    known: dict[str, Estate]

    def wanted(self) -> Wanted:
        """Git's newest revision, or the last good one."""
        try:
            revision = self.source.head()
        except SourceError as error:
            return self._fallback(Revision(""), (), str(error))
        if reason := self._doubt(revision):
            return self._fallback(revision, (), f"{reason}; the last good revision stays live")
        try:
            return Wanted(revision, self._estate(revision))
        except SpecError as error:
            reason = f"{revision.short} is not valid; the last good revision stays live"
            return self._fallback(revision, error.diagnostics, reason)
        except SourceError as error:
            return self._fallback(revision, (), str(error))

    def _fallback(self, revision: Revision, diagnostics: tuple[Diagnostic, ...], reason: str) -> Wanted:
        live = self.lineage.live
        if live:
            try:
                return Wanted(revision, self._estate(self.source.revision(live)), diagnostics, reason)
            except (SpecError, SourceError) as error:
                reason = f"{reason}; and the last good revision {live[:10]} cannot be read: {error}"
        # Nothing can be read: every key of ours is left alone.
        return Wanted(revision, Estate(replace(revision, id=""), {}), diagnostics, reason)

    def _doubt(self, revision: Revision) -> str:
        """Why the newest revision may not be followed; what is deployed already may."""
        reason = self.source.doubt(revision.id) if isinstance(self.source, Vouches) else ""
        return "" if reason and revision.id == self.lineage.live else reason

    def _estate(self, revision: Revision) -> Estate:
        known = self.known.get(revision.id)
        if known is None:
            known = self.linker.estate(revision, self.source.read(revision.id))
            self.known.clear()
            self.known[revision.id] = known
        return known
