"""How SQL dumps go back into PostgreSQL (contract B 3.7).

One database: one transaction, begun here and committed by the plan's `tail`, which comes only when all of the dump was
verified. A stream that breaks off ends the session without it, and the server rolls back. The server itself sees to
it that nothing commits earlier: a deferred foreign key is violated until the `tail` mends it. `pg_dump` writes a
transaction of its own around large objects; those two lines are left out.

With `block_connections` the transaction first empties the database, so that what was made after the backup is gone and
nothing new can stand in the way of a `DROP`. What the dump itself drops is then no more; the few of its statements
that would fail for that reason (they replace a view by one that depends on nothing, or change a domain) are left out.

The whole instance: all databases are dropped, then everything runs as it arrives. The connected role can neither be
dropped nor created, and keeps its password, which has to go on opening the door; the same holds, but for the password,
for the role that the instance was made with.

Connection limits do not hold back superusers; the contract asks for limits, and for a superuser.
"""

from __future__ import annotations

from bahub.adapters.base import RestorePlan, Script, Spec
from bahub.adapters.needs import need
from bahub.adapters.postgres_login import CLIENT, login, secrets


def plan(spec: Spec) -> RestorePlan:
    """Return how a dump of the spec's database, or of the whole instance, goes back."""
    blocking = bool(spec.get("block_connections", True))
    whole = "database" not in spec
    if whole:
        before, start, filters = _FIND_ROLES, _DROP_ALL, _WITHOUT_ROLES + "cat"
    elif blocking:
        before, start, filters = "", "BEGIN;\n" + _EMPTY + _GUARD, _WITHOUT_REPLACING + _WITHOUT_TRANSACTION
    else:
        before, start, filters = "", "BEGIN;\n" + _GUARD, _WITHOUT_TRANSACTION
    return RestorePlan(
        feed=_script(spec, before + _FEED.format(start=start, filters=filters)),
        record=_script(spec, _sql(_RECORD, whole=whole)) if blocking else None,
        prepare=_script(spec, _sql(_BLOCK, whole=whole) if blocking else ":\n"),
        tail=f"\n{'' if whole else _COMMIT}\\echo {_DONE}\n".encode(),
        recover=_script(spec, _PUT_BACK) if blocking else None,
        half_restored=whole,
    )


def _script(spec: Spec, text: str) -> Script:
    """Return a script with a function `ask` that connects; for the whole instance, to a database that is there."""
    names = [spec["database"]] if "database" in spec else ["postgres", "template1"]
    options = "--no-psqlrc --quiet --no-password --set=ON_ERROR_STOP=1"
    function, *others = (f'ask() {{ psql {options} {login(spec, name)} "$@"; }}\n' for name in names)
    instead = "".join(f"ask --command='' >/dev/null 2>&1 || {other}" for other in others)
    return Script(f"{need('psql', CLIENT)}{_QUIET}{function}{instead}{text}", secrets(spec))


def _sql(template: str, *, whole: bool) -> str:
    return template.replace("AFFECTED", _AFFECTED if whole else f"{_AFFECTED} AND datname = current_database()")


_AFFECTED = "datallowconn AND datconnlimit <> -2"
"""Databases that one can connect to; -2 marks one whose dropping was interrupted."""

_QUIET = 'PGOPTIONS="${PGOPTIONS-} -c client_min_messages=warning"; export PGOPTIONS\n'

_DONE = "everything_was_read"

_FEED = f"""\
words=$({{{{
IFS= read -r line || exit
cat <<"END_OF_SQL"
{{start}}END_OF_SQL
printf '%s\\n' "$line"
{{filters}}
}}}} | ask --output=/dev/null --file=-) || exit
[ "$words" = {_DONE} ] || {{{{ echo 'psql has not got the end of the dump' >&2; exit 1; }}}}
"""
"""Nothing begins before the first line is there: all of the way here may fail before it.

The status of a filter that dies is lost, and `psql` takes its end for that of the dump: so the last line must come.
"""

_GUARD = """\
CREATE TEMPORARY TABLE verified (it boolean PRIMARY KEY) ON COMMIT DROP;
CREATE TEMPORARY TABLE restored (it boolean, CONSTRAINT nothing_commits_before_the_dump_is_verified
  FOREIGN KEY (it) REFERENCES verified DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP;
INSERT INTO restored VALUES (true);
"""

_COMMIT = "INSERT INTO pg_temp.verified VALUES (true);\nCOMMIT;\n"

_WITHOUT_TRANSACTION = r"""
LC_ALL=C sed -e '/^COPY .* FROM stdin;$/,/^\\\.$/b' \
  -e '/^-- Data for Name: .*; Type: BLOBS; /,/^COMMIT;$/{/^BEGIN;$/d;/^COMMIT;$/d;}'
"""
"""Rows of tables are skipped, whatever they look like."""

_RECORD = """\
ask --no-align --tuples-only --file=- <<"END_OF_SQL"
DO $bahub$
BEGIN
  IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
    RAISE EXCEPTION 'the role % is no superuser and cannot block connections; see block_connections', current_user;
  END IF;
END
$bahub$;
SELECT pg_catalog.format(
    'SELECT pg_catalog.format(''ALTER DATABASE %%I CONNECTION LIMIT %s'', datname)'
    ' FROM pg_catalog.pg_database WHERE datname = %L \\gexec', datconnlimit, datname)
  FROM pg_catalog.pg_database WHERE AFFECTED ORDER BY datname;
END_OF_SQL
"""
"""Writes one line of `psql` for each database, to be run by `_PUT_BACK`; nothing happens for one that is gone."""

