"""A cluster's own certificates: who may take part, and until when.

A private authority signs all of them. Its key and the certificates of the scheduler and the
coordinator are in the course's folder ``cluster/``. A certificate file has everything that a
participant needs: its certificate, the authority's, and its key, in this order, which is
OpenSSL's.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from coursekit.cluster.addresses import PORT, address_of, is_host
from coursekit.command_runner import Say
from coursekit.course.assignment import refuse_other_folder
from coursekit.errors import CourseKitError
from coursekit.processes.whole_files import write_whole
from coursekit.sandbox.view import shown_course

ORGANISATION = "Residual Networks course kit"
FOLDER = "cluster"
SCHEDULER, COORDINATOR = "scheduler", "coordinator"
_AUTHORITY = "authority"
_LIFETIME = timedelta(days=365)
# Clocks of machines differ.
_BEFORE = timedelta(hours=1)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PRIVATE = 0o600


def certificate_of(course: Path, name: str) -> Path:
    """Return where the certificate file of a participant is."""
    return course / FOLDER / f"{name}.pem"


def make_authority(course: Path, hosts: Sequence[str], say: Say) -> None:
    """``coursekit cluster init``: begin a cluster.

    Args:
        course: the course folder.
        hosts: names and addresses by which other machines reach the scheduler; none for this
            machine's own name.
        say: shows a line.

    Raises:
        CourseKitError: if the course has an authority already, or cannot keep one secret.

    """
    refuse_other_folder(course)
    authority_file = certificate_of(course, _AUTHORITY)
    if authority_file.exists():
        raise CourseKitError(
            f"{authority_file} is there already, and a new one would shut out every machine that "
            "was invited",
            "invite one more machine, with: coursekit cluster invite NAME; to begin again, remove "
            f"the folder first: rm -r {authority_file.parent}",
        )
    if shown := shown_course(course):
        raise CourseKitError(
            f"{course} is in {shown}, where students' code could read the keys",
            "make a course elsewhere, with: coursekit init ~/mycourse",
        )
    hosts = hosts or [socket.gethostname()]
    if wrong := [host for host in hosts if not is_host(host)]:
        raise CourseKitError(
            f"{wrong[0]!r} is neither the name of a machine nor an IP address",
            "name it, with: coursekit cluster init --host grader.example.org",
        )
    folder = authority_file.parent
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    authority = _Authority.new()
    for name in (SCHEDULER, COORDINATOR):
        content = authority.member(name, authority.until, hosts if name == SCHEDULER else [])
        write_whole(certificate_of(course, name), content, _PRIVATE)
    # Last, so that an interrupted command can be run again.
    write_whole(authority_file, authority.file(), _PRIVATE)
    say(f"made in {folder}: the certificates of a cluster, valid until {in_utc(authority.until)}")
    say("whoever has a file of this folder can run code on every machine of the cluster")
    say(f"next: coursekit cluster scheduler --host {hosts[0]}")
    say("and for each further machine: coursekit cluster invite NAME")


def invite(course: Path, name: str, days: int, say: Say) -> None:
    """``coursekit cluster invite``: write a certificate file for a new machine.

    Args:
        course: the course folder.
        name: what the machine is called in this cluster.
        days: how long the certificate is valid.
        say: shows a line.

    Raises:
        CourseKitError: if there is no authority, or it cannot give such a certificate.

    """
    if not _NAME.fullmatch(name) or name in {_AUTHORITY, SCHEDULER, COORDINATOR}:
        raise CourseKitError(
            f"{name!r} cannot be the name of a machine here",
            "choose letters, digits, dots and hyphens, as in: coursekit cluster invite lab-3",
        )
    authority = _Authority.read(course)
    until = min(_now() + timedelta(days=days), authority.until)
    file = certificate_of(course, name)
    write_whole(file, authority.member(name, until), _PRIVATE)
    address = address_of(_host_of(certificate_of(course, SCHEDULER)), PORT)
    say(f"wrote {file}, valid until {in_utc(until)}")
    say(f"carry it to {name} so that nobody else can read it, for example with: scp -p")
    say(f"there, in this repository: make worker JOIN={address} CERT={file.name}")
    say(f"or, with the kit installed: coursekit cluster worker {address} --certificate {file.name}")


def in_utc(moment: datetime) -> str:
    """Return a time as it is told."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


class _Authority:
    """What signs a cluster's certificates."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key
        self.until = certificate.not_valid_after_utc

    @classmethod
    def new(cls) -> _Authority:
        """Make one, which lasts for a year's course."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _unsigned(f"{ORGANISATION}: a cluster", key, _now() + _LIFETIME)
        signed = (
            builder.issuer_name(_subject(f"{ORGANISATION}: a cluster"))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(signed, key)

    @classmethod
    def read(cls, course: Path) -> _Authority:
        """Read a course's.

        Raises:
            CourseKitError: if it has no authority that can be used.

        """
        file = certificate_of(course, _AUTHORITY)
        again = f"begin again, with: rm -r {file.parent}; coursekit cluster init"
        if not file.exists():
            raise CourseKitError(
                f"{course} has no cluster: there is no {file}",
                "begin one, with: coursekit cluster init",
            )
        content = file.read_bytes()
        try:
            certificate = x509.load_pem_x509_certificate(content)
            key = serialization.load_pem_private_key(content, None)
        except ValueError:
            raise CourseKitError(f"{file} is damaged", again) from None
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        found = cls(certificate, key)
        if found.until <= _now():
            raise CourseKitError(f"{file} expired on {in_utc(found.until)}", again)
        return found

    def file(self) -> bytes:
        """Return what is kept of the authority."""
        return _pem(self._certificate) + _key_pem(self._key)

    def member(self, name: str, until: datetime, hosts: Sequence[str] = ()) -> bytes:
        """Return a new participant's certificate file."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_general_name(host) for host in hosts or [name]]
        public = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        signer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(public.value)
        # Each participant listens, and connects to others.
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            _unsigned(name, key, until)
            .issuer_name(self._certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(signer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return _pem(certificate) + _pem(self._certificate) + _key_pem(key)


def _unsigned(
    name: str, key: ec.EllipticCurvePrivateKey, until: datetime
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - _BEFORE)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _host_of(file: Path) -> str:
    """The first host that a scheduler's certificate names."""
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return str(next(iter(names)).value)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _now() -> datetime:
    # Certificates have whole seconds.
    return datetime.now(UTC).replace(microsecond=0)
