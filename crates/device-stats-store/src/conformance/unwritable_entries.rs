//! Changes whose entries in the audit log cannot be written. The crate of a store makes its database refuse
//! these entries.

use device_stats_domain::{
    Device, DeviceChange, Identity, ListPage, SessionHash, StoredToken, TokenId, User, UserChange, Window,
};

use super::audit::{all, author, new_token};
use super::samples::{Opened, all_readings, at, device_id, given, new_device, new_user, username};
use crate::{UserState, Visibility};

/// Objects of changes that a store must refuse, because their entries cannot be written.
pub struct UnwritableEntries {
    store: Opened,
    user: User,
    device: Device,
    token: StoredToken,
    session: SessionHash,
}

impl UnwritableEntries {
    /// Creates the objects. The caller then makes the database refuse rows of the table `audit`.
    pub async fn prepare(store: Opened) -> Self {
        let user = store.create_user(&author(1), new_user("ann", "ann")).await.unwrap();
        let device = store.create_device(&author(1), new_device("d", Some(user.id)), None).await.unwrap();
        store.append(&[given(&device, 1, 1)]).await.unwrap();
        let token = new_token(Identity::User(user.id), 1);
        let token = store.create_token(&author(1), Visibility::All, token).await.unwrap();
        let session = SessionHash([1; 32]);
        store.create_session(&author(1), &session, token.id, at(1), at(0)).await.unwrap();
        Self { store, user, device, token, session }
    }

    /// Asserts that no change is made, alone or in part.
    pub async fn assert_nothing_changes(&self) {
        let Self { store, user, device, token, session } = self;
        let (by, all) = (&author(2), Visibility::All);
        let before = self.state().await;
        let (state, devices) =
            (UserState { user: user.clone(), devices: vec![device.clone()] }, [device_id("f")]);
        refused!(store.create_user(by, new_user("bob", "bob")), Broken);
        let change = UserChange { username: Some(username("bob")), email: None };
        refused!(store.update_user(by, all, user.id, None, change.clone()), Broken);
        refused!(store.update_user(by, all, user.id, Some(&state), change), Broken);
        refused!(store.delete_user(by, all, user.id, None), Broken);
        refused!(store.delete_user(by, all, user.id, Some(&state)), Broken);
        refused!(store.create_device(by, new_device("e", None), None), Broken);
        refused!(store.create_device(by, new_device("e", Some(user.id)), Some(9)), Broken);
        refused!(store.create_missing_devices(by, None, &devices, None), Broken);
        refused!(store.create_missing_devices(by, Some(user.id), &devices, Some(9)), Broken);
        let change = DeviceChange { user_id: Some(None), ..DeviceChange::default() };
        refused!(store.update_device(by, all, device.key, None, change.clone()), Broken);
        refused!(store.update_device(by, all, device.key, Some(device), change), Broken);
        refused!(store.delete_device(by, all, device.key, None), Broken);
        refused!(store.delete_device(by, all, device.key, Some(device)), Broken);
        refused!(store.delete_readings(by, all, device.key, Window::ALL, &[]), Broken);
        refused!(store.create_token(by, all, new_token(Identity::Administrator, 2)), Broken);
        refused!(store.delete_token(by, all, token.id), Broken);
        refused!(store.create_session(by, &SessionHash([2; 32]), token.id, at(1), at(0)), Broken);
        refused!(store.delete_session(by, session), Broken);
        assert_eq!(self.state().await, before);
    }

    /// Returns everything that the changes would change.
    async fn state(&self) -> String {
        let Self { store, device, session, .. } = self;
        let users = store.list_users(Visibility::All, ListPage::LARGEST).await.unwrap();
        let devices = store.list_devices(Visibility::All, ListPage::LARGEST).await.unwrap();
        let tokens = store.list_tokens(Visibility::All, TokenId(0), 100).await.unwrap();
        let sessions = [
            store.find_session(session).await.unwrap(),
            store.find_session(&SessionHash([2; 32])).await.unwrap(),
        ];
        let readings = all_readings(store, device.key).await;
        format!("{users:?} {devices:?} {tokens:?} {sessions:?} {readings:?} {:?}", all(store).await)
    }
}
