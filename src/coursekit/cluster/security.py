"""Certificate files: look at one before it is used, and make of it what Dask needs."""

from __future__ import annotations

import ssl
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID
from distributed import Security

from coursekit.cluster.certificates import COORDINATOR, ORGANISATION, SCHEDULER, in_utc
from coursekit.errors import CourseKitError
from coursekit.sandbox.view import readable_places

_MOST_BYTES = 64 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Member:
    """A participant of a cluster.

    Attributes:
        name: what it is called there.
        file: its certificate file.
        authority: the certificate of who signed it, as text.

    """

    name: str
    file: Path
    authority: str

    def security(self) -> Security:
        """Return what Dask needs to take part: encrypted only, and with certificates only."""
        # The key is in the same file. Every participant is asked for a certificate of the same
        # authority, whichever side it is on.
        file = str(self.file)
        return Security(
            require_encryption=True,
            tls_ca_file=self.authority,
            tls_scheduler_cert=file,
            tls_scheduler_key=None,
            tls_worker_cert=file,
            tls_worker_key=None,
            tls_client_cert=file,
            tls_client_key=None,
            tls_ciphers=None,
            tls_min_version=ssl.TLSVersion.TLSv1_3,
            tls_max_version=None,
        )


def read_member(file: Path) -> Member:
    """Look at a certificate file.

    Raises:
        CourseKitError: if it is not there or not one of a cluster's, if it has expired or is
            not valid yet, or if somebody else can read it.

    """
    file = file.resolve()
    if not file.is_file():
        raise CourseKitError(
            f"there is no certificate file {file}",
            "begin a cluster in the course folder, with: coursekit cluster init; or make a file "
            "for this machine there, with: coursekit cluster invite NAME",
        )
    certificate, authority = _parts(file)
    [name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    member = Member(
        str(name.value),
        file,
        authority.public_bytes(serialization.Encoding.PEM).decode(),
    )
    _refuse_other_times(member, certificate, authority)
    _refuse_other_readers(file)
    return member


def _parts(file: Path) -> tuple[x509.Certificate, x509.Certificate]:
    """The certificate in a file and its authority's, if they and the key belong together."""
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ValueError(file)
        content = file.read_bytes()
        certificate, authority = x509.load_pem_x509_certificates(content)
        key = serialization.load_pem_private_key(content, None)
        certificate.verify_directly_issued_by(authority)
        [organisation] = authority.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        [_] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if organisation.value != ORGANISATION or key.public_key() != certificate.public_key():
            raise ValueError(file)
    except (ValueError, TypeError, InvalidSignature):
        raise CourseKitError(
            f"{file} is not a certificate file of a cluster, or is damaged",
            "make one in the course folder, with: coursekit cluster invite NAME",
        ) from None
    return certificate, authority


def _refuse_other_times(
    member: Member, certificate: x509.Certificate, authority: x509.Certificate
) -> None:
    now = datetime.now(UTC)
    until = min(certificate.not_valid_after_utc, authority.not_valid_after_utc)
    since = max(certificate.not_valid_before_utc, authority.not_valid_before_utc)
    if now >= until:
        ended = authority.not_valid_after_utc <= now or member.name in {SCHEDULER, COORDINATOR}
        raise CourseKitError(
            f"{member.file} expired on {in_utc(until)}",
            "begin the cluster again, in the course folder: rm -r cluster; coursekit cluster init"
            if ended
            else "make a new one in the course folder, with: "
            f"coursekit cluster invite {member.name}",
        )
    if now < since:
        raise CourseKitError(
            f"{member.file} is not valid before {in_utc(since)}, and this machine's clock says "
            f"{in_utc(now)}",
            "set the clock, for example with: timedatectl set-ntp true",
        )


def _refuse_other_readers(file: Path) -> None:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & _OTHERS:
        raise CourseKitError(
            f"other users of this machine may use {file} (its mode is {mode:o}), and with its key "
            "run code on every machine of the cluster",
            f"keep it to yourself, with: chmod 600 {file}",
        )
    readable = map(Path, readable_places().readable)
    if shown := next((place for place in readable if file.is_relative_to(place)), None):
        raise CourseKitError(
            f"{file} is in {shown}, which students' code can read",
            f"move it to a folder elsewhere, for example with: mv {file} ~/",
        )
