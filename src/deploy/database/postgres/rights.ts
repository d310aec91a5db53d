/**
 * SQL for psql: one line for each right in a database, `right<TAB>what<TAB>owner, privileges, …`. The dump runs it in its own
 * snapshot, the proof in the restored copy, and the results must be equal.
 *
 * - Privileges are listed in full and sorted: an absent entry equals the default.
 * - Objects of initdb or an extension count only if changed, and without an owner: an extension belongs to the role that
 *   creates it, and PostgreSQL has no command to change that.
 * - No dump has the information_schema.
 * - Values of settings are hashed: some apps keep keys there, and a difference is printed.
 */
export const listRights = `
WITH this AS (SELECT to_jsonb(d) AS j, d.* FROM pg_database d WHERE datname = current_database()),
objects AS (
SELECT 'pg_class'::regclass::oid AS class, oid, 0 AS sub, relowner AS owner, relacl AS acl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner) AS preset,
  concat_ws(' ', CASE WHEN relrowsecurity THEN 'row-security' END, CASE WHEN relforcerowsecurity THEN 'forced' END) AS more
  FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
UNION ALL SELECT 'pg_class'::regclass, c.oid, attnum, relowner, attacl, '{}', '' FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attacl IS NOT NULL AND NOT attisdropped
UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspowner, nspacl, acldefault('n', nspowner), '' FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proowner, proacl, acldefault('f', proowner), concat_ws(' ', CASE WHEN prosecdef THEN 'security-definer' END, left(encode(sha256(convert_to(array_to_string(proconfig, ' '), 'UTF8')), 'hex'), 12)) FROM pg_proc
UNION ALL SELECT 'pg_type'::regclass, t.oid, 0, typowner, typacl, acldefault('T', typowner), '' FROM pg_type t LEFT JOIN pg_class c ON c.oid = typrelid
  WHERE typtype IN ('b', 'd', 'e', 'r', 'c') AND coalesce(relkind, 'c') = 'c' AND typcategory <> 'A'
UNION ALL SELECT 'pg_language'::regclass, oid, 0, lanowner, lanacl, acldefault('l', lanowner), '' FROM pg_language
UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, fdwowner, fdwacl, acldefault('F', fdwowner), '' FROM pg_foreign_data_wrapper
UNION ALL SELECT 'pg_foreign_server'::regclass, oid, 0, srvowner, srvacl, acldefault('S', srvowner), '' FROM pg_foreign_server
UNION ALL SELECT 'pg_event_trigger'::regclass, oid, 0, evtowner, NULL, NULL, 'enabled ' || evtenabled::text FROM pg_event_trigger
UNION ALL SELECT 'pg_publication'::regclass, oid, 0, pubowner, NULL, NULL, '' FROM pg_publication
UNION ALL SELECT 'pg_subscription'::regclass, s.oid, 0, subowner, NULL, NULL, '' FROM pg_subscription s JOIN this ON subdbid = this.oid
UNION ALL SELECT 'pg_operator'::regclass, oid, 0, oprowner, NULL, NULL, '' FROM pg_operator
UNION ALL SELECT 'pg_opclass'::regclass, oid, 0, opcowner, NULL, NULL, '' FROM pg_opclass
UNION ALL SELECT 'pg_opfamily'::regclass, oid, 0, opfowner, NULL, NULL, '' FROM pg_opfamily
UNION ALL SELECT 'pg_collation'::regclass, oid, 0, collowner, NULL, NULL, '' FROM pg_collation
UNION ALL SELECT 'pg_conversion'::regclass, oid, 0, conowner, NULL, NULL, '' FROM pg_conversion
UNION ALL SELECT 'pg_ts_dict'::regclass, oid, 0, dictowner, NULL, NULL, '' FROM pg_ts_dict
UNION ALL SELECT 'pg_ts_config'::regclass, oid, 0, cfgowner, NULL, NULL, '' FROM pg_ts_config
UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 0, stxowner, NULL, NULL, '' FROM pg_statistic_ext
UNION ALL SELECT 'pg_default_acl'::regclass, oid, 0, defaclrole, defaclacl, NULL, '' FROM pg_default_acl
UNION ALL SELECT 'pg_database'::regclass, oid, 0, datdba, datacl, acldefault('d', datdba),
  concat_ws(' ', pg_encoding_to_char(encoding), datcollate, datctype, j->>'datlocprovider', coalesce(j->>'datlocale', j->>'daticulocale'), j->>'daticurules', datconnlimit, datistemplate) FROM this
),
known AS (
SELECT o.*, o.oid < 16384 AND NOT (class = 'pg_namespace'::regclass AND o.oid = 2200) AND class <> 'pg_database'::regclass OR d.objid IS NOT NULL AS made, i.initprivs
FROM objects o
LEFT JOIN pg_depend d ON d.classid = class AND d.objid = o.oid AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN pg_init_privs i ON i.classoid = class AND i.objoid = o.oid AND i.objsubid = sub
),
shown AS (
SELECT k.*, (SELECT string_agg(format('%s=%s%s', grantee, privileges, via), ' ' ORDER BY grantee, via) FROM (
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee, CASE WHEN a.grantor = k.owner THEN '' ELSE '/' || a.grantor::regrole END AS via,
      string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END, ',' ORDER BY a.privilege_type COLLATE "C") AS privileges
    FROM aclexplode(coalesce(k.acl, k.preset)) a GROUP BY 1, 2) granted) AS privileges
FROM known k
WHERE NOT made OR (acl IS NOT NULL AND ARRAY(SELECT a::text FROM unnest(acl) a ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT a::text FROM unnest(initprivs) a ORDER BY 1))
),
lines AS (
SELECT CASE WHEN class = 'pg_database'::regclass THEN 'database' ELSE (SELECT type || ' ' || identity FROM pg_identify_object(class, oid, sub)) END AS what,
  concat_ws('; ', CASE WHEN NOT made THEN 'owner ' || owner::regrole END, CASE WHEN acl IS NOT NULL OR preset IS NOT NULL THEN 'privileges ' || coalesce(privileges, 'none') END, nullif(more, '')) AS how FROM shown
UNION ALL SELECT 'policy ' || identity, concat_ws('; ', polcmd, CASE WHEN polpermissive THEN 'permissive' ELSE 'restrictive' END, (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE r::regrole::text END, ' ' ORDER BY r::regrole::text COLLATE "C") FROM unnest(polroles) r))
  FROM pg_policy p, pg_identify_object('pg_policy'::regclass, p.oid, 0)
UNION ALL SELECT 'large objects of ' || lomowner::regrole || coalesce(' ' || (SELECT string_agg(a::text, ' ' ORDER BY a::text COLLATE "C") FROM unnest(coalesce(lomacl, acldefault('L', lomowner))) a), ''), count(*)::text
  FROM pg_largeobject_metadata GROUP BY 1
UNION ALL SELECT 'extension ' || extname, concat_ws(' ', extversion, extnamespace::regnamespace) FROM pg_extension
UNION ALL SELECT 'user mapping of ' || coalesce(usename, 'PUBLIC') || ' on ' || srvname, '' FROM pg_user_mappings
UNION ALL SELECT 'security label by ' || provider || ' of ' || objtype || ' ' || objname, label FROM pg_seclabels WHERE classoid <> 'pg_authid'::regclass AND (classoid <> 'pg_database'::regclass OR objoid = (SELECT oid FROM this))
UNION ALL SELECT 'setting ' || split_part(setting, '=', 1) || CASE setrole WHEN 0 THEN '' ELSE ' of role ' || setrole::regrole END, left(encode(sha256(convert_to(setting, 'UTF8')), 'hex'), 12)
  FROM pg_db_role_setting JOIN this ON setdatabase = this.oid, unnest(setconfig) setting
)
SELECT 'right' || chr(9) || translate(what, E'\\t\\n\\r', '   ') || chr(9) || translate(how, E'\\t\\n\\r', '   ') FROM lines
  WHERE what !~ '^[a-z ]+ information_schema([.]|$)';
`;

