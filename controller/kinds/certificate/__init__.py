"""Certificate: what visitors of a host are shown, who issued it and until when it is good."""

from controller.core.kind import Kind
from controller.kinds.certificate.caddy import CertificateProvider
from controller.kinds.certificate.model import CertificateSpec
from controller.kinds.certificate.provider import open_certificates
from controller.kinds.certificate.resolve import resolve, same, verb
from controller.kinds.certificate.telling import STAGES

KIND = Kind(
    name="certificate",
    model=CertificateSpec,
    summary="The certificate that visitors of a host get: who issued it, until when, and why there is none.",
    resolve=resolve,
    verb=verb,
    same=same,
    markless=True,
    lasting=True,
    stages=STAGES,
)

__all__ = ["KIND", "CertificateProvider", "CertificateSpec", "open_certificates"]
