"""Our own Stripe accounts: what each has in test and in live mode, and which key opens which.

An account and a mode have books of their own, in a file of their own: objects, balance, journal and idempotency
keys. Two modes of an account share nothing but its id (https://docs.stripe.com/keys, "Sandbox and live modes").
The default account in test mode keeps its books in the main file, which also knows all accounts and keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from payouts_pipeline.local.stripe_emulator.seeds import KeySeed, PlatformSeed
from payouts_pipeline.local.stripe_emulator.store import JsonObject, Store

DEFAULT_PLATFORM = "acct_emulated"

Shelf = dict[tuple[str, bool], "Books"]


@dataclass(frozen=True, slots=True)
class Books:
    """What one account has in one mode."""

    platform_id: str
    livemode: bool
    store: Store
    shelf: Mapping[tuple[str, bool], "Books"]

    def similar_in_other_mode(self, kind: str, object_id: str) -> JsonObject | None:
        """Return the object of that id that the same account has in the other mode, if any."""
        other = self.shelf.get((self.platform_id, not self.livemode))
        return other.store.get(kind, object_id) if other else None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who a key stands for; a secret key may do everything."""

    key: KeySeed
    books: Books

    def may(self, permission: str) -> bool:
        """Whether the key has the permission, or a larger one: who may write may read."""
        if self.key.key.startswith("sk_"):
            return True
        writing = permission.removesuffix("_read") + "_write" if permission.endswith("_read") else permission
        return permission in self.key.permissions or writing in self.key.permissions


class Platforms:
    """All accounts and keys that there are; those that the admin API has added survive a restart."""

    def __init__(self, store: Store, default_key: str) -> None:
        self._store = store
        self._default_key = default_key
        self._shelf: Shelf = {}
        self._holders: dict[str, KeyHolder] = {}
        self._profiles: dict[str, PlatformSeed] = {}
        self._read()

    def _read(self) -> None:
        self.default = Books(DEFAULT_PLATFORM, livemode=False, store=self._store, shelf=self._shelf)
        self._shelf[DEFAULT_PLATFORM, False] = self.default
        self._hold(KeySeed(key=self._default_key))
        for (profile,) in self._store.rows("all_platforms"):
            self._show(PlatformSeed.model_validate_json(profile))
        for (key,) in self._store.rows("all_api_keys"):
            self._hold(KeySeed.model_validate_json(key))

    def holder(self, key: str) -> KeyHolder | None:
        """Return who the key stands for, or None."""
        return self._holders.get(key)

    def profile(self, platform_id: str) -> PlatformSeed:
        """Return what is said of the account."""
        return self._profiles.get(platform_id) or PlatformSeed(id=platform_id)

    def put(self, platform: PlatformSeed) -> None:
        """Create an account of ours, or change it."""
        self._show(platform)
        self._store.run("put_platform", id=platform.id, profile=platform.model_dump_json())

    def _show(self, platform: PlatformSeed) -> None:
        self._profiles[platform.id] = platform

    def put_key(self, key: KeySeed) -> None:
        """Give an account a key, or change what the key may do."""
        self._hold(key)
        self._store.run("put_api_key", key=key.key, seed=key.model_dump_json())

    def _hold(self, key: KeySeed) -> None:
        livemode = key.key.split("_")[1] == "live"
        self._holders[key.key] = KeyHolder(key, self._books(key.platform or DEFAULT_PLATFORM, livemode=livemode))

    def _books(self, platform_id: str, *, livemode: bool) -> Books:
        known = self._shelf.get((platform_id, livemode))
        if known:
            return known
        store = Store(self._store.beside(f"{platform_id}.{'live' if livemode else 'test'}"))
        books = Books(platform_id, livemode, store, self._shelf)
        self._shelf[platform_id, livemode] = books
        return books

    def all_books(self) -> list[Books]:
        """Return the books of every account and mode that has a key."""
        return list(self._shelf.values())

    def reset(self) -> None:
        """Forget all but the default account and its key; its books are for the caller to empty."""
        for books in self.all_books():
            if books is not self.default:
                books.store.destroy()
        self._shelf.clear()
        self._holders.clear()
        self._profiles.clear()
        self._read()

    def close(self) -> None:
        """Give all files free."""
        for books in self.all_books():
            books.store.close()
