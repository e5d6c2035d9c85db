#!/bin/sh
# Question: how fast does PostgreSQL (14 or later) scan codes, and how large are they? See docs/register-scale.md.
# usage: postgres.sh [models] — with psql reaching a database you may write to (PGHOST, PGDATABASE...); makes and drops the table heirloom_code.
set -eu
models=${1:-1000000}
here=$(dirname "$0")
psql -v ON_ERROR_STOP=1 -q <<SQL
drop table if exists heirloom_code;
-- One row an axis of a model; bit strings because bytea has no exclusive or.
create unlogged table heirloom_code (bucket integer not null, model integer not null, code bit(1024) not null);
alter table heirloom_code alter column code set storage plain; -- never compressed, never out of line
SQL
begun=$(date +%s)
node "$here/codes.mjs" "$models" | psql -v ON_ERROR_STOP=1 -q -c 'copy heirloom_code from stdin'
psql -q -c 'vacuum analyze heirloom_code'
echo "load: $models rows in $(($(date +%s) - begun)) s"
psql -qAt -c "select 'size: ' || pg_size_pretty(pg_table_size('heirloom_code')) || ', ' || pg_table_size('heirloom_code') / count(*) || ' bytes a row' from heirloom_code"
for workers in 0 1 2; do
  psql -q <<SQL
set jit = off;
set max_parallel_workers_per_gather = $workers;
set min_parallel_table_scan_size = 0;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
select code as query from heirloom_code where model = 4242 limit 1 \gset
\echo workers beside the leader: $workers
select model, bit_count(code # :'query'::bit(1024)) as differing from heirloom_code where bucket = 7 order by differing, model limit 3;
\timing on
select model, bit_count(code # :'query'::bit(1024)) as differing from heirloom_code where bucket = 7 order by differing, model limit 280 \g /dev/null
select model, bit_count(code # :'query'::bit(1024)) as differing from heirloom_code where bucket = 7 order by differing, model limit 280 \g /dev/null
select model, bit_count(code # :'query'::bit(1024)) as differing from heirloom_code where bucket = 7 order by differing, model limit 280 \g /dev/null
SQL
done
psql -q -c 'drop table heirloom_code'
