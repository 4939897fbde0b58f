#!/bin/sh
# The command `tellerd-host`: the bank on its own Node.
exec /usr/lib/tellerd-host/node /usr/lib/tellerd-host/tellerd-host.js "$@"
