//! All routes, and the layers around them.
//!
//! From the outside in: [`edge`] (request id, time limit, panics, headers, metrics), CORS, the body's limit. Then,
//! for a tenant's routes, who it is; what concerns tenants only (rate limit, idempotency) goes between that and the
//! routes, in [`tenant`].

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::options::Origins;
use crate::problem::Problem;
use crate::state::App;
use crate::{api, auth, edge, health, idempotency, metrics, openapi, rate_limit};

/// The service.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let (router, api) = OpenApiRouter::with_openapi(openapi::base())
        .merge(admin(app))
        .merge(tenant(app))
        .merge(health::routes())
        .routes(routes!(metrics::metrics))
        .split_for_parts();
    let router = router
        .merge(openapi::routes(&api))
        .fallback(async || Problem::of_status(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::of_status(StatusCode::METHOD_NOT_ALLOWED))
        .layer(DefaultBodyLimit::max(app.options.body_limit));
    match cors(&app.options.cors_origins) {
        Some(cors) => router.layer(cors),
        None => router,
    }
    .layer(from_fn_with_state(Arc::clone(app), edge::edge))
    .with_state(Arc::clone(app))
}

/// What needs the admin key.
fn admin(app: &Arc<App>) -> OpenApiRouter<Arc<App>> {
    let routes = api::admin::routes().merge(api::migrations::routes());
    routes.route_layer(from_fn_with_state(Arc::clone(app), auth::admin))
}

/// What needs a tenant's key. The layer that is added last is the first to see a request.
fn tenant(app: &Arc<App>) -> OpenApiRouter<Arc<App>> {
    api::tenants::routes()
        .merge(api::audit_logs::routes())
        .route_layer(from_fn_with_state(Arc::clone(app), idempotency::layer))
        // It has a form of idempotency of its own, within its transactions.
        .merge(api::actions::routes())
        .route_layer(from_fn_with_state(Arc::clone(app), rate_limit::layer))
        .route_layer(from_fn_with_state(Arc::clone(app), auth::tenant))
}

/// Without origins, no browser is told that it may read answers.
fn cors(origins: &Origins) -> Option<CorsLayer> {
    let origins = match origins {
        Origins::None => return None,
        Origins::All => AllowOrigin::any(),
        Origins::These(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    Some(CorsLayer::new().allow_methods(Any).allow_headers(Any).expose_headers(Any).allow_origin(origins))
}
