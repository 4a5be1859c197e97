"""TLS: certificate and key fit together, and the certificate holds for a while yet."""

from datetime import datetime, timedelta

from cryptography import x509

from idnode.cli.checks.finding import Finding, fail, ok, warn
from idnode.config import Settings
from idnode.frontends.tls import CertificateRefused, server_context

RENEWAL_TIME = timedelta(days=14)


def check_tls(settings: Settings, *, now: datetime) -> list[Finding]:
    """Nothing to say without IDNODE_TLS_PORT."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return []
    advice = "set IDNODE_TLS_CERTIFICATE and IDNODE_TLS_KEY to PEM files of a certificate, its chain and its key"
    try:
        server_context(settings.tls_certificate, settings.tls_key)
        [certificate, *_] = x509.load_pem_x509_certificates(settings.tls_certificate.read_bytes())
    except CertificateRefused as error:
        return [fail("tls", error.detail, advice)]
    except (OSError, ValueError) as error:
        return [fail("tls", f"IDNODE_TLS_CERTIFICATE: {settings.tls_certificate}: {error}", advice)]
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    renew = "put a new certificate in its place, then send SIGHUP to the node"
    if not begins <= now < ends:
        return [fail("tls", f"the certificate is valid from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}", renew)]
    if ends - now < RENEWAL_TIME:
        return [warn("tls", f"the certificate ends on {ends:%Y-%m-%d}", renew)]
    return [ok("tls", f"the certificate is valid to {ends:%Y-%m-%d}")]
