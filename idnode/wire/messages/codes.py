"""The numbers of the native protocol: operations, response codes, flags (handle-protocol.md §1.2)."""

from enum import IntEnum


class OpCode(IntEnum):
    """What a message asks for; an answer repeats it."""

    NONE = 0
    RESOLUTION = 1
    GET_SITE = 2
    CREATE_HANDLE = 100
    DELETE_HANDLE = 101
    ADD_VALUE = 102
    REMOVE_VALUE = 103
    MODIFY_VALUE = 104
    LIST_HANDLES = 105
    LIST_DERIVED_PREFIXES = 106
    CHALLENGE_ANSWER = 200
    VERIFY_CHALLENGE = 201
    HOME_PREFIX = 300
    UNHOME_PREFIX = 301
    LIST_HOMED_PREFIXES = 302
    SESSION_SETUP = 400
    SESSION_TERMINATE = 401
    SESSION_KEY_EXCHANGE = 402
    LOGIN_BY_PASSWORD = 2000
    LOGIN_BY_KEY = 2001


class ResponseCode(IntEnum):
    """How an operation ended; 0 in requests."""

    NONE = 0
    SUCCESS = 1
    ERROR = 2
    BUSY = 3
    PROTOCOL_ERROR = 4
    NOT_SUPPORTED = 5
    RECURSION_LIMIT = 6
    BACKUP = 7
    HANDLE_NOT_FOUND = 100
    HANDLE_EXISTS = 101
    INVALID_HANDLE = 102
    VALUES_NOT_FOUND = 200
    VALUE_EXISTS = 201
    INVALID_VALUE = 202
    STALE_SITE = 300
    NOT_RESPONSIBLE = 301
    SERVICE_REFERRAL = 302
    PREFIX_REFERRAL = 303
    INVALID_ADMIN = 400
    INSUFFICIENT_PERMISSION = 401
    AUTHENTICATION_NEEDED = 402
    AUTHENTICATION_FAILED = 403
    INVALID_CREDENTIAL = 404
    AUTHENTICATION_TIMEOUT = 405
    UNABLE_TO_AUTHENTICATE = 406
    SESSION_TIMEOUT = 500
    SESSION_FAILED = 501
    INVALID_SESSION_KEY = 502
    NEED_RSA_KEY = 503
    INVALID_SESSION_SETUP = 504
    MESSAGE_REJECTED = 505


class OpFlag(IntEnum):
    """Bits of a header. No IntFlag, which keeps every combination ever seen: clients can send 2^32."""

    AUTHORITATIVE = 0x8000_0000
    CERTIFY = 0x4000_0000
    ENCRYPT = 0x2000_0000
    RECURSIVE = 0x1000_0000
    CACHE_CERTIFY = 0x0800_0000
    CONTINUOUS = 0x0400_0000
    KEEP_CONNECTION = 0x0200_0000
    PUBLIC_ONLY = 0x0100_0000
    RETURN_DIGEST = 0x0080_0000
    OVERWRITE = 0x0040_0000
    MINT_SUFFIX = 0x0020_0000
    DO_NOT_REFER = 0x0010_0000


REQUEST_FLAGS_DEFAULT = OpFlag.RECURSIVE | OpFlag.CACHE_CERTIFY | OpFlag.PUBLIC_ONLY
"""0x19000000."""


class SessionMode(IntEnum):
    """How the key of a session comes about (§1.9): by an RSA key of either side, or in a handle; Diffie-Hellman."""

    CLIENT_KEY = 1
    SERVER_KEY = 2
    KEY_IN_HANDLE = 3
    DIFFIE_HELLMAN = 4
