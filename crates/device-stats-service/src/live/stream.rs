//! Live streams: the readings of one device, or of all devices of a user, for one client.

use std::collections::HashMap;
use std::sync::Arc;

use device_stats_domain::{DeviceId, DeviceKey, Reading, Timestamp, error_chain};
use device_stats_store::StoreError;
use tokio::time::{Instant, sleep_until, timeout};

use super::hub::Subscription;
use super::inbox::{Delivery, Inbox, SequencedReading};
use super::missed::MissedReadings;
use super::position::Position;
use crate::access::held_right::HeldRight;
use crate::access::reading_source::ReadingSource;
use crate::access::{Authorized, Read};
use crate::admission::AdmissionPermit;
use crate::client_limit::{ClientAddress, ClientPermit};
use crate::error::ServiceError;
use crate::limits::RIGHTS_CHECK_TIME_MAX;
use crate::service::Service;

/// A live stream of readings as they are committed. It ends when the device or user is deleted, the client
/// loses its rights, the server stops, or its inbox is full.
pub struct LiveReadings {
    service: Service,
    /// The right of the client to read the source. It is checked again with each lookup of the source.
    right: HeldRight,
    source: ReadingSource,
    inbox: Arc<Inbox>,
    devices: HashMap<DeviceKey, DeviceId>,
    /// The missed readings, which the client gets first.
    missed: MissedReadings,
    epoch: u64,
    start: Position,
    newest: Timestamp,
    /// The share of `devices` in the limit on watched devices.
    devices_permit: AdmissionPermit,
    _permit: ClientPermit,
}

/// A committed reading of a live stream.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveReading {
    /// The device of the reading.
    pub device: DeviceId,
    /// The reading.
    pub reading: Reading,
    /// The position of the client after this reading.
    pub position: Position,
}

impl Service {
    /// Opens a live stream for a client, with up to `rate` readings per second of each device. The rate is
    /// above 0.
    ///
    /// A client that resumes at a position first gets the readings that it missed. If this node has not kept
    /// all of them, they are read from the store: the newest readings with times after the latest received
    /// one, up to [`LIVE_READINGS_RESUMED_MAX`](crate::limits::LIVE_READINGS_RESUMED_MAX). Late readings with
    /// earlier times are then missing.
    ///
    /// # Errors
    /// [`ServiceError::TooManyStreams`], [`ServiceError::TooManyLiveDevices`]; [`StoreError::DeviceMissing`]
    /// or [`StoreError::UserMissing`] if the source was deleted meanwhile; the other errors of the store.
    pub async fn watch(
        &self,
        source: Authorized<ReadingSource, Read>,
        rate: f64,
        since: Option<Position>,
        client: ClientAddress,
    ) -> Result<LiveReadings, ServiceError> {
        let permit = self.parts.admission.admit_live_stream(client)?;
        let right = HeldRight::begin(self, source.granted()).await?;
        let newest = since.map_or_else(|| self.parts.clock.now(), |position| position.newest);
        let mut stream = LiveReadings {
            service: self.clone(),
            right,
            source: source.into_inner(),
            inbox: self.parts.live.client_inbox(rate),
            devices: HashMap::new(),
            missed: MissedReadings::none(),
            epoch: 0,
            start: Position { epoch: 0, sequence: 0, newest },
            newest,
            devices_permit: self.parts.admission.admit_live_devices(0)?,
            _permit: permit,
        };
        let devices = stream.find_devices().await?.ok_or_else(|| stream.source.missing())?;
        stream.set_devices(devices)?;
        // The inbox watches before the store is read. A reading committed in between arrives twice, and
        // `missed` recognizes the second one.
        let Subscription { epoch, sequence, has_kept } = stream.subscribe(since.as_ref());
        stream.epoch = epoch;
        match since {
            Some(position) if has_kept => {
                stream.missed = MissedReadings::kept(epoch, position.sequence, sequence);
                stream.start = position;
            }
            Some(_) => stream.missed = MissedReadings::stored(newest),
            None => stream.start = Position { epoch, sequence, newest },
        }
        Ok(stream)
    }
}

