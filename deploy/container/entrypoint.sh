#!/bin/sh
# Starts the server in a container: waits for the database, migrates it, runs POST_INSTALL_CMD, serves.
#
#   WAIT_FOR_DB_TIMEOUT   seconds to wait for the database (30)
#   POST_INSTALL_CMD      a shell command line, run after migrations on every start; another status than 0 ends the start
#   SERVE_OPTIONS         options of `serve` (--bind 0.0.0.0 --port 8000)
#
# Arguments replace all that: they are a console command, as in `docker run IMAGE auth list-users`.
# Exit code 78, as for any wrong setting, when a secret is an empty file, and in production when the signing key would be
# gone with the container.
set -eu

refuse() {
    echo "container: $1" >&2
    exit 78
}

mount_of() {
    place=$1
    while [ ! -e "$place" ]; do
        place=$(dirname "$place")
    done
    stat -c %m "$place"
}

if [ $# -gt 0 ]; then
    exec backup-repository "$@"
fi

for variable in DATABASE_URL_FILE HEALTH_CHECK_CODE_FILE METRICS_CODE_FILE JWT_PASSPHRASE_FILE SENTRY_DSN_FILE; do
    eval "file=\${$variable:-}"
    [ -z "$file" ] || [ -s "$file" ] || refuse "$variable: the file is empty or missing; write the secret into it"
done

keys=$(dirname "${JWT_SECRET_KEY:-./var/jwt/private.pem}")
if [ "${APP_ENV:-prod}" = prod ] && [ "$(mount_of "$keys")" = / ]; then
    refuse "JWT_SECRET_KEY: its directory is on no volume, so every token would die with the container; mount one"
fi

backup-repository health wait-for-database --timeout "${WAIT_FOR_DB_TIMEOUT:-30}"
backup-repository db migrate
if [ -n "${POST_INSTALL_CMD:-}" ]; then
    sh -c "$POST_INSTALL_CMD"
fi
# shellcheck disable=SC2086 # options are words
exec backup-repository serve ${SERVE_OPTIONS:---bind 0.0.0.0 --port 8000}