_BLOCK = """\
ask --output=/dev/null --file=- <<"END_OF_SQL"
SELECT pg_catalog.format('ALTER DATABASE %I CONNECTION LIMIT 0', datname)
  FROM pg_catalog.pg_database WHERE AFFECTED \\gexec
SELECT pg_catalog.pg_terminate_backend(pid)
  FROM pg_catalog.pg_stat_activity JOIN pg_catalog.pg_database USING (datname)
  WHERE AFFECTED AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend';
END_OF_SQL
"""

_PUT_BACK = """\
errors=$(ask --output=/dev/null --set=ON_ERROR_STOP=0 --file=- 2>&1)
status=$?
[ -z "$errors" ] || { printf '%s\\n' "$errors" >&2; exit 1; }
exit "$status"
"""
"""Tries every line of the record, and fails when any failed."""

_EMPTY = """\
DO $bahub$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT evtname FROM pg_catalog.pg_event_trigger LOOP
    EXECUTE pg_catalog.format('DROP EVENT TRIGGER IF EXISTS %I CASCADE', name);
  END LOOP;
  FOR name IN SELECT extname FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql' LOOP
    EXECUTE pg_catalog.format('DROP EXTENSION IF EXISTS %I CASCADE', name);
  END LOOP;
  FOR name IN SELECT nspname FROM pg_catalog.pg_namespace
      WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
    EXECUTE pg_catalog.format('DROP SCHEMA IF EXISTS %I CASCADE', name);
  END LOOP;
  FOR name IN SELECT fdwname FROM pg_catalog.pg_foreign_data_wrapper LOOP
    EXECUTE pg_catalog.format('DROP FOREIGN DATA WRAPPER IF EXISTS %I CASCADE', name);
  END LOOP;
  FOR name IN SELECT pubname FROM pg_catalog.pg_publication LOOP
    EXECUTE pg_catalog.format('DROP PUBLICATION IF EXISTS %I CASCADE', name);
  END LOOP;
  PERFORM pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata;
  CREATE SCHEMA public;
  COMMENT ON SCHEMA public IS 'standard public schema';
  IF pg_catalog.current_setting('server_version_num')::int >= 150000 THEN
    ALTER SCHEMA public OWNER TO pg_database_owner;
    GRANT USAGE ON SCHEMA public TO PUBLIC;
  ELSE
    GRANT ALL ON SCHEMA public TO PUBLIC;
  END IF;
END
$bahub$;
"""
"""Leaves a database as a new one is: dumps tell how theirs differed from that."""

_WITHOUT_REPLACING = """\
inside=
while IFS= read -r line; do
  case $line in 'CREATE OR REPLACE VIEW '* | 'ALTER DOMAIN '*) inside=yes ;; esac
  if [ -z "$inside" ]; then printf '%s\\n' "$line"; fi
  case $line in *';') inside= ;; esac
  case $line in '-- Name: '* | '-- Data for Name: '*) break ;; esac
done
"""
"""Ends with the first object that is made; `read` of a shell takes no byte beyond the line."""

_FIND_ROLES = """\
me=$(ask --no-align --tuples-only --command='SELECT pg_catalog.quote_ident(current_user)') || exit
first=$(ask --no-align --tuples-only \
  --command='SELECT pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE oid = 10') || exit
"""

_DROP_ALL = """\
SELECT 'CREATE DATABASE postgres TEMPLATE template0'
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = 'postgres') \\gexec
\\connect postgres
UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname <> 'template0';
SELECT pg_catalog.format('DROP DATABASE %I', datname)
  FROM pg_catalog.pg_database WHERE datname NOT IN ('postgres', 'template0') \\gexec
CREATE DATABASE template1 TEMPLATE template0 IS_TEMPLATE true;
\\connect template1
DROP DATABASE postgres;
CREATE DATABASE postgres TEMPLATE template0;
\\connect postgres
DO $bahub$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT rolname FROM pg_catalog.pg_roles
      WHERE rolname !~ '^pg_' AND rolname <> current_user AND oid <> 10 LOOP
    BEGIN
      EXECUTE pg_catalog.format('DROP ROLE %I', name);
    EXCEPTION WHEN dependent_objects_still_exist THEN
      NULL;
    END;
  END LOOP;
END
$bahub$;
"""
"""A role that owns a tablespace stays here: the dump drops the tablespaces first, then the role."""

_WITHOUT_ROLES = """\
while IFS= read -r line; do
  case $line in
    "DROP ROLE IF EXISTS $me;" | "DROP ROLE IF EXISTS $first;" | "CREATE ROLE $me;" | "CREATE ROLE $first;") ;;
    "ALTER ROLE $me WITH "*) ;;
    *) printf '%s\\n' "$line" ;;
  esac
  case $line in '\\connect '*) break ;; esac
done
"""
"""Ends with the first database; data come later."""