impl LiveReadings {
    /// Returns the position of the client before the first reading.
    pub fn start(&self) -> Position {
        self.start
    }

    /// Waits for the next reading. Returns `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<LiveReading> {
        loop {
            if !self.check_if_due().await {
                return None;
            }
            let next = match self.missed.next(&self.service, &self.devices).await {
                Ok(Some(sequenced)) => Some(Delivery { sequenced, resume_after: sequenced.sequence }),
                Ok(None) => tokio::select! {
                    next = self.inbox.next() => next,
                    () = sleep_until(self.right.next_check()) => continue,
                },
                Err(error) => {
                    let causes = error_chain(&error);
                    tracing::debug!(causes, "reading the missed readings of a live stream failed, ending it");
                    None
                }
            };
            let Delivery { sequenced: SequencedReading { sequence, reading }, resume_after } = next?;
            if sequence > 0 && self.missed.has_delivered(reading.id) {
                continue;
            }
            // Finding a missed reading can take long.
            if !self.check_if_due().await {
                return None;
            }
            // The device may have moved to another user since the reading was committed.
            let Some(device) = self.devices.get(&reading.device) else { continue };
            self.newest = self.newest.max(reading.time);
            // A reading from the store has no sequence number, so the position after it has only a time.
            let epoch = if sequence == 0 { 0 } else { self.epoch };
            let position = Position { epoch, sequence: resume_after, newest: self.newest };
            return Some(LiveReading { device: device.clone(), reading, position });
        }
    }

    /// Checks the right of the client, if a check is due. Returns false if the stream has to end.
    async fn check_if_due(&mut self) -> bool {
        if !self.right.is_due() {
            return true;
        }
        let began = Instant::now();
        self.missed.forget_old();
        let continues = self.may_continue().await;
        self.right.note_checked(began);
        continues
    }

    /// Watches the current devices of the source. Returns false if the client may not read any more, if the
    /// source was deleted, or if it has too many devices by now. If the lookup fails or takes too long, a
    /// stream with a token ends, because the client may have lost its rights. It can connect again, and gets
    /// the readings that it has missed. A stream without a token continues.
    async fn may_continue(&mut self) -> bool {
        let find = async {
            if self.right.is_signed_in(&self.service).await? { self.find_devices().await } else { Ok(None) }
        };
        let devices = timeout(RIGHTS_CHECK_TIME_MAX, find).await;
        let devices =
            devices.unwrap_or_else(|_| Err(StoreError::Unavailable("the database answers slowly".into())));
        match devices {
            Ok(Some(devices)) if devices == self.devices => true,
            Ok(Some(devices)) => match self.set_devices(devices) {
                Ok(()) => {
                    self.subscribe(None);
                    true
                }
                Err(error) => {
                    tracing::debug!(%error, "a live stream got too many devices, ending it");
                    false
                }
            },
            Ok(None) => false,
            Err(error) => {
                let continues = self.right.granted().principal().token_id().is_none();
                tracing::debug!(%error, continues, "looking up the devices of a live stream failed");
                continues
            }
        }
    }

    /// Sets the devices to watch.
    ///
    /// # Errors
    /// [`ServiceError::TooManyLiveDevices`].
    fn set_devices(&mut self, devices: HashMap<DeviceKey, DeviceId>) -> Result<(), ServiceError> {
        self.service.parts.admission.change_live_devices(&mut self.devices_permit, devices.len())?;
        self.devices = devices;
        Ok(())
    }

    /// Returns the devices of the source; `None` if the source is deleted, or the client may not see it any
    /// more.
    async fn find_devices(&self) -> Result<Option<HashMap<DeviceKey, DeviceId>>, StoreError> {
        let (store, visible) = (&self.service.parts.store, self.right.granted().visible());
        let devices = match &self.source {
            ReadingSource::Device(device) => {
                let found = store.find_devices(visible, std::slice::from_ref(&device.device_id)).await?;
                let found = found.into_iter().flatten().find(|found| found.key == device.key);
                let Some(found) = found else { return Ok(None) };
                vec![found]
            }
            ReadingSource::User(user) => {
                if store.find_user(visible, user.id).await?.is_none() {
                    return Ok(None);
                }
                store.list_user_devices(user.id).await?
            }
        };
        Ok(Some(devices.into_iter().map(|device| (device.key, device.device_id)).collect()))
    }

    fn subscribe(&self, since: Option<&Position>) -> Subscription {
        let devices = self.devices.keys().copied().collect();
        self.service.parts.live.watch(&self.inbox, &devices, since)
    }
}

