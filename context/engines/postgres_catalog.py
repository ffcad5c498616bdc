"""What is asked of PostgreSQL's own catalogue, for `check`, `init` and caches; never for askers."""

THEIRS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
COLUMNS = f"""
SELECT a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {THEIRS} AND n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
TABLES = f"""
SELECT n.nspname, c.relname, has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {THEIRS} AND NOT c.relispartition ORDER BY n.nspname, c.relname
"""
ROLE = """
SELECT current_user::text, array_remove(array[
    CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolbypassrls AND NOT rolsuper THEN 'bypasses row security' END,
    CASE WHEN rolcreaterole AND NOT rolsuper THEN 'creates roles' END, CASE WHEN rolcreatedb AND NOT rolsuper THEN 'creates databases' END
] || array(
    SELECT 'member of ' || r.rolname FROM pg_roles r WHERE r.rolname ~ '^pg_' AND NOT me.rolsuper AND pg_has_role(r.oid, 'MEMBER')
), NULL)
FROM pg_roles me WHERE rolname = current_user
"""
RIGHTS = f"""
SELECT n.nspname, c.relname, array_remove(array[
    CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN 'owns' END,
    CASE WHEN has_any_column_privilege(c.oid, 'INSERT, UPDATE')
           OR has_table_privilege(c.oid, 'DELETE, TRUNCATE, TRIGGER') THEN 'writes' END,
    CASE WHEN has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') THEN 'reads' END
], NULL)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {THEIRS} AND NOT c.relispartition ORDER BY n.nspname, c.relname
"""
# Rows written so far to what the role reads, or to any table where it reads a view; on a replica, which does not count, how far it has
# followed. Foreign tables tell nothing.
STAMP = f"""
SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text ELSE (
    SELECT md5(string_agg(concat_ws(' ', s.relid, c.relfilenode, s.n_tup_ins, s.n_tup_upd, s.n_tup_del), ',' ORDER BY s.relid))
    FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
    WHERE has_any_column_privilege(c.oid, 'SELECT') OR EXISTS (
        SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {THEIRS} AND c.relkind = 'v' AND has_any_column_privilege(c.oid, 'SELECT')
    )
) END
"""
