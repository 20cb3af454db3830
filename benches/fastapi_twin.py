"""The adapter's three measured routes in FastAPI with asyncpg: the same SQL, the same transactions, the same policies.

It is what the adapter is measured against (`cargo xtask bench service`), written as such a service usually is: one
event loop, a connection pool, pydantic for what comes in, and no more work than the adapter does.
"""

import base64
import datetime
import hashlib
import json
import os
import time
import uuid

import asyncpg
import orjson
from fastapi import FastAPI, Header, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

CLAIM = """\
WITH found AS (
    SELECT request_method, request_path, request_body_hash, response_status_code, response_body
    FROM idempotency_keys
    WHERE tenant_id = $2 AND idempotency_key = $3 AND expires_at > now()
), claimed AS (
    INSERT INTO idempotency_keys AS taken
        (id, tenant_id, idempotency_key, request_method, request_path, request_body_hash, expires_at)
    SELECT $1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)
    WHERE NOT EXISTS (SELECT FROM found)
    ON CONFLICT (tenant_id, idempotency_key) DO UPDATE
    SET id = excluded.id, request_method = excluded.request_method,
        request_path = excluded.request_path, request_body_hash = excluded.request_body_hash,
        response_status_code = NULL, response_body = NULL,
        created_at = now(), updated_at = now(), expires_at = excluded.expires_at
    WHERE taken.expires_at <= now()
    RETURNING created_at
), logged AS (
    INSERT INTO action_logs
        (id, tenant_id, action_type, provider_name, request_payload, status, execution_time_ms, metadata)
    SELECT $8, $2, $9::text::action_type_enum, $10, $11, 'pending', 0, $12 FROM claimed
)
SELECT created_at AS claimed_at, NULL AS request_method, NULL AS request_path,
       NULL AS request_body_hash, NULL AS response_status_code, NULL AS response_body
FROM claimed
UNION ALL
SELECT NULL, request_method, request_path, request_body_hash, response_status_code, response_body
FROM found"""

END = """\
WITH ended AS (
    UPDATE action_logs
    SET status = $2::text::action_status_enum, response_data = $3, error_message = $4, execution_time_ms = $5,
        updated_at = $6
    WHERE id = $1
)
UPDATE idempotency_keys SET response_status_code = $8, response_body = $9,
    updated_at = now(), expires_at = now() + make_interval(secs => $10) WHERE id = $7 AND response_status_code IS NULL"""

PAGE = """\
SELECT action_type::text, created_at, error_message, execution_time_ms, id, metadata,
       request_payload AS payload, provider_name::text AS provider, response_data, status::text, updated_at
FROM action_logs WHERE tenant_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"""

PAGE_AFTER = PAGE.replace("ORDER BY", "AND (created_at, id) < ($3, $4) ORDER BY")

app = FastAPI()
known = {}


class Action(BaseModel):
    action_type: str
    provider: str
    payload: dict
    metadata: dict | None = None


async def prepare(connection):
    for name in "json", "jsonb":
        await connection.set_type_codec(name, encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads,
                                        schema="pg_catalog")


@app.on_event("startup")
async def begin():
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1,
                                               max_size=int(os.environ.get("ADAPTER_POOL_SIZE", "10")), init=prepare,
                                               reset=no_reset)


async def no_reset(_connection):
    """Everything that is set is set for one transaction."""


async def whose(connection, key):
    """The tenant of a key: remembered, and verified in every transaction, as in the adapter."""
    key_hash = hashlib.sha256(key.encode()).hexdigest()
    if key_hash not in known:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL ROLE adapter_app; SET LOCAL app.api_key_hash = '{key_hash}'")
            row = await connection.fetchrow("SELECT id, is_active FROM tenants WHERE api_key_hash = $1", key_hash)
        if row is None or not row["is_active"]:
            raise HTTPException(401)
        known[key_hash] = row["id"]
    return known[key_hash], key_hash


class Tenant:
    """A tenant's transaction: BEGIN, the role, the tenant and the check of the key in one message."""

    def __init__(self, connection, tenant, key_hash):
        self.connection, self.tenant, self.key_hash = connection, tenant, key_hash

    async def __aenter__(self):
        await self.connection.execute(
            f"BEGIN; SET LOCAL ROLE adapter_app; SET LOCAL app.current_tenant_id = '{self.tenant}'; "
            f"SELECT 1 FROM tenants WHERE id = '{self.tenant}' AND api_key_hash = '{self.key_hash}' AND is_active")

    async def __aexit__(self, kind, *_):
        await self.connection.execute("COMMIT" if kind is None else "ROLLBACK")


@app.post("/api/v1/actions")
async def act(request: Request, action: Action, x_api_key: str = Header(), idempotency_key: str = Header()):
    body = await request.body()
    async with app.state.pool.acquire() as connection:
        tenant, key_hash = await whose(connection, x_api_key)
        ticket, entry, begun = uuid.uuid4(), uuid.uuid4(), time.monotonic()
        async with Tenant(connection, tenant, key_hash):
            row = await connection.fetchrow(
                CLAIM, ticket, tenant, idempotency_key, "POST", "/api/v1/actions", hashlib.sha256(body).hexdigest(),
                60.0, entry, action.action_type, action.provider, action.payload, action.metadata)
    if row["claimed_at"] is None:
        if row["response_status_code"] is None:
            raise HTTPException(409)
        return Response(orjson.dumps(row["response_body"]), row["response_status_code"],
                        {"Idempotent-Replayed": "true"}, "application/json")
    echoed = {"echo": action.payload}
    took = time.monotonic() - begun
    updated = row["claimed_at"] + datetime.timedelta(seconds=took)
    answer = {
        "action_type": action.action_type, "created_at": row["claimed_at"], "error_message": None,
        "execution_time_ms": int(took * 1000), "id": entry, "metadata": action.metadata, "payload": action.payload,
        "provider": action.provider, "response_data": echoed, "status": "success", "updated_at": updated,
    }
    text = orjson.dumps(answer)
    async with app.state.pool.acquire() as connection:
        async with Tenant(connection, tenant, key_hash):
            await connection.execute(END, entry, "success", echoed, None, int(took * 1000), updated, ticket, 201,
                                     json.loads(text), 86400.0)
    return Response(text, 201, media_type="application/json")


@app.get("/api/v1/actions")
async def actions(x_api_key: str = Header(), limit: int = Query(50, ge=1, le=200), cursor: str | None = None):
    async with app.state.pool.acquire() as connection:
        tenant, key_hash = await whose(connection, x_api_key)
        async with Tenant(connection, tenant, key_hash):
            if cursor is None:
                rows = await connection.fetch(PAGE, tenant, limit + 1)
            else:
                at, last = base64.urlsafe_b64decode(cursor).decode().split(" ")
                rows = await connection.fetch(PAGE_AFTER, tenant, limit + 1, datetime.datetime.fromisoformat(at),
                                              uuid.UUID(last))
    shown = [dict(row) for row in rows[:limit]]
    more = len(rows) > limit
    last = shown[-1] if shown and more else None
    next_cursor = last and base64.urlsafe_b64encode(f"{last['created_at'].isoformat()} {last['id']}".encode()).decode()
    # asyncpg has a UUID of its own.
    return Response(orjson.dumps({"items": shown, "next_cursor": next_cursor}, default=str),
                    media_type="application/json")