/**
 * SQL for psql: one line of JSON with the {@link Cluster}. Its roles are those in owners, grants, policies and settings of
 * this database, which no dump has.
 */
export const listCluster = `
WITH named AS (
SELECT refobjid AS oid FROM pg_shdepend JOIN pg_database d ON datname = current_database()
  WHERE refclassid = 'pg_authid'::regclass AND (dbid = d.oid OR (classid = 'pg_database'::regclass AND objid = d.oid))
UNION SELECT setrole FROM pg_db_role_setting JOIN pg_database d ON datname = current_database() AND setdatabase = d.oid
)
SELECT 'cluster' || chr(9) || jsonb_build_object(
  'database', current_database(),
  'superuser', (SELECT rolname FROM pg_roles WHERE oid = 10),
  'publicOwner', (SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'),
  'extensions', coalesce((SELECT jsonb_agg(jsonb_build_object('name', extname, 'owner', pg_get_userbyid(extowner)) ORDER BY extname) FROM pg_extension WHERE extowner <> 10), '[]'),
  'roles', coalesce((SELECT jsonb_agg(jsonb_build_object(
    'name', rolname, 'superuser', rolsuper, 'inherit', rolinherit, 'createRole', rolcreaterole, 'createDb', rolcreatedb,
    'login', rolcanlogin, 'replication', rolreplication, 'bypassRls', rolbypassrls,
    'memberOf', (SELECT coalesce(jsonb_agg(DISTINCT g.rolname), '[]') FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN named n ON n.oid = g.oid WHERE m.member = r.oid)
  ) ORDER BY rolname) FROM pg_roles r JOIN named USING (oid) WHERE rolname !~ '^pg_' AND oid <> 10), '[]'))::text;
`;

