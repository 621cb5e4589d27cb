"""Why no answer came, as sentences for a person."""

from __future__ import annotations

import os
import socket
import ssl

from backup_repository.doctor.target import Target


class Trouble(Exception):
    """No answer came; the text is a clause for a person, without a full stop."""


class Unreachable(Trouble):
    """No connection could be made."""


class Untrusted(Unreachable):
    """The certificate cannot be trusted."""


class Cut(Trouble):
    """A connection that stood gave no whole answer."""

    def __init__(self, error: OSError | None = None, words: str = "") -> None:
        if not words:
            silent = isinstance(error, TimeoutError)
            words = "the other side takes no more bytes" if silent else "the connection was closed without an answer"
        super().__init__(words)


_EXPIRED, _NOT_YET = 10, 9
_SELF_SIGNED = frozenset({18, 19})
_NO_ISSUER = frozenset({2, 20, 21})
_WRONG_NAME = frozenset({62, 64})
_NO_TLS = "what listens there speaks no TLS; give an http address, or the port of `listen 443 ssl`"
_OLD_TLS = "no protocol is common; allow `ssl_protocols TLSv1.2 TLSv1.3`"
_HANDSHAKES = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": _OLD_TLS,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD_TLS,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no cipher is common; look at `ssl_ciphers`",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "a client certificate is asked for (`ssl_verify_client`)",
}


def unreachable(error: OSError | UnicodeError, target: Target) -> Unreachable:
    """Say why no connection could be made."""
    place = f"{target.host} port {target.port}"
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return Unreachable(f"the name {target.host} cannot be looked up; look at the DNS servers of this machine")
    if isinstance(error, socket.gaierror | UnicodeError):
        return Unreachable(f"the name {target.host} is not known here; look at its DNS entry")
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(f"nothing listens on {place}; start NGINX, or give the port of its `listen`")
    if isinstance(error, TimeoutError):
        return Unreachable(f"{place} does not answer; look for a firewall in between")
    reason = os.strerror(error.errno) if error.errno else "no connection"
    return Unreachable(f"{place} cannot be reached: {reason}")


def tls_trouble(error: OSError | ValueError, target: Target) -> Unreachable:
    """Say why TLS could not be agreed on."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Untrusted(_mistrust(error, target))
    if isinstance(error, TimeoutError):
        return Unreachable("the TLS handshake does not end; look for a firewall or proxy in between")
    reason = getattr(error, "reason", None) or ""
    if "UNRECOGNIZED_NAME" in reason:
        return Unreachable(f"no site has the name {target.host}; make it the `server_name` in router.conf")
    if reason in _HANDSHAKES:
        return Unreachable(_HANDSHAKES[reason])
    return Unreachable("the TLS handshake was broken off; give the port of `listen 443 ssl`")


def _mistrust(error: ssl.SSLCertVerificationError, target: Target) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return "the certificate has expired; renew it and reload NGINX (`ssl_certificate`)"
    if code == _NOT_YET:
        return "the certificate is not valid yet; set the clock of this machine, or wait (`ssl_certificate`)"
    if code in _SELF_SIGNED:
        return "the certificate is self-signed; use one of an authority that this machine knows (`ssl_certificate`)"
    if code in _NO_ISSUER:
        return "the issuer of the certificate is unknown here; `ssl_certificate` must hold the chain (fullchain.pem)"
    if code in _WRONG_NAME:
        return f"the certificate is not made for {target.host}; use one that names it (`ssl_certificate`)"
    return f"the certificate cannot be trusted (`ssl_certificate`): {error.verify_message}"
