//! Cases about users.

use device_stats_domain::{Author, ListPage, UserChange, UserId, Window};

use super::samples::{
    Opened, TEXTS, UNUSED_IDS, all_readings, device, email, given, new_user, owned_device, page, user,
    username,
};
use crate::{Subject, Visibility};

pub async fn no_user_has_an_id_that_was_never_given(store: Opened) {
    user(&store, "ann").await;
    for id in UNUSED_IDS.map(UserId) {
        assert_eq!(store.find_user(Visibility::All, id).await.unwrap(), None);
        assert_eq!(store.list_user_devices(id).await.unwrap(), []);
        refused!(
            store.update_user(&Author::SERVICE, Visibility::All, id, None, UserChange::default()),
            UserMissing
        );
        refused!(store.delete_user(&Author::SERVICE, Visibility::All, id, None), UserMissing);
        refused!(store.snapshot(Subject::User(id), Window::ALL), UserMissing);
    }
}

pub async fn a_created_user_is_found_and_listed(store: Opened) {
    store.ping().await.unwrap();
    let ann = user(&store, "ann").await;
    assert_eq!((&ann.username, &ann.email), (&username("ann"), &email("ann")));
    assert_eq!(store.find_user(Visibility::All, ann.id).await.unwrap().as_ref(), Some(&ann));
    assert_eq!(store.list_users(Visibility::All, ListPage::FIRST).await.unwrap(), [ann]);
}

pub async fn a_new_store_has_no_users(store: Opened) {
    assert_eq!(store.list_users(Visibility::All, ListPage::FIRST).await.unwrap(), []);
    assert_eq!(store.find_user(Visibility::All, UserId(1)).await.unwrap(), None);
}

pub async fn ids_of_users_ascend_from_one_up(store: Opened) {
    let mut last = 0;
    for n in 0..20 {
        let UserId(id) = user(&store, &format!("u{n}")).await.id;
        assert!(id > last, "{id} follows {last}");
        last = id;
    }
}

pub async fn user_ids_are_never_reused(store: Opened) {
    let mut last = UserId(0);
    for name in ["a", "b", "c"] {
        let id = user(&store, name).await.id;
        assert!(id > last, "{id} follows {last}, which was deleted");
        store.delete_user(&Author::SERVICE, Visibility::All, id, None).await.unwrap();
        last = id;
    }
}

pub async fn a_taken_email_is_reported_before_a_taken_username(store: Opened) {
    user(&store, "ann").await;
    user(&store, "bob").await;
    refused!(store.create_user(&Author::SERVICE, new_user("ann", "ann")), EmailTaken);
    refused!(store.create_user(&Author::SERVICE, new_user("ann", "bob")), EmailTaken);
    refused!(store.create_user(&Author::SERVICE, new_user("bob", "ann")), EmailTaken);
    refused!(store.create_user(&Author::SERVICE, new_user("cyd", "ann")), EmailTaken);
}

pub async fn a_taken_username_is_refused(store: Opened) {
    user(&store, "ann").await;
    refused!(store.create_user(&Author::SERVICE, new_user("ann", "other")), UsernameTaken);
}

pub async fn a_refused_user_leaves_nothing_behind(store: Opened) {
    let ann = user(&store, "ann").await;
    refused!(store.create_user(&Author::SERVICE, new_user("ann", "free")), UsernameTaken);
    refused!(store.create_user(&Author::SERVICE, new_user("free", "ann")), EmailTaken);
    assert_eq!(store.list_users(Visibility::All, ListPage::FIRST).await.unwrap(), [ann]);
    user(&store, "free").await;
}

pub async fn a_freed_username_and_email_can_be_taken(store: Opened) {
    let ann = user(&store, "ann").await;
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    let again = user(&store, "ann").await;
    assert_ne!(again.id, ann.id);
}

pub async fn usernames_are_compared_byte_by_byte(store: Opened) {
    for (n, name) in TEXTS.iter().enumerate() {
        store.create_user(&Author::SERVICE, new_user(name, &format!("u{n}"))).await.unwrap();
    }
    for name in TEXTS {
        refused!(store.create_user(&Author::SERVICE, new_user(name, "other")), UsernameTaken);
    }
}

