//! Tenants: what is shown of them, how they are called, what they configure.

pub(crate) mod configs;
pub(crate) mod key;
pub(crate) mod slug;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::models::Tenant;
use crate::page::Cursor;

/// The columns of [`Tenant`], by name: one that a later release adds is none of ours.
pub(crate) const COLUMNS: &str =
    "id, name, api_key_hash, provider_configs, is_active, metadata, created_at, updated_at, slug";

/// A tenant, without secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantView {
    id: Uuid,
    name: String,
    /// For addresses; unique.
    slug: String,
    is_active: bool,
    /// By name of the provider; secrets are shown as `***`.
    #[schema(value_type = Object)]
    provider_configs: Value,
    /// What operators noted.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id,
            name: tenant.name,
            slug: tenant.slug,
            is_active: tenant.is_active,
            provider_configs: configs::masked(&tenant.provider_configs),
            metadata: tenant.metadata,
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
        }
    }
}

/// Its place among all tenants.
pub(crate) fn cursor(tenant: &Tenant) -> Cursor {
    Cursor { at: tenant.created_at, id: tenant.id }
}

/// What an audit row says of it.
pub(crate) fn audited(tenant: &Tenant) -> Value {
    json!({
        "name": tenant.name,
        "slug": tenant.slug,
        "is_active": tenant.is_active,
        "api_key": key::fingerprint(&tenant.api_key_hash),
        "provider_configs": configs::masked(&tenant.provider_configs),
        "metadata": tenant.metadata,
    })
}
