# The keeper of one PostgreSQL server of tests, whose directory is $1. For each command in
# its input, it writes one line.

# An answer to a process that is gone must not end the keeper before it has cleaned up.
trap '' PIPE
root=$1
cd /
exec 2>>"$root/keeper.log"

# Neither the settings nor the language of the developer's own PostgreSQL matter here.
for name in $(env | sed -n 's/^\(PG[A-Z]*\)=.*/\1/p'); do unset "$name"; done
export LC_ALL=C

installed() {
    command -v initdb && command -v postgres && command -v pg_ctl && command -v psql
} >&2
# Debian and Ubuntu keep the server's programs out of PATH. Their psql in PATH is a slow Perl script.
if newest=$(ls -d /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1) && [ -n "$newest" ]; then
    PATH=${newest%/initdb}:$PATH
fi

# The server refuses to run as root.
as_server() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
    else
        "$@"
    fi
} >&2 </dev/null

init() {
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$root" || return
    fi
    as_server initdb --pgdata="$root/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C \
        --no-sync --no-instructions || return
    cat >>"$root/data/postgresql.conf" <<'END'
listen_addresses = '127.0.0.1'
# Relative to the data directory.
unix_socket_directories = '.'
max_connections = 200
shared_buffers = '16MB'
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
END
}

start() {
    port=$1
    as_server pg_ctl start --pgdata="$root/data" --log="$root/server.log" --options="-p $port" \
        --wait --timeout=60 && return
    stop immediate
    return 1
}

stop() {
    as_server pg_ctl stop --pgdata="$root/data" --mode="$1" --wait --timeout=30
}

sql() {
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --command="$1" \
        --dbname="postgres://postgres@127.0.0.1:$port/postgres"
} >&2 </dev/null

# Offers encryption with the certificate in the directory $1. The user ann needs a certificate.
encrypt() {
    for name in server.pem server-key.pem ca.pem; do
        cp "$1/$name" "$root/data/$name" && chmod 600 "$root/data/$name" || return
        [ "$(id -u)" != 0 ] || chown postgres "$root/data/$name" || return
    done
    cat >>"$root/data/postgresql.conf" <<'END'
ssl = on
ssl_cert_file = 'server.pem'
ssl_key_file = 'server-key.pem'
ssl_ca_file = 'ca.pem'
END
    cp "$root/data/pg_hba.conf" "$root/pg_hba.conf" &&
        { echo 'hostssl all ann 127.0.0.1/32 cert'; cat "$root/pg_hba.conf"; } >"$root/data/pg_hba.conf" &&
        stop fast && start "$port"
}

# Copies the data, which `restore` puts back.
save() {
    stop fast && rm -rf "$root/saved" && cp -a "$root/data" "$root/saved" && start "$port"
}

restore() {
    stop fast && rm -rf "$root/data" && cp -a "$root/saved" "$root/data" && start "$port"
}

while read -r command argument; do
    case $command in
        installed) installed ;;
        init) init ;;
        start) start "$argument" ;;
        stop) stop "$argument" ;;
        sql) sql "$argument" ;;
        encrypt) encrypt "$argument" ;;
        save) save ;;
        restore) restore ;;
        *) false ;;
    esac && echo done || echo failed
done

if [ -f "$root/data/postmaster.pid" ]; then
    # A frozen server does not stop when asked.
    stop immediate || as_server pg_ctl kill KILL "$(head -n 1 "$root/data/postmaster.pid")"
fi
# A server that was killed may leave processes that still write for a moment.
rm -rf "$root" || rm -rf "$root"
