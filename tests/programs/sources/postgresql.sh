# SPDX-License-Identifier: Apache-2.0
# A cluster from its making to its fast end: parallel workers, all kinds of shared memory, crash recovery.
cd /tmp
PATH=$(echo /usr/lib/postgresql/*/bin | cut -d' ' -f1):$PATH
ask() {
        psql -v ON_ERROR_STOP=1 -qAt -h "$1" postgres -c "$2"
}
initdb -D d -A trust >log
echo "unix_socket_directories = '/tmp'" >>d/postgresql.conf
echo "listen_addresses = '127.0.0.1, ::1'" >>d/postgresql.conf
echo "wal_sync_method = open_datasync" >>d/postgresql.conf
echo "recovery_init_sync_method = syncfs" >>d/postgresql.conf
begin() {
        pg_ctl -D d -w -l log -o "$1" start >>log || { cat log; exit 1; }
}
begin "-c shared_memory_type=sysv -c dynamic_shared_memory_type=sysv"
ask /tmp 'create table t as select generate_series(1, 200000) n; create index on t (n); analyze t'
pg_ctl -D d -w -m immediate stop >>log
begin "-c shared_memory_type=mmap -c dynamic_shared_memory_type=posix -c max_prepared_transactions=2"
ask /tmp "begin; insert into t values (0); prepare transaction 'x'" >>log
ask /tmp "commit prepared 'x'"
sum='set max_parallel_workers_per_gather = 2; set min_parallel_table_scan_size = 0; set parallel_setup_cost = 0'
test "$(ask 127.0.0.1 "$sum; select sum(n) from t")" = 20000100000
test "$(ask ::1 "$sum; explain select sum(n) from t" | grep -c Workers)" = 1
ask /tmp "notify a; copy t to '/tmp/copy'"
ask /tmp 'vacuum (full, analyze) t'
ask /tmp checkpoint
pg_basebackup -h /tmp -D backup -X stream -c fast
pg_ctl -D d -w -m fast stop >>log
pg_checksums -D d --enable >>log 2>&1
echo ok
