//! `if_empty`: a period without readings is an error, unless the caller says otherwise.

use serde_json::json;

use crate::server::{Api, NO_READINGS, over_both_stores};

over_both_stores!(an_empty_period_is_answered_as_the_caller_wishes, an_unknown_answer_is_refused);

/// The operations with `if_empty`, as addresses that end inside a query.
fn operations(user: i64) -> Vec<String> {
    let queries = ["analysis?", "histogram?bins=2&", "series?points=4&"];
    let of_both =
        queries.iter().flat_map(|query| [format!("devices/d/{query}"), format!("users/{user}/{query}")]);
    let of_one = ["devices/d/path?points=8&".to_owned(), "analysis?device_id=d&".to_owned()];
    of_both.chain(of_one).map(|operation| format!("/api/v1/stats/{operation}")).collect()
}

async fn an_empty_period_is_answered_as_the_caller_wishes(api: Api) {
    let user = api.user("ada").await;
    api.owned_device("d", user).await;
    api.post("/api/v1/stats/devices/d", json!({"x": 1, "y": 2, "z": 3, "timestamp": 1_795_392_000})).await;
    let empty = [
        "until=2026-11-23T00:00:00Z",
        "start_time=2026-11-23T00:00:01Z",
        "start_time=2026-11-24T00:00:00Z&end_time=2026-11-22T00:00:00Z",
    ];
    for operation in operations(user) {
        for period in empty {
            for query in ["", "&if_empty=not_found"] {
                let response = api.get(&format!("{operation}{period}{query}")).await;
                assert_eq!(response.brief(), NO_READINGS, "{operation}{period}{query}");
            }
            let response = api.get(&format!("{operation}{period}&if_empty=no_content")).await;
            assert_eq!((response.status, response.body), (204, Vec::new()), "{operation}{period}");
        }
        let full = "start_time=2026-11-23T00:00:00Z&end_time=2026-11-23T00:00:00Z";
        let expected = api.get(&format!("{operation}{full}")).await;
        assert_eq!(expected.status, 200, "{operation}: {expected:?}");
        let response = api.get(&format!("{operation}{full}&if_empty=no_content")).await;
        assert_eq!((response.status, response.body), (200, expected.body), "{operation}");
    }
    // A missing device or user is an error in any case.
    for missing in ["devices/e/analysis?", "users/999/series?points=4&", "devices/e/path?"] {
        let response = api.get(&format!("/api/v1/stats/{missing}if_empty=no_content")).await;
        assert_eq!(response.status, 404, "{missing}: {response:?}");
    }
}

async fn an_unknown_answer_is_refused(api: Api) {
    let user = api.user("ada").await;
    api.owned_device("d", user).await;
    for operation in operations(user) {
        for value in ["204", "", "NO_CONTENT"] {
            let response = api.get(&format!("{operation}if_empty={value}")).await;
            assert_eq!(response.brief(), "422 literal_error query.if_empty", "{operation} {value}");
        }
    }
}
