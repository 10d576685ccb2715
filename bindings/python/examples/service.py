"""A service that survives a failover: it writes a row each 10 ms to whichever server is primary.

    service.py URL USER PASSWORD SECONDS       such as: service.py cluster://db1,db2,db3 app secret 60

Needs PyMySQL, and a table demo.entries (id BIGINT PRIMARY KEY).
"""

import logging
import sys
import time

import pymysql

import mysqlfabric


def write(connection, number):
    # IGNORE: if a primary is lost at the commit, the row may be there when this runs again.
    connection.cursor().execute("INSERT IGNORE INTO demo.entries VALUES (%s)", (number,))


def main(url, user, password, seconds):
    logging.basicConfig(level=logging.INFO)
    with mysqlfabric.Farm(url, user=user, password=password, mysql_password_unverified=True) as farm:
        farm.seed()
        (group,) = farm.groups()
        # A statement must not wait for ever for a server that is gone without a word; one that is well gives up before.
        limits = "SET SESSION innodb_lock_wait_timeout = 3, lock_wait_timeout = 3 /*!50708, max_execution_time = 3000*/"
        primary = farm.creator(pymysql.connect, group=group.name, user=user, password=password, connect_timeout=2,
                               read_timeout=5, write_timeout=5, init_command=limits)  # fmt: skip
        end, number = time.monotonic() + float(seconds), 0
        while time.monotonic() < end:
            number += 1
            primary.run(lambda connection: write(connection, number))
            print(number, flush=True)
            time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
