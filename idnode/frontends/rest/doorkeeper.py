"""Who asks over the REST interface: an API key, an identity by its secret key, or by its session (§2)."""

from aiohttp import web

from idnode.frontends.authentication import Authentication
from idnode.frontends.boundary import ACTOR
from idnode.frontends.rest.credentials import HandleCredentials, basic_credentials, handle_credentials
from idnode.frontends.rest.secrecy import Secrecy
from idnode.model.errors import NotAuthenticated, Unavailable
from idnode.registry.handle_admin import HandleAdministrators, HandleIdentity, IdentityNotVerified, Proof
from idnode.registry.handle_rights import Administrator, name_of
from idnode.registry.handle_sessions import HandleSessions, Session
from idnode.wire.encoded_bytes import base64_of

FORWARDED_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP")
ONLY_OVER_TLS = "secrets are taken over TLS only (IDNODE_TLS_PORT, or a trusted proxy)"
NOT_VERIFIED = "Identity not verified"
_BEARER = 'Bearer realm="idnode"'
_BASIC = 'Basic realm="handle"'


class Doorkeeper:
    """Lets administrators in."""

    def __init__(
        self,
        authentication: Authentication,
        administrators: HandleAdministrators,
        sessions: HandleSessions,
        secrecy: Secrecy,
    ) -> None:
        self._authentication = authentication
        self._administrators = administrators
        self._sessions = sessions
        self._secrecy = secrecy

    def is_secret(self, request: web.Request) -> bool:
        """Whether nobody on the way can read what is said."""
        proto = request.headers.getall("X-Forwarded-Proto", [])
        return self._secrecy.holds(
            is_tls=request.secure,
            peer=request.remote or "",
            forwarded_proto=",".join(proto) if proto else None,
            is_forwarded=any(name in request.headers for name in FORWARDED_HEADERS),
        )

    async def administrator(self, request: web.Request) -> Administrator | None:
        """Who asks; None without credentials. Raises NotAuthenticated, IdentityNotVerified, MalformedInput."""
        header = request.headers.get("Authorization")
        if header is None:
            return None
        who = await self._shown_in(header, request)
        request[ACTOR] = name_of(who)
        return who

    async def require(self, request: web.Request) -> Administrator:
        """The same where somebody must. Raises NotAuthenticated."""
        who = await self.administrator(request)
        if who is None:
            raise NotAuthenticated("administration takes credentials")
        return who

    async def challenges(self, error: NotAuthenticated) -> tuple[str, ...]:
        """What goes into the WWW-Authenticate headers of a 401: a session to prove an identity in is opened for it."""
        told = f', error="{NOT_VERIFIED}"' if isinstance(error, IdentityNotVerified) else ""
        try:
            session = await self._sessions.open()
        except Unavailable:
            return (_BASIC, _BEARER)
        return _BASIC, f'Handle sessionId="{session.id}", nonce="{base64_of(session.nonce)}"{told}', _BEARER

    async def _shown_in(self, header: str, request: web.Request) -> Administrator:
        scheme, _, text = header.partition(" ")
        match scheme.lower():
            case "basic":
                self._require_secrecy(request)
                return await self._by_password(text)
            case "handle":
                self._require_secrecy(request)
                return await self._by_session(handle_credentials(text))
            case _:
                key = await self._authentication.key_of(header)
                if key is None:
                    raise NotAuthenticated("this API key is unknown")
                return key

    def _require_secrecy(self, request: web.Request) -> None:
        if not self.is_secret(request):
            raise NotAuthenticated(ONLY_OVER_TLS)

    async def _by_password(self, text: str) -> HandleIdentity:
        credentials = basic_credentials(text)
        if credentials.claimed is None:
            raise IdentityNotVerified(NOT_VERIFIED)
        return await self._administrators.verify(credentials.claimed, Proof.by_password(credentials.password))

    async def _by_session(self, credentials: HandleCredentials) -> HandleIdentity:
        session = await self.session(credentials)
        if session is None or session.identity is None:
            raise IdentityNotVerified(NOT_VERIFIED)
        return session.identity

    async def session(self, credentials: HandleCredentials) -> Session | None:
        """The session that is shown, proved if a proof comes along. Raises IdentityNotVerified."""
        if credentials.asks_for_certificate:
            raise IdentityNotVerified("client certificates are not taken")
        session = None if credentials.session_id is None else await self._sessions.find(credentials.session_id)
        if session is None or credentials.proof is None:
            return session
        return await self._sessions.prove(session, credentials.proof.claimed, credentials.proof.proof)
