-- Update tenant schema: slug, api_key_hash, optional audit resource
--
-- revision:      001b
-- down_revision: 001
-- branch_labels:
-- depends_on:
-- created:       2025-10-30 11:30 UTC

-- limbeck:upgrade

-- Only the name changes: index, constraint and comment stay, and so do the values. Keys that were stored in the
-- clear are not hashed here, for that could not be undone; issue new keys to those tenants.
ALTER TABLE tenants RENAME COLUMN api_key TO api_key_hash;

ALTER TABLE audit_logs ALTER COLUMN resource_id DROP NOT NULL;

ALTER TABLE tenants ADD COLUMN slug varchar(100);

-- Before the slugs are filled in, so that looking for a free one is an index lookup.
ALTER TABLE tenants ADD CONSTRAINT uq_tenants_slug UNIQUE (slug);

-- Every tenant gets a slug from its name: lower case, each run of other characters than a-z and 0-9 a single
-- hyphen, none at the ends, at most 100 characters. A name with nothing left ("", "測試") becomes tenant- and the
-- first eight digits of the id.
--
-- Of several tenants with equal slugs the oldest keeps it (equal age: the lower id), the next get -2, -3, ...,
-- shortened in front of the number to stay within 100. A number that some tenant has by its own name is skipped:
-- all plain slugs are given out before the first numbered one. So the outcome depends on the rows alone.
DO $$
DECLARE
    tenant record;
    candidate text;
    suffix text;
    number integer := 1;
    previous_base text;
BEGIN
    FOR tenant IN
        -- COLLATE "C": lower() must not follow the server's locale (a Turkish one turns I into a dotless ı).
        WITH trimmed AS (
            SELECT id, created_at,
                   btrim(left(btrim(regexp_replace(lower(name COLLATE "C"), '[^a-z0-9]+', '-', 'g'), '-'), 100), '-')
                       AS slug
            FROM tenants
        ), based AS (
            SELECT id, created_at,
                   (CASE slug WHEN '' THEN 'tenant-' || left(id::text, 8) ELSE slug END) AS base
            FROM trimmed
        ), ranked AS (
            SELECT id, created_at, base,
                   row_number() OVER (PARTITION BY base ORDER BY created_at, id) AS rank
            FROM based
        )
        SELECT id, base, rank FROM ranked
        ORDER BY rank > 1, base COLLATE "C", rank
    LOOP
        candidate := tenant.base;
        IF tenant.rank > 1 THEN
            IF tenant.base IS DISTINCT FROM previous_base THEN
                previous_base := tenant.base;
                number := 1;
            END IF;
            LOOP
                number := number + 1;
                suffix := '-' || number;
                candidate := rtrim(left(tenant.base, 100 - length(suffix)), '-') || suffix;
                EXIT WHEN NOT EXISTS (SELECT FROM tenants WHERE slug = candidate);
            END LOOP;
        END IF;
        UPDATE tenants SET slug = candidate WHERE id = tenant.id;
    END LOOP;
END
$$;

ALTER TABLE tenants ALTER COLUMN slug SET NOT NULL;

CREATE INDEX ix_tenants_slug ON tenants (slug);

-- limbeck:downgrade

-- limbeck:destructive
-- The slugs are lost; a later upgrade makes them anew from the names.
DROP INDEX ix_tenants_slug;
ALTER TABLE tenants DROP CONSTRAINT uq_tenants_slug;
ALTER TABLE tenants DROP COLUMN slug;

-- Revision 001 demands a resource_id. Entries that have none (a login, say) are kept, with an empty one; an
-- upgrade cannot tell them from entries that were always empty, and leaves them empty.
UPDATE audit_logs SET resource_id = '' WHERE resource_id IS NULL;
ALTER TABLE audit_logs ALTER COLUMN resource_id SET NOT NULL;

ALTER TABLE tenants RENAME COLUMN api_key_hash TO api_key;
