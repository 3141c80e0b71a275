"""Where studies are kept: SQLite by default, PostgreSQL by URL, or this process's memory.

`open_store` is for the one writer of a study: `begin` it once, then `save` batches of records, each of them whole
or not at all. `read_store` is for anyone, at any time, also while the writer writes.
"""

from paceline.store.opening import open_store, read_store
from paceline.store.place import MEMORY
from paceline.store.store import Store

__all__ = ["MEMORY", "Store", "open_store", "read_store"]