/** A role that a database uses, without its password. */
export interface Role {
  readonly name: string;
  readonly superuser: boolean;
  readonly inherit: boolean;
  readonly createRole: boolean;
  readonly createDb: boolean;
  readonly login: boolean;
  readonly replication: boolean;
  readonly bypassRls: boolean;
  /** Its memberships among the recorded roles. */
  readonly memberOf: readonly string[];
}

/** Facts about a dump's cluster that the dump lacks. */
export interface Cluster {
  readonly database: string;
  /** The superuser of initdb. */
  readonly superuser: string;
  /** SQL name of the owner of the schema `public`, which pg_dump before 15 omits; null: the database has no schema `public`. */
  readonly publicOwner: string | null;
  /** Extensions of other owners. After a restore the superuser owns them: PostgreSQL cannot change their owner. */
  readonly extensions: readonly { readonly name: string; readonly owner: string }[];
  readonly roles: readonly Role[];
}

/** SQL that creates roles without login, because no backup has their passwords. */
export function createRoles(roles: readonly Role[]): string {
  const word = (on: boolean, name: string) => `${on ? '' : 'NO'}${name}`;
  const created = roles.map((role) =>
    [
      `CREATE ROLE ${identifier(role.name)} NOLOGIN`,
      word(role.superuser, 'SUPERUSER'),
      word(role.inherit, 'INHERIT'),
      word(role.createRole, 'CREATEROLE'),
      word(role.createDb, 'CREATEDB'),
      word(role.replication, 'REPLICATION'),
      word(role.bypassRls, 'BYPASSRLS'),
    ].join(' '),
  );
  const granted = roles.flatMap((role) =>
    role.memberOf.map((group) => `GRANT ${identifier(group)} TO ${identifier(role.name)}`),
  );
  return [...created, ...granted].map((statement) => `${statement};\n`).join('');
}

/** Quotes a SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
