-- Add idempotency_keys table
--
-- revision:      003
-- down_revision: 002
-- branch_labels:
-- depends_on:
-- created:       2025-10-31 09:30 UTC

-- limbeck:upgrade

-- The answer to a request that a client may repeat. A row lives until expires_at; a clean-up job may delete
-- it any time after that (ix_idempotency_keys_expires_at serves that job).
CREATE TABLE idempotency_keys (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    idempotency_key varchar(255) NOT NULL,
    request_method varchar(10) NOT NULL,
    request_path varchar(500) NOT NULL,
    request_body_hash varchar(64) NOT NULL,
    response_status_code integer,
    response_body jsonb,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (id),
    CONSTRAINT idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
);

COMMENT ON COLUMN idempotency_keys.tenant_id IS 'ID of the tenant that submitted the request';
COMMENT ON COLUMN idempotency_keys.idempotency_key IS 'Client-provided idempotency key (unique per tenant)';
COMMENT ON COLUMN idempotency_keys.request_method IS 'HTTP method of the request (POST, PUT, DELETE)';
COMMENT ON COLUMN idempotency_keys.request_path IS 'API endpoint path of the request';
COMMENT ON COLUMN idempotency_keys.request_body_hash IS 'SHA-256 hash of the request body for validation';
COMMENT ON COLUMN idempotency_keys.response_status_code IS 'HTTP status code of the cached response';
COMMENT ON COLUMN idempotency_keys.response_body IS 'Cached response body';
COMMENT ON COLUMN idempotency_keys.created_at IS 'Timestamp when the idempotency key was created';
COMMENT ON COLUMN idempotency_keys.updated_at IS 'Timestamp when the record was last updated';
COMMENT ON COLUMN idempotency_keys.expires_at IS 'Timestamp when this record should be cleaned up';

CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at);
CREATE INDEX ix_idempotency_keys_tenant_id ON idempotency_keys (tenant_id);
CREATE UNIQUE INDEX ix_idempotency_keys_tenant_key ON idempotency_keys (tenant_id, idempotency_key);

-- limbeck:downgrade

-- limbeck:destructive
-- Only cached answers are lost; but a client that repeats a request afterwards makes it happen twice.
DROP TABLE idempotency_keys;
