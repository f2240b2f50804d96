//! The expiry of a certificate: a warning some time before, and then every day.

use std::path::Path;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use tracing::warn;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::limits::{TLS_EXPIRY_WARNING_INTERVAL, TLS_EXPIRY_WARNING_TIME};

/// Seconds of a day.
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The expiry of the certificate in use, and the last warning about it.
#[derive(Debug)]
pub(super) struct Expiry {
    /// Time after which the certificate is not valid; `None` if it is unknown.
    at: Option<SystemTime>,
    warned: Option<SystemTime>,
}

impl Expiry {
    /// Returns the expiry of a certificate. It is unknown if this parser cannot read the certificate.
    /// TLS may still accept such a certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Self {
        let certificate = Certificate::from_der(certificate).ok();
        let at = certificate.map(|parsed| parsed.tbs_certificate.validity.not_after.to_system_time());
        Self { at, warned: None }
    }

    /// Logs a warning if the certificate has expired or expires soon, at once and then at intervals.
    pub(super) fn warn_if_due(&mut self, now: SystemTime, path: &Path) {
        let Some(at) = self.at.filter(|at| *at <= now + TLS_EXPIRY_WARNING_TIME) else { return };
        // The clock may have been set back after the last warning.
        let is_recent =
            |warned| now.duration_since(warned).is_ok_and(|age| age < TLS_EXPIRY_WARNING_INTERVAL);
        if self.warned.is_some_and(is_recent) {
            return;
        }
        self.warned = Some(now);
        let certificate = path.display();
        if let Ok(left) = at.duration_since(now) {
            let days = left.as_secs() / DAY_SECONDS;
            warn!(%certificate, days, "the TLS certificate expires soon, renew it");
        } else {
            warn!(%certificate, "the TLS certificate has expired, so clients refuse it; renew it");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;
    use crate::testing::Log;

    /// Returns the expiry of a certificate that expires at the start of 2030.
    fn expiry() -> Expiry {
        let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.not_after = date_time_ymd(2030, 1, 1);
        Expiry::of(parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der())
    }

    #[test]
    fn an_expiry_is_logged_in_time_and_once_a_day() {
        let (log, _guard) = Log::start();
        let end = SystemTime::from(date_time_ymd(2030, 1, 1));
        let (day, second) = (Duration::from_hours(24), Duration::from_secs(1));
        let mut expiry = expiry();
        let mut lines = |now| {
            expiry.warn_if_due(now, Path::new("certificate.pem"));
            log.text().lines().count()
        };
        assert_eq!(lines(end - 14 * day - second), 0);
        assert_eq!(lines(end - 14 * day), 1);
        assert_eq!(lines(end - 13 * day - second), 1);
        assert_eq!(lines(end - 13 * day), 2);
        assert_eq!(lines(end - second), 3);
        assert_eq!(lines(end + day - 2 * second), 3);
        assert_eq!(lines(end + day - second), 4);
        let text = log.text();
        for (line, part) in text.lines().zip(["days=14", "days=13", "days=0", "has expired"]) {
            assert!(line.contains("WARN") && line.contains(part), "{line}");
            assert!(line.contains("certificate=certificate.pem"), "{line}");
        }
    }

    #[test]
    fn a_new_certificate_is_checked_at_once_and_an_unreadable_one_never() {
        let (log, _guard) = Log::start();
        let end = SystemTime::from(date_time_ymd(2030, 1, 1));
        for lines in 1..=3 {
            expiry().warn_if_due(end, Path::new("certificate.pem"));
            assert_eq!(log.text().lines().count(), lines);
        }
        let mut unreadable = Expiry::of(&CertificateDer::from_slice(b"x"));
        unreadable.warn_if_due(end, Path::new("certificate.pem"));
        assert_eq!(log.text().lines().count(), 3);
    }
}
