"""Which MySQL server takes the writes of employee 10021? The argument is the URL of the source."""

import sys

import mysqlfabric

with mysqlfabric.Farm(sys.argv[1], user="admin", password="secret") as farm:
    server = farm.server("employees.salaries", 10021, mysqlfabric.Mode.READWRITE)
    print(f"{server.host}:{server.port} of group {server.group}")