pub async fn the_text_of_a_user_is_kept_to_the_byte(store: Opened) {
    let long = "\u{e9}".repeat(127) + "x";
    let spaced = " outer spaces and\na line break\t";
    let names = TEXTS.iter().copied().chain([long.as_str(), spaced]);
    for (n, name) in names.enumerate() {
        let local = format!("First.Last+{n}");
        let created = store.create_user(&Author::SERVICE, new_user(name, &local)).await.unwrap();
        let found = store.find_user(Visibility::All, created.id).await.unwrap().unwrap();
        assert_eq!(found, created);
        assert_eq!((found.username.as_str(), found.email), (name, email(&local)));
    }
}

pub async fn users_are_listed_in_pages_by_ascending_id(store: Opened) {
    let mut users = Vec::new();
    for n in 0..7 {
        users.push(user(&store, &format!("u{n}")).await);
    }
    store.delete_user(&Author::SERVICE, Visibility::All, users.remove(2).id, None).await.unwrap();
    // An update does not change the order.
    let change = UserChange { username: Some(username("zoe")), email: None };
    users[0] = store.update_user(&Author::SERVICE, Visibility::All, users[0].id, None, change).await.unwrap();
    for limit in 1..=7 {
        let mut seen = Vec::new();
        for skip in (0..7).step_by(limit as usize) {
            let part = store.list_users(Visibility::All, page(skip, limit)).await.unwrap();
            assert!(part.len() <= limit as usize);
            seen.extend(part);
        }
        assert_eq!(seen, users, "in pages of {limit}");
    }
}

pub async fn a_page_of_users_can_begin_anywhere(store: Opened) {
    let ann = user(&store, "ann").await;
    assert_eq!(store.list_users(Visibility::All, ListPage::LARGEST).await.unwrap(), [ann]);
    for skip in [1, 2, 1 << 31, 1 << 32, i64::MAX] {
        assert_eq!(store.list_users(Visibility::All, page(skip, 100)).await.unwrap(), [], "after {skip}");
    }
}

pub async fn an_update_changes_only_what_it_names(store: Opened) {
    let ann = user(&store, "ann").await;
    let bob = user(&store, "bob").await;
    assert_eq!(
        store
            .update_user(&Author::SERVICE, Visibility::All, ann.id, None, UserChange::default())
            .await
            .unwrap(),
        ann
    );

    let renamed = UserChange { username: Some(username("anna")), email: None };
    let ann = store.update_user(&Author::SERVICE, Visibility::All, ann.id, None, renamed).await.unwrap();
    assert_eq!((&ann.username, &ann.email), (&username("anna"), &email("ann")));

    let moved = UserChange { username: None, email: Some(email("anna")) };
    let ann = store.update_user(&Author::SERVICE, Visibility::All, ann.id, None, moved).await.unwrap();
    assert_eq!((&ann.username, &ann.email), (&username("anna"), &email("anna")));

    let both = UserChange { username: Some(username("x")), email: Some(email("y")) };
    let ann = store.update_user(&Author::SERVICE, Visibility::All, ann.id, None, both).await.unwrap();
    assert_eq!((&ann.username, &ann.email), (&username("x"), &email("y")));
    assert_eq!(store.list_users(Visibility::All, ListPage::FIRST).await.unwrap(), [ann, bob]);
}

pub async fn an_update_can_repeat_the_current_values(store: Opened) {
    let ann = user(&store, "ann").await;
    let same = UserChange { username: Some(username("ann")), email: Some(email("ann")) };
    assert_eq!(store.update_user(&Author::SERVICE, Visibility::All, ann.id, None, same).await.unwrap(), ann);
}

pub async fn a_missing_user_is_reported_before_a_taken_name(store: Opened) {
    let ann = user(&store, "ann").await;
    let gone = user(&store, "gone").await;
    store.delete_user(&Author::SERVICE, Visibility::All, gone.id, None).await.unwrap();
    let taken = UserChange { username: Some(ann.username), email: Some(ann.email) };
    refused!(store.update_user(&Author::SERVICE, Visibility::All, gone.id, None, taken), UserMissing);
}

