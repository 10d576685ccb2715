"""The names of `mysql.connector.fabric.connection`."""

from ._connection import MySQLFabricConnection, connect
from ._fabric import (
    DEFAULT_FABRIC_PROTOCOL,
    FABRICS,
    MODE_READONLY,
    MODE_READWRITE,
    MODE_WRITEONLY,
    MYSQL_FABRIC_PORT,
    REPORT_ERRORS,
    REPORT_ERRORS_EXTRA,
    SCOPE_GLOBAL,
    SCOPE_LOCAL,
    STATUS_FAULTY,
    STATUS_PRIMARY,
    STATUS_SECONDARY,
    STATUS_SPARE,
    Fabric,
    FabricConnection,
    FabricSet,
    extra_failure_report,
)

RESET_CACHE_ON_ERROR = (2013, 1290)

__all__ = [
    "DEFAULT_FABRIC_PROTOCOL", "FABRICS", "Fabric", "FabricConnection", "FabricSet", "MODE_READONLY",
    "MODE_READWRITE", "MODE_WRITEONLY", "MYSQL_FABRIC_PORT", "MySQLFabricConnection", "REPORT_ERRORS",
    "REPORT_ERRORS_EXTRA", "RESET_CACHE_ON_ERROR", "SCOPE_GLOBAL", "SCOPE_LOCAL", "STATUS_FAULTY", "STATUS_PRIMARY",
    "STATUS_SECONDARY", "STATUS_SPARE", "connect", "extra_failure_report",
]  # fmt: skip
