"""Claims from a database: one query through SQLAlchemy, imported only where it is used.

The one rule: a database that fails, hangs or is not there is one line with a code, and its
password is in none.
"""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from simulator.errors import UsageError
from simulator.verify.claim_codes import ClaimCode, ClaimsError, NoClaims
from simulator.verify.claim_records import named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.verify.claim_table import TableReader

    Read = Callable[[], None]

_ROWS_AT_ONCE = 10_000
_WORDS_MAX = 300


def check_sql(url: str) -> None:
    """Find out before the run whether a query could be made.

    Raises:
        UsageError: SQLAlchemy or the database's driver is missing, or the URL is none.
    """
    try:
        import sqlalchemy  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageError("claims by `sql` need SQLAlchemy: pip install 'todoku[sql]'") from None
    try:
        sqlalchemy.create_engine(re.sub(r"\{\w+\}", "1", url))  # imports the driver
    except sqlalchemy.exc.ArgumentError:
        words = "expected an SQLAlchemy URL such as sqlite:///books.db; what is written is none"
        raise UsageError(f"sut.claims.sql.url: {words}") from None
    except ImportError as error:
        words = f"the driver {error.name!r} is missing; pip install it"
        raise UsageError(f"sut.claims.sql.url: {words}") from None


async def query(
    url: str, text: str, wanted: Sequence[str], reader: TableReader, within_s: float
) -> None:
    """Read the rows of a query, in a thread that dies with the process.

    Args:
        url: of the database, as SQLAlchemy wants it.
        text: the query.
        wanted: the columns that are read.
        reader: takes the rows.
        within_s: real time that it may take.

    Raises:
        NoClaims, ClaimsError: it failed, took too long, or its columns are others.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    held: list[Any] = []  # the driver's connection, once there is one

    def finish(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def work() -> None:
        error: Exception | None = None
        try:
            _read(url, text, wanted, reader, held)
        except Exception as caught:  # noqa: BLE001 - handed to whoever waits
            error = caught
        try:
            loop.call_soon_threadsafe(finish, error)
        except RuntimeError:
            return  # nobody waits any more, and the loop is closed

    threading.Thread(target=work, name="claims", daemon=True).start()
    try:
        async with asyncio.timeout(within_s):
            await done
    except TimeoutError:
        words = f"the query took longer than {within_s:g} s"
        raise NoClaims(ClaimCode.SLOW, words) from None
    finally:
        if not done.done() or done.cancelled():
            _stop(held)


def _stop(held: list[Any]) -> None:
    """Tell a database to give up, as far as its driver can: the thread ends, or with us."""
    for connection in held:
        for name in ("interrupt", "cancel"):  # sqlite3; psycopg, oracledb
            if callable(stop := getattr(connection, name, None)):
                with suppress(Exception):
                    stop()
                return


def _read(url: str, text: str, wanted: Sequence[str], reader: TableReader, held: list[Any]) -> None:
    import sqlalchemy  # noqa: PLC0415 - an extra

    try:
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        with engine.connect().execution_options(yield_per=_ROWS_AT_ONCE) as connection:
            held.append(connection.connection.dbapi_connection)
            asked = sqlalchemy.text(text)
            names = sorted(asked.compile().params)
            _refuse(rf"has a parameter, :{' :'.join(names)}; write \: for a mere colon", names)
            result = connection.execute(asked)
            _refuse("answers no rows; write a SELECT", not result.returns_rows)
            columns = named(wanted, list(result.keys()))
            reader.records([row[c] for c in columns] for row in result)
    except (ClaimsError, NoClaims):
        raise
    except Exception as error:  # noqa: BLE001 - drivers raise what they like
        raise NoClaims(ClaimCode.SQL, f"the query failed: {_words(error, url)}") from None


def _refuse(words: str, wrong: object) -> None:
    if wrong:
        raise NoClaims(ClaimCode.SQL, f"the query {words}")


def _words(error: Exception, url: str) -> str:
    """Return a driver's words on one line, without the URL, which may hold a password."""
    cause: Any = getattr(error, "orig", None) or error
    words = " ".join(str(cause).split()).replace(url, "(the URL)")
    return words[:_WORDS_MAX] or type(error).__name__
