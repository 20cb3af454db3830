//! `GET /openapi.json` and the page at `/docs`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::problem::{FieldError, ProblemBody};
use crate::state::App;

/// The page's scripts and styles come from here; it writes styles into elements, and pictures into addresses.
const PAGE_POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// What the routes are added to.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Transform Army AI adapter",
        description = "Errors are problem details (RFC 9457, application/problem+json) with a correlation_id. \
                       X-Request-Id is taken over if it is given, and is in every answer."
    ),
    components(schemas(ProblemBody, FieldError)),
    modifiers(&Keys),
    tags(
        (name = "admin", description = "Tenants and their keys, for operators"),
        (name = "actions", description = "What a tenant has done by its providers"),
        (name = "tenant", description = "What a tenant sees and sets of itself"),
        (name = "operations", description = "Health and metrics")
    )
)]
struct Base;

struct Keys;

impl Modify for Keys {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let header = |name| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("tenant", header("X-API-Key"));
        components.add_security_scheme("admin", header("X-Admin-Key"));
    }
}

/// The description without any route.
pub(crate) fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// The routes that show it.
pub(crate) fn routes(api: &utoipa::openapi::OpenApi) -> Router<Arc<App>> {
    let text = Bytes::from(serde_json::to_vec(api).unwrap_or_default());
    let show = move || async move {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text.clone()).into_response()
    };
    let page =
        Router::from(SwaggerUi::new("/docs").config(Config::from("/openapi.json"))).layer(from_fn(loosen));
    page.route("/openapi.json", get(show))
}

async fn loosen(request: axum::extract::Request, next: Next) -> Response {
    const POLICY: (HeaderName, HeaderValue) =
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    ([POLICY], next.run(request).await).into_response()
}
