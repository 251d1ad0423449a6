"""The database of searches: a SQLite file beside the runs, or PostgreSQL; its errors and locks.

Optuna is imported when a study is created or looked for, and not before.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from mnist_core.messages import N_, InputError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from sqlalchemy import Connection, Engine

STUDIES_VARIABLE = "DIGITLAB_STUDIES"
STUDIES_FILE = ".studies.sqlite3"
HEARTBEAT_SECONDS = 5  # between two heartbeats of a trial
GRACE_SECONDS = 20  # without a heartbeat, after which another worker takes the trial over
LOCK_SECONDS = 30  # longest wait for another process that writes
_opening = threading.Lock()
_changing = threading.Lock()  # or threads that wait would take all connections from the one that writes
_opened: dict[str, RDBStorage] = {}


def database_url(directory: Path) -> str:
    """Return the database's address, as SQLAlchemy writes it: a file in `directory`, or DIGITLAB_STUDIES.

    Raises InputError for one that isn't PostgreSQL's.
    """
    given = os.environ.get(STUDIES_VARIABLE, "").strip()
    if not given:
        return f"sqlite:///{directory / STUDIES_FILE}"
    scheme, separator, rest = given.partition("://")
    if not separator or scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise InputError(
            N_("{variable} must be an address like postgresql://user:password@host/name."),
            variable=STUDIES_VARIABLE,
        )
    return f"postgresql+psycopg://{rest}"


def open_storage(directory: Path) -> RDBStorage:
    """Open the database, once a process; InputError for a bad DIGITLAB_STUDIES."""
    url = database_url(directory)
    with _opening:
        if url not in _opened:
            directory.mkdir(parents=True, exist_ok=True)
            _opened[url] = _open_storage(url)
        return _opened[url]


@contextmanager
def alone(storage: RDBStorage, study_id: str) -> Iterator[None]:
    """Have no other process or thread in such a block of this study; it ends with the process, too.

    For what reads the study and then writes to it. Raises InputError if another process is in it for
    LOCK_SECONDS, or the database fails.
    """
    from sqlalchemy import text

    engine = storage.engine
    with database_errors(), _changing:
        if engine.dialect.name == "sqlite":
            with FileLock(f"{engine.url.database}.lock", timeout=LOCK_SECONDS):
                yield
            return
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:study))"), {"study": study_id})
            yield


def import_optuna() -> ModuleType:
    """Import Optuna and turn off its log, as pages and commands report what happens."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    warnings.filterwarnings("ignore", module="optuna")
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def _open_storage(url: str) -> RDBStorage:
    storages = import_optuna().storages
    of_file = url.startswith("sqlite")
    engine = {"connect_args": {"timeout": LOCK_SECONDS}} if of_file else {"pool_pre_ping": True}
    storage: RDBStorage = storages.RDBStorage(
        url,
        engine_kwargs=engine,
        heartbeat_interval=HEARTBEAT_SECONDS,
        grace_period=GRACE_SECONDS,
        heartbeat_stale_trial_callback=storages.RetryHeartbeatStaleTrialCallback(),
    )
    if of_file:
        _lock_whole_transactions(storage.engine)
    return storage


def _lock_whole_transactions(engine: Engine) -> None:
    """Have each transaction lock a SQLite file from its beginning.

    Otherwise two workers could take the same waiting trial: SQLite has no SELECT FOR UPDATE.
    """
    from sqlalchemy import event

    def leave_begin_to_us(connection: Any, record: object) -> None:
        connection.isolation_level = None

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", leave_begin_to_us)
    event.listen(engine, "begin", begin)
    engine.dispose()  # closes connections made before


@contextmanager
def database_errors() -> Iterator[None]:
    """Raise an InputError in place of SQLAlchemy's and Optuna's errors about the database."""
    optuna = import_optuna()
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, ModuleNotFoundError, Timeout) as error:
        raise InputError(
            N_("The searches can't be read or written: {cause}. Check {variable}, or the disk."),
            cause=str(error).splitlines()[0].rsplit(": ")[-1],  # before it is the server's address
            variable=STUDIES_VARIABLE,
        ) from error
