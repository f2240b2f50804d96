//! The operations and their paths.

mod analyses;
mod analysis_queries;
mod audit;
mod batches;
mod chosen_statistics;
mod created;
mod dashboard;
mod deletions;
mod demonstrations;
mod devices;
mod exports;
mod fleet;
mod health;
mod histograms;
mod latest;
mod listed;
mod live;
mod metrics;
mod path;
mod points;
mod readings;
mod series;
mod service;
mod sessions;
mod statistics;
mod status;
mod tagged;
mod tokens;
mod user_operation;
mod users;

use axum::routing::get;
use axum::{Extension, Router};
use device_stats_service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use user_operation::with_user_path;

use crate::metrics::Metrics;

pub(crate) use analyses::UserAnalysisResponse;
pub use audit::AuditEntryResponse;
pub(crate) use audit::{AUDIT_ORDER_WORDS, audit_actions};
pub(crate) use chosen_statistics::names as series_statistic_names;
pub(crate) use dashboard::dashboard;
pub(crate) use exports::FORMAT_WORDS;
pub(crate) use health::is_health_path;
pub(crate) use metrics::METRICS_PATH;
pub(crate) use points::{CONFLICTS, aliases, is_write_path};
pub(crate) use series::WEEK_START_WORDS;
pub(crate) use statistics::names as statistic_names;
pub(crate) use status::STATE_WORDS;

/// Returns the check of the liveness. It needs no service.
pub(crate) fn liveness() -> Router {
    Router::new().route(health::LIVE_PATH, get(health::check_live))
}

/// Returns the documented operations. Without metrics, they can only be described.
pub(crate) fn operations(metrics: Option<&Metrics>) -> OpenApiRouter<Service> {
    let (schemas, paths, mut show_metrics) = routes!(metrics::show_metrics);
    if let Some(metrics) = metrics {
        show_metrics = show_metrics.layer(Extension(metrics.clone()));
    }
    OpenApiRouter::new()
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::find_user, users::update_user, users::delete_user))
        .routes(routes!(devices::list_devices, devices::create_device))
        .routes(routes!(devices::find_device, devices::update_device, devices::delete_device))
        .routes(routes!(readings::list_readings, readings::append_reading, deletions::delete_readings))
        .routes(routes!(readings::find_reading))
        .routes(routes!(path::list_path))
        .routes(routes!(latest::find_latest))
        .routes(routes!(latest::list_latest))
        .routes(routes!(status::list_status))
        .routes(routes!(fleet::show_fleet))
        .routes(routes!(batches::append_batch))
        .routes(routes!(batches::append_mixed_batch))
        .routes(routes!(points::append_points))
        .routes(with_user_path(routes!(analyses::analyze), &analyses::ANALYZE_USER))
        .routes(with_user_path(routes!(analysis_queries::get_analysis), &analysis_queries::GET_USER_ANALYSIS))
        .routes(routes!(analysis_queries::get_devices_analysis))
        .routes(with_user_path(routes!(series::list_series), &series::LIST_USER_SERIES))
        .routes(with_user_path(routes!(histograms::count_histogram), &histograms::COUNT_USER_HISTOGRAM))
        .routes(with_user_path(routes!(exports::export_readings), &exports::EXPORT_USER_READINGS))
        .routes(with_user_path(routes!(live::watch_readings), &live::WATCH_USER))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::delete_token))
        .routes(routes!(tokens::show_me))
        .routes(routes!(sessions::create_session, sessions::delete_session))
        .routes(routes!(audit::list_audit))
        .routes(routes!(demonstrations::create_demo, demonstrations::find_demo, demonstrations::delete_demo))
        .routes(routes!(health::check_live))
        .routes(routes!(health::check_ready))
        .routes(routes!(health::show_version))
        .routes(routes!(service::show_service))
        .routes((schemas, paths, show_metrics))
}
