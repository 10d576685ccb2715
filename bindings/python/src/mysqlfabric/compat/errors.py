"""The exceptions that Connector/Python raises: its own classes where it is installed, so that `except` clauses of a
program that moves go on to work, else classes with the same names, arguments and members."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:

    class Error(Exception):
        """The base of all of them."""

        errno: int
        msg: str
        sqlstate: str | None

        def __init__(
            self, msg: str | None = None, errno: int | None = None, values: Any = None, sqlstate: str | None = None
        ) -> None: ...

    class InterfaceError(Error):
        """No server could be had, or Fabric could not be asked."""

    class DatabaseError(Error):
        """A table is unknown, or tables lie in different shards."""

    class InternalError(DatabaseError):
        """A result was not read."""

    class NotSupportedError(DatabaseError):
        """Connections through Fabric do not do this."""

    class MySQLFabricError(Error):
        """A transaction failed and may succeed if it is done again."""

else:
    try:
        _theirs = importlib.import_module("mysql.connector.errors")
    except ImportError:
        _theirs = None

    if _theirs is not None:
        Error, InterfaceError, DatabaseError = _theirs.Error, _theirs.InterfaceError, _theirs.DatabaseError
        InternalError, NotSupportedError = _theirs.InternalError, _theirs.NotSupportedError
    else:

        class Error(Exception):
            """The base of all of them."""

            def __init__(self, msg=None, errno=None, values=None, sqlstate=None):
                self.msg = msg or "Unknown error"
                if values:
                    self.msg %= values
                self.errno = errno or -1
                self.sqlstate = sqlstate
                super().__init__(self.errno, self.msg, sqlstate)

            def __str__(self):
                return self.msg if self.errno == -1 else f"{self.errno}: {self.msg}"

        class InterfaceError(Error):
            """No server could be had, or Fabric could not be asked."""

        class DatabaseError(Error):
            """A table is unknown, or tables lie in different shards."""

        class InternalError(DatabaseError):
            """A result was not read."""

        class NotSupportedError(DatabaseError):
            """Connections through Fabric do not do this."""

    # Later versions of Connector/Python have none.
    MySQLFabricError = getattr(_theirs, "MySQLFabricError", None)
    if MySQLFabricError is None:

        class MySQLFabricError(Error):
            """A transaction failed and may succeed if it is done again."""
