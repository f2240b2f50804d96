//! Cases about lists of users and devices by cursor, with filters.

use device_stats_domain::{
    Author, Device, DeviceFilter, DeviceIdPrefix, DeviceKey, NewDevice, SearchText, User, UserFilter, UserId,
};

use super::samples::{
    Opened, TEXTS, device, device_name, new_device, new_user, owned_device, user, username,
};
use crate::Visibility;

fn text(text: &str) -> SearchText {
    SearchText::new(text).unwrap()
}

fn prefix(prefix: &str) -> DeviceFilter {
    DeviceFilter { prefix: Some(DeviceIdPrefix::new(prefix).unwrap()), ..DeviceFilter::default() }
}

async fn ids(store: &Opened, filter: &DeviceFilter) -> Vec<String> {
    let found = store.list_devices_after(Visibility::All, DeviceKey(0), filter, 100).await.unwrap();
    assert!(found.is_sorted_by_key(|device| device.key));
    found.iter().map(|device| device.device_id.to_string()).collect()
}

async fn names(store: &Opened, filter: &UserFilter) -> Vec<String> {
    let found = store.list_users_after(Visibility::All, UserId(0), filter, 100).await.unwrap();
    assert!(found.is_sorted_by_key(|user| user.id));
    found.iter().map(|user| user.username.as_str().to_owned()).collect()
}

pub async fn devices_are_listed_by_cursor(store: Opened) {
    let mut all: Vec<Device> = Vec::new();
    for n in (0..7).rev() {
        all.push(device(&store, &format!("d{n}")).await);
    }
    store.delete_device(&Author::SERVICE, Visibility::All, all.remove(2).key, None).await.unwrap();
    for filter in
        [DeviceFilter::default(), prefix("d"), DeviceFilter { text: Some(text("D")), ..prefix("d") }]
    {
        for limit in 1..=7 {
            let (mut seen, mut after) = (Vec::new(), DeviceKey(0));
            loop {
                let page = store.list_devices_after(Visibility::All, after, &filter, limit).await.unwrap();
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                after = last.key;
                seen.extend(page);
            }
            assert_eq!(seen, all, "{limit}");
        }
    }
    let after_all =
        store.list_devices_after(Visibility::All, DeviceKey(i64::MAX), &DeviceFilter::default(), 9).await;
    assert_eq!(after_all.unwrap(), []);
}

pub async fn users_are_listed_by_cursor(store: Opened) {
    let mut all: Vec<User> = Vec::new();
    for n in (0..7).rev() {
        all.push(user(&store, &format!("u{n}")).await);
    }
    store.delete_user(&Author::SERVICE, Visibility::All, all.remove(2).id, None).await.unwrap();
    for limit in 1..=7 {
        let (mut seen, mut after) = (Vec::new(), UserId(0));
        loop {
            let page =
                store.list_users_after(Visibility::All, after, &UserFilter::default(), limit).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.id;
            seen.extend(page);
        }
        assert_eq!(seen, all, "{limit}");
    }
}

/// `%`, `_`, `*` and `[` match themselves only, and letter case matters.
pub async fn a_prefix_is_compared_byte_by_byte(store: Opened) {
    for id in TEXTS {
        device(&store, id).await;
    }
    for id in
        ["plant-1/a", "plant-1/b", "plant-10/a", "Plant-1/c", "[p]", "\u{10ffff}\u{10ffff}", "\u{10ffff}a"]
    {
        device(&store, id).await;
    }
    assert_eq!(ids(&store, &prefix("plant-1/")).await, ["plant-1/a", "plant-1/b"]);
    assert_eq!(ids(&store, &prefix("plant-1")).await, ["plant-1/a", "plant-1/b", "plant-10/a"]);
    assert_eq!(ids(&store, &prefix("pump")).await, ["pump", "pump7", "pump%"]);
    assert_eq!(ids(&store, &prefix("pump%")).await, ["pump%"]);
    assert_eq!(ids(&store, &prefix("pum_")).await, ["pum_"]);
    assert_eq!(ids(&store, &prefix("[p]")).await, ["[p]"]);
    assert_eq!(ids(&store, &prefix("\u{10ffff}")).await, ["\u{10ffff}\u{10ffff}", "\u{10ffff}a"]);
    for none in ["*", "%", "[a-z]", "p\u{fd}"] {
        assert_eq!(ids(&store, &prefix(none)).await, [""; 0], "{none}");
    }
    for id in TEXTS {
        assert!(ids(&store, &prefix(id)).await.contains(&id.to_owned()), "{id}");
    }
}

pub async fn a_text_is_searched_in_ids_and_names(store: Opened) {
    device(&store, "Pump-7").await;
    let named = NewDevice { name: Some(device_name("The 50% PUMP_\u{dc}")), ..new_device("x", None) };
    store.create_device(&Author::SERVICE, named, None).await.unwrap();
    device(&store, "other").await;
    let search = |word| DeviceFilter { text: Some(text(word)), ..DeviceFilter::default() };
    for (word, expected) in [
        ("pump", &["Pump-7", "x"][..]),
        ("PUMP-", &["Pump-7"]),
        ("%", &["x"]),
        ("_", &["x"]),
        ("\u{dc}", &["x"]),
        ("\u{fc}", &[]),
        ("e", &["x", "other"]),
        ("'; --", &[]),
    ] {
        assert_eq!(ids(&store, &search(word)).await, expected, "{word}");
    }
}

pub async fn conditions_on_devices_are_combined(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    for (id, owner) in [("a-1", &ann), ("a-2", &bob), ("b-1", &ann), ("a-1b", &ann)] {
        owned_device(&store, id, owner).await;
    }
    device(&store, "a-1c").await;
    let hers = DeviceFilter { user_id: Some(ann.id), ..DeviceFilter::default() };
    assert_eq!(ids(&store, &hers).await, ["a-1", "b-1", "a-1b"]);
    let hers = DeviceFilter { user_id: Some(ann.id), ..prefix("a-") };
    assert_eq!(ids(&store, &hers).await, ["a-1", "a-1b"]);
    assert_eq!(ids(&store, &DeviceFilter { text: Some(text("B")), ..hers }).await, ["a-1b"]);
    let nobody = DeviceFilter { user_id: Some(UserId(i64::MAX)), ..DeviceFilter::default() };
    assert_eq!(ids(&store, &nobody).await, [""; 0]);
}

pub async fn users_are_found_by_name_and_by_text(store: Opened) {
    store.create_user(&Author::SERVICE, new_user("ann", "first")).await.unwrap();
    store.create_user(&Author::SERVICE, new_user("Anna", "ann")).await.unwrap();
    store.create_user(&Author::SERVICE, new_user("b%b", "second")).await.unwrap();
    let named = |name| UserFilter { username: Some(username(name)), text: None };
    assert_eq!(names(&store, &named("ann")).await, ["ann"]);
    assert_eq!(names(&store, &named("an")).await, [""; 0]);
    let search = |word| UserFilter { username: None, text: Some(text(word)) };
    assert_eq!(names(&store, &search("ANN")).await, ["ann", "Anna"]);
    assert_eq!(names(&store, &search("@example")).await, ["ann", "Anna", "b%b"]);
    assert_eq!(names(&store, &search("%")).await, ["b%b"]);
    let both = UserFilter { username: Some(username("ann")), text: Some(text("second")) };
    assert_eq!(names(&store, &both).await, [""; 0]);
}
