"""Key pools and their ledgers: every key bit is accounted for and no key is used twice."""

from qfl.security.keys.ledger import Account, Announcement, Entry, KeyEvent, Ledger, verify_chain
from qfl.security.keys.pool import KEY_BITS, Key, KeyPool, Lifetime
from qfl.security.keys.secret import Secret
from qfl.security.keys.vault import Vault

__all__ = [
    "KEY_BITS",
    "Account",
    "Announcement",
    "Entry",
    "Key",
    "KeyEvent",
    "KeyPool",
    "Ledger",
    "Lifetime",
    "Secret",
    "Vault",
    "verify_chain",
]