impl Drop for LiveReadings {
    fn drop(&mut self) {
        self.service.parts.live.unwatch(&self.inbox);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use device_stats_domain::{Email, NewDevice, NewUser, Username};
    use device_stats_store::Model;

    use super::*;
    use crate::access::{Administer, Manage};
    use crate::limits::LIVE_DEVICES_TOTAL_MAX;
    use crate::testing::{granted, service_over};

    /// Every deleted source was reported as a missing device.
    #[tokio::test]
    async fn a_source_deleted_after_its_lookup_is_missing() {
        let service = service_over(Arc::new(Model::default()));
        let email = Email::parse("ada@example.com").unwrap();
        let user = NewUser { username: Username::new("ada").unwrap(), email };
        let user = service.create_user(granted(), user).await.unwrap();
        let device = NewDevice::new(DeviceId::new("d").unwrap());
        let device = service.create_device(granted(), device).await.unwrap();
        let (user_id, device_id) = (user.id, device.device_id);
        let user = service.find_user(granted::<Read>(), user_id).await.unwrap();
        let device = service.find_device(granted::<Read>(), &device_id).await.unwrap();
        let found = service.find_user(granted::<Administer>(), user_id).await.unwrap();
        service.delete_user(&found, None).await.unwrap();
        let found = service.find_device(granted::<Manage>(), &device_id).await.unwrap();
        service.delete_device(&found, None).await.unwrap();
        for (source, expected) in [(user.into(), "user"), (device.into(), "device")] {
            let error = match service.watch(source, 1.0, None, IpAddr::from([127, 0, 0, 1]).into()).await {
                Err(ServiceError::Store(StoreError::UserMissing)) => "user",
                Err(ServiceError::Store(StoreError::DeviceMissing)) => "device",
                other => panic!("{:?}", other.map(|_| ())),
            };
            assert_eq!(error, expected);
        }
    }

    /// The memory of the streams depended on the number of devices of each user, without a limit.
    #[tokio::test]
    async fn the_devices_of_all_streams_together_are_bounded() {
        let store = Arc::new(Model::default());
        let service = service_over(store);
        let device = NewDevice::new(DeviceId::new("d").unwrap());
        let device = service.create_device(granted(), device).await.unwrap();
        let watch = async || {
            let device = service.find_device(granted::<Read>(), &device.device_id).await.unwrap();
            service.watch(device.into(), 1.0, None, IpAddr::from([127, 0, 0, 1]).into()).await
        };
        let others = service.parts.admission.admit_live_devices(LIVE_DEVICES_TOTAL_MAX - 1).unwrap();
        let stream = watch().await.unwrap();
        assert!(matches!(watch().await, Err(ServiceError::TooManyLiveDevices)));
        drop(stream);
        let mut stream = watch().await.unwrap();
        // A device that is watched already needs no second share.
        let devices = stream.devices.clone();
        stream.set_devices(devices.clone()).unwrap();
        let more = devices.into_iter().chain([(DeviceKey(0), DeviceId::new("e").unwrap())]).collect();
        assert!(matches!(stream.set_devices(more), Err(ServiceError::TooManyLiveDevices)));
        // The stream returned its share before it asked for a larger one, so another stream could take it.
        assert!(matches!(watch().await, Err(ServiceError::TooManyLiveDevices)));
        stream.set_devices(HashMap::new()).unwrap();
        drop(watch().await.unwrap());
        drop((stream, others));
        service.parts.admission.admit_live_devices(LIVE_DEVICES_TOTAL_MAX).unwrap();
    }
}
