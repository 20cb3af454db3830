-- Add test tenant
--
-- revision:      002
-- down_revision: 001b
-- branch_labels:
-- depends_on:
-- created:       2025-10-30 16:00 UTC

-- limbeck:upgrade

-- A tenant to try the service with; its key is test-api-key-12345, of which only the SHA-256 is stored. The key
-- is public: in production set is_active = false for this row.
-- The row may be there already, or its slug or key may be taken: whichever unique constraint says so, what is
-- there stays as it is. Running this twice does no harm.
INSERT INTO tenants (id, name, slug, api_key_hash)
VALUES (
    '00000000-0000-4000-8000-000000000002',
    'Test Tenant',
    'test-tenant',
    '2688f4e126ca5efd4a60022073e6cd90017626e56c3f30b194d53e6299edfe3c'
)
ON CONFLICT DO NOTHING;

-- limbeck:downgrade

-- limbeck:destructive
-- The test tenant's logs and idempotency keys go with it. It is found by slug and key together, not by id: a
-- database that Alembic brought here has it under another id, and a tenant that merely took the slug, or a test
-- tenant whose key was replaced because somebody uses it, is not ours to delete.
DELETE FROM tenants
WHERE slug = 'test-tenant'
  AND api_key_hash = '2688f4e126ca5efd4a60022073e6cd90017626e56c3f30b194d53e6299edfe3c';
