//! Lists of users and devices by cursor, with filters.

use serde_json::{Value, json};

use crate::server::{Api, Response, over_both_stores};

over_both_stores!(
    links_lead_through_a_list,
    a_page_stays_in_place_when_entries_are_deleted,
    lists_are_filtered,
    invalid_pages_are_refused,
    pages_by_number_are_as_in_the_contract
);

/// Returns the path of the page that the link of the page at `path` leads to.
pub(crate) fn next(path: &str, page: &Response) -> Option<String> {
    let link = page.header("link")?;
    let link = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    // A reference that is only a query keeps the path, whatever it is.
    assert!(link.starts_with('?'), "{link}");
    Some(format!("{}{link}", path.split_once('?').map_or(path, |(path, _)| path)))
}

/// Returns the values of a member of all entries, following the links.
async fn walk(api: Api, path: &str, member: &str) -> Vec<String> {
    let (mut path, mut all) = (Some(path.to_owned()), Vec::new());
    while let Some(current) = path {
        let page = api.get(&current).await;
        assert_eq!(page.status, 200, "{current}: {page:?}");
        let entries = page.json();
        all.extend(entries.as_array().unwrap().iter().map(|one| one[member].as_str().unwrap().to_owned()));
        path = next(&current, &page);
    }
    all
}

async fn links_lead_through_a_list(api: Api) {
    let names: Vec<String> = (0..7).map(|n| format!("ä &n{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let user = json!({"username": name, "email": format!("u{n}@example.com")});
        assert_eq!(api.post("/api/v1/users", user).await.status, 201);
        api.device(name).await;
    }
    for limit in [1, 2, 3, 6, 7, 1_000] {
        let path = format!("/api/v1/users?after=0&limit={limit}");
        assert_eq!(walk(api, &path, "username").await, names, "{limit}");
        let path = format!("/api/v1/devices?limit={limit}&prefix=%C3%A4%20%26n&q=N");
        assert_eq!(walk(api, &path, "device_id").await, names, "{limit}");
    }
    let full = api.get("/api/v1/devices?after=0&limit=7").await;
    assert_eq!(next("/api/v1/devices", &full), None);
    let first = api.get("/api/v1/devices?limit=6&after=0&q=n").await;
    let last = first.json()[5]["id"].clone();
    let link = format!("<?limit=6&q=n&after={last}>; rel=\"next\"");
    assert_eq!(first.header("link"), Some(link.as_str()));
}

async fn a_page_stays_in_place_when_entries_are_deleted(api: Api) {
    for n in 0..4 {
        api.device(&format!("d{n}")).await;
    }
    let first = api.get("/api/v1/devices?after=0&limit=2").await;
    for gone in ["d0", "d1"] {
        assert_eq!(api.delete(&format!("/api/v1/devices/{gone}")).await.status, 204);
    }
    let second = api.list(&next("/api/v1/devices", &first).unwrap()).await;
    let ids: Vec<&Value> = second.iter().map(|device| &device["device_id"]).collect();
    assert_eq!(ids, ["d2", "d3"]);
}

async fn lists_are_filtered(api: Api) {
    let ada = api.user("ada").await;
    let eve = api.user("eve").await;
    api.owned_device("plant-1/a", ada).await;
    api.owned_device("plant-1/b", eve).await;
    api.owned_device("plant-2/a", ada).await;
    let named = json!({"device_id": "x", "name": "Plant 50%"});
    assert_eq!(api.post("/api/v1/devices", named).await.status, 201);
    for (query, expected) in [
        (format!("user_id={ada}"), &["plant-1/a", "plant-2/a"][..]),
        ("prefix=plant-1/".to_owned(), &["plant-1/a", "plant-1/b"]),
        (format!("prefix=plant-1/&user_id={eve}"), &["plant-1/b"]),
        ("q=PLANT".to_owned(), &["plant-1/a", "plant-1/b", "plant-2/a", "x"]),
        ("q=%25".to_owned(), &["x"]),
        ("q=_".to_owned(), &[]),
        (format!("q=/a&user_id={ada}&limit=1"), &["plant-1/a", "plant-2/a"]),
    ] {
        assert_eq!(walk(api, &format!("/api/v1/devices?{query}"), "device_id").await, expected, "{query}");
    }
    for (query, expected) in [
        ("username=ada", &["ada"][..]),
        ("username=ad", &[]),
        ("q=EXAMPLE.com", &["ada", "eve"]),
        ("q=v&username=eve", &["eve"]),
    ] {
        assert_eq!(walk(api, &format!("/api/v1/users?{query}"), "username").await, expected, "{query}");
    }
    // An entry of a filtered list has the members of the contract.
    assert_eq!(api.list("/api/v1/users?q=ada").await, [api.list("/api/v1/users").await[0].clone()]);
    assert_eq!(api.get("/api/v1/devices?user_id=99").await.brief(), "404 User not found");
    assert_eq!(api.get(&format!("/api/v1/devices?user_id={ada}&after=999")).await.json(), json!([]));
}

async fn invalid_pages_are_refused(api: Api) {
    for path in ["/api/v1/users", "/api/v1/devices"] {
        for (query, expected) in [
            ("after=0&skip=0", "422 value_error query.skip"),
            ("q=a&skip=1", "422 value_error query.skip"),
            ("after=-1", "422 greater_than_equal query.after"),
            ("after=x&limit=0", "422 int_parsing query.after, greater_than_equal query.limit"),
            ("after=0&limit=1001", "422 less_than_equal query.limit"),
            ("q=", "422 string_too_short query.q"),
            ("q=a%00", "422 value_error query.q"),
            ("cursor=7", "422 extra_forbidden query.cursor"),
            ("search=a", "422 extra_forbidden query.search"),
        ] {
            assert_eq!(api.get(&format!("{path}?{query}")).await.brief(), expected, "{path}?{query}");
        }
    }
    let long = "x".repeat(256);
    assert_eq!(
        api.get(&format!("/api/v1/devices?prefix={long}")).await.brief(),
        "422 string_too_long query.prefix"
    );
    assert_eq!(api.get("/api/v1/devices?user_id=x").await.brief(), "422 int_parsing query.user_id");
}

async fn pages_by_number_are_as_in_the_contract(api: Api) {
    for n in 0..3 {
        api.device(&format!("d{n}")).await;
    }
    let page = api.get("/api/v1/devices?limit=2").await;
    assert_eq!((page.json().as_array().unwrap().len(), page.header("link")), (2, None));
    assert_eq!(api.get("/api/v1/devices?limit=101").await.brief(), "422 less_than_equal query.limit");
    assert_eq!(api.list("/api/v1/devices?skip=2&limit=100").await.len(), 1);
}
