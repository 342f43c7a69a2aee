"""One authority: an account there, and certificates ordered with proofs that stand in the DNS (challenge dns-01)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from threading import Event as Flag
from threading import Lock
from typing import TYPE_CHECKING, Any

from controller.clients import durable
from controller.clients.acme.bundle import Bundle, sealed
from controller.clients.acme.translated import Translated
from controller.clients.tally import answered
from controller.core.errors import Interrupted, Permanent, Transient
from controller.core.ports import Clock

if TYPE_CHECKING:
    from acme import client, messages
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from josepy.jwk import JWK

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
"""The directory where none is declared: the one that Caddy takes as well."""
_AGENT = "homelabhub"
_FIRST, _LONGEST = 0.1, 5.0
"""Seconds between two looks at what the authority thinks."""
_PATIENCE = 180.0
"""Seconds for an authority to look at the proofs, and again for it to sign."""
Prove = Callable[[Mapping[str, Sequence[str]]], AbstractContextManager[None]]
"""Shows texts in the DNS, by the full name of their TXT records, while its block runs."""


class Authority:
    """An authority by its directory. The account is made on first use and kept in a file (0600). For many threads."""

    def __init__(self, directory: str, email: str, roots: Sequence[str], folder: Path, clock: Clock) -> None:
        """`roots` are PEM files by which the authority itself is trusted; none = those of this machine."""
        self.directory = directory or LETS_ENCRYPT
        self._email = email
        self._roots = tuple(roots)
        self._folder = folder
        self._clock = clock
        self._lock = Lock()

    def order(self, names: Sequence[str], prove: Prove, interrupt: Flag) -> Bundle:
        """A new certificate for names, after the proof that each is ours. Raises Transient, Permanent (with the authority's own
        words), Deferred (its rate limit), Interrupted, and what `prove` raises."""
        with Translated(self.directory, self._clock):
            key, request = _request(names)
            with self._lock:
                visitor, placed = self._ordered(request)
            proofs = _proofs(placed)
            if proofs:
                wanted: dict[str, list[str]] = {}
                for challenge, name in proofs:
                    wanted.setdefault(f"_acme-challenge.{name}", []).append(challenge.validation(visitor.net.key))
                with prove(wanted):
                    for challenge, _ in proofs:
                        visitor.answer_challenge(challenge, challenge.response(visitor.net.key))
                    self._believed(visitor, placed, interrupt)
            if interrupt.is_set():
                raise Interrupted("called off before the certificate was asked for")
            placed = visitor.begin_finalization(placed)
            done = visitor.poll_finalization(placed, self._deadline())
        return sealed(self.directory, key, done.fullchain_pem)

    def _deadline(self) -> datetime:
        """As the library compares it: without a zone."""
        return datetime.fromtimestamp(self._clock.now() + _PATIENCE)  # noqa: DTZ006

    def _ordered(self, request: bytes) -> tuple[client.ClientV2, messages.OrderResource]:
        """An order in our account; an account that the authority has forgotten is made anew."""
        from acme import messages

        visitor = self._visitor(anew=False)
        try:
            return visitor, visitor.new_order(request)
        except messages.Error as error:
            if error.code != "accountDoesNotExist":
                raise
        visitor = self._visitor(anew=True)
        return visitor, visitor.new_order(request)

    def _visitor(self, *, anew: bool) -> client.ClientV2:
        from acme import client, messages
        from josepy.jwa import ES256

        key, place = self._account()
        network = client.ClientNetwork(key, alg=ES256, verify_ssl=self._trust(), user_agent=_AGENT)  # type: ignore[arg-type]
        network.session.hooks["response"].append(answered("acme"))
        visitor = client.ClientV2(client.ClientV2.get_directory(self.directory, network), network)
        if place and not anew:
            network.account = messages.RegistrationResource(body=messages.Registration(), uri=place)
            return visitor
        if visitor.external_account_required():
            raise Permanent(f"{self.directory} takes only accounts that were agreed on with it before (external account binding)")
        wish = messages.NewRegistration.from_data(email=self._email or None, terms_of_service_agreed=True)
        made = visitor.new_account(wish)
        self._keep({"key": key.to_json(), "account": made.uri})
        return visitor

    def _account(self) -> tuple[JWK, str]:
        """Our key, made durable before anybody hears of it, and the address of the account ("" = there is none yet)."""
        from josepy.errors import DeserializationError
        from josepy.jwk import JWKEC

        try:
            known = json.loads(self._file.read_bytes())
            key = JWKEC.from_json(known["key"])
            assert isinstance(key, JWKEC)  # noqa: S101 (what the library makes of our own)
            return key, str(known.get("account", ""))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, DeserializationError) as error:
            raise Permanent(f"{self._file} is damaged: remove it, and a new account is made") from error
        made = JWKEC(key=_new_key())
        self._keep({"key": made.to_json()})
        return made, ""

    def _keep(self, account: Mapping[str, Any]) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            durable.replace(self._file, json.dumps(account).encode())
        except OSError as error:
            raise Transient(f"{self._file}: {error.strerror or error}") from error

    @property
    def _file(self) -> Path:
        plain = "".join(letter if letter.isalnum() else "-" for letter in self.directory.removeprefix("https://"))
        return self._folder / f"account-{plain}.json"

    def _trust(self) -> bool | str:
        """What the library takes: True, or one file."""
        if not self._roots:
            return True
        if len(self._roots) == 1:
            return self._roots[0]
        together = self._folder / "roots.pem"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            durable.replace(together, b"\n".join(Path(each).read_bytes() for each in self._roots))
        except OSError as error:
            raise Transient(f"{error.filename}: {error.strerror or error}") from error
        return str(together)

    def _believed(self, visitor: client.ClientV2, placed: messages.OrderResource, interrupt: Flag) -> None:
        """Wait until the authority has believed every proof. Raises Permanent with its words when it does not."""
        from acme import messages

        deadline = self._clock.monotonic() + _PATIENCE
        for each in placed.authorizations:
            found, pause = each, 0.0
            while found.body.status != messages.STATUS_VALID:
                if found.body.status not in (messages.STATUS_PENDING, messages.STATUS_PROCESSING):
                    raise Permanent(f"{self.directory} does not believe that {_name(found)} is ours: {_words(found)}")
                if self._clock.monotonic() > deadline:
                    raise Transient(f"{self.directory} has not looked at the proof for {_name(found)} yet")
                if self._clock.wait(interrupt, pause):
                    raise Interrupted("called off while the authority looked at the proofs")
                found, _ = visitor.poll(found)
                pause = min(2 * pause + _FIRST, _LONGEST)


def _proofs(placed: messages.OrderResource) -> list[tuple[messages.ChallengeBody, str]]:
    """(challenge, name) of what is still to be proved."""
    from acme import challenges, messages

    found: list[tuple[messages.ChallengeBody, str]] = []
    for each in placed.authorizations:
        if each.body.status == messages.STATUS_VALID:
            continue
        fitting = [item for item in each.body.challenges if isinstance(item.chall, challenges.DNS01)]
        if not fitting:
            raise Permanent(f"the authority takes no proof in the DNS for {_name(each)}")
        found.append((fitting[0], _name(each)))
    return found


def _name(found: messages.AuthorizationResource) -> str:
    return str(found.body.identifier.value)


def _words(found: messages.AuthorizationResource) -> str:
    """Why it was not believed."""
    said = [str(item.error.detail) for item in found.body.challenges or () if item.error is not None]
    return "; ".join(dict.fromkeys(said)) or str(found.body.status)


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _request(names: Sequence[str]) -> tuple[bytes, bytes]:
    """A private key and the request that it signs, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    key = _new_key()
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(alternatives, critical=False)
    request = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain), request