pub async fn an_update_reports_a_taken_email_before_a_taken_username(store: Opened) {
    let ann = user(&store, "ann").await;
    let bob = user(&store, "bob").await;
    let change = |name: Option<&str>, local: Option<&str>| UserChange {
        username: name.map(username),
        email: local.map(email),
    };
    user(&store, "cyd").await;
    refused!(
        store.update_user(&Author::SERVICE, Visibility::All, bob.id, None, change(Some("ann"), Some("ann"))),
        EmailTaken
    );
    refused!(
        store.update_user(&Author::SERVICE, Visibility::All, bob.id, None, change(Some("cyd"), Some("ann"))),
        EmailTaken
    );
    refused!(
        store.update_user(&Author::SERVICE, Visibility::All, ann.id, None, change(Some("bob"), Some("cyd"))),
        EmailTaken
    );
    refused!(
        store.update_user(&Author::SERVICE, Visibility::All, bob.id, None, change(None, Some("ann"))),
        EmailTaken
    );
    refused!(
        store.update_user(&Author::SERVICE, Visibility::All, bob.id, None, change(Some("ann"), None)),
        UsernameTaken
    );
    refused!(
        store.update_user(&Author::SERVICE, Visibility::All, bob.id, None, change(Some("ann"), Some("bob"))),
        UsernameTaken
    );
    refused!(
        store.update_user(&Author::SERVICE, Visibility::All, bob.id, None, change(Some("ann"), Some("free"))),
        UsernameTaken
    );
}

pub async fn a_refused_update_of_a_user_changes_nothing(store: Opened) {
    let ann = user(&store, "ann").await;
    let bob = user(&store, "bob").await;
    let half = UserChange { username: Some(username("ann")), email: Some(email("free")) };
    refused!(store.update_user(&Author::SERVICE, Visibility::All, bob.id, None, half), UsernameTaken);
    let half = UserChange { username: Some(username("free")), email: Some(email("ann")) };
    refused!(store.update_user(&Author::SERVICE, Visibility::All, bob.id, None, half), EmailTaken);
    assert_eq!(store.list_users(Visibility::All, ListPage::FIRST).await.unwrap(), [ann, bob]);
    user(&store, "free").await;
}

pub async fn an_update_frees_the_old_username_and_email(store: Opened) {
    let ann = user(&store, "ann").await;
    let change = UserChange { username: Some(username("anna")), email: Some(email("anna")) };
    store.update_user(&Author::SERVICE, Visibility::All, ann.id, None, change).await.unwrap();
    user(&store, "ann").await;
}

pub async fn a_deleted_user_is_missing(store: Opened) {
    let ann = user(&store, "ann").await;
    let bob = user(&store, "bob").await;
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    refused!(store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None), UserMissing);
    refused!(
        store.update_user(&Author::SERVICE, Visibility::All, ann.id, None, UserChange::default()),
        UserMissing
    );
    refused!(store.snapshot(Subject::User(ann.id), Window::ALL), UserMissing);
    assert_eq!(store.find_user(Visibility::All, ann.id).await.unwrap(), None);
    assert_eq!(store.list_users(Visibility::All, ListPage::FIRST).await.unwrap(), [bob]);
}

pub async fn deleting_a_user_deletes_its_devices_and_readings(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let hers = [owned_device(&store, "a1", &ann).await, owned_device(&store, "a2", &ann).await];
    let others = [owned_device(&store, "b1", &bob).await, device(&store, "nobodys").await];
    let all: Vec<_> = hers.iter().chain(&others).map(|device| given(device, 1, 1)).collect();
    store.append(&all).await.unwrap();

    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    for gone in &hers {
        refused!(store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None), DeviceMissing);
        refused!(store.append(&[given(gone, 2, 2)]), DeviceMissing);
        refused!(store.snapshot(Subject::Device(gone.key), Window::ALL), DeviceMissing);
        assert_eq!(all_readings(&store, gone.key).await, []);
    }
    for stays in &others {
        assert_eq!(all_readings(&store, stays.key).await.len(), 1);
    }
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(), others);
    assert_eq!(store.list_user_devices(ann.id).await.unwrap(), []);
}
