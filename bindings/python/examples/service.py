"""A service that survives a failover: it writes a row each 10 ms to whichever server is primary.

    service.py URL USER PASSWORD SECONDS       such as: service.py cluster://db1,db2,db3 app secret 60

Needs PyMySQL, and a table demo.entries (id BIGINT PRIMARY KEY).
"""

import contextlib
import logging
import sys
import time

import pymysql

import mysqlfabric
from mysqlfabric import Mode


class Connections:
    """One connection for each server, kept while it is of use."""

    def __init__(self, farm, **arguments):
        self.farm, self.arguments, self.open = farm, arguments, {}

    @contextlib.contextmanager
    def primary(self, group):
        """A connection to the primary. Whatever happens to it is reported, so that the next one is another."""
        server = self.farm.group_server(group, Mode.READWRITE, wait=30)
        try:
            with self.farm.reporting(server):
                if server.uuid not in self.open:
                    self.open[server.uuid] = pymysql.connect(host=server.host, port=server.port, **self.arguments)
                yield self.open[server.uuid]
        except pymysql.MySQLError:
            broken = self.open.pop(server.uuid, None)
            if broken is not None:
                broken.close()
            raise


def write(connections, group, number):
    """Writes a row, and tries again for as long as routing is what fails it. IGNORE: it may be there by then."""
    while True:
        try:
            with connections.primary(group) as connection:
                connection.cursor().execute("INSERT IGNORE INTO demo.entries VALUES (%s)", (number,))
                connection.commit()
                return
        except pymysql.MySQLError as error:
            if not mysqlfabric.errno_action(mysqlfabric.errno_of(error) or 2006):
                raise
            time.sleep(0.01)


def main(url, user, password, seconds):
    logging.basicConfig(level=logging.INFO)
    with mysqlfabric.Farm(url, user=user, password=password, mysql_password_unverified=True) as farm:
        # A statement must not wait for ever for a server that is gone without a word.
        connections = Connections(farm, user=user, password=password, connect_timeout=2, read_timeout=5, write_timeout=5)
        farm.seed()
        (group,) = (group.name for group in farm.groups())
        end, number = time.monotonic() + float(seconds), 0
        while time.monotonic() < end:
            number += 1
            write(connections, group, number)
            print(number, flush=True)
            time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
