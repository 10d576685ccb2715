"""For programs that say `import mysql.connector`: `from mysqlfabric.compat import mysql`."""

from . import connector

__all__ = ["connector"]
