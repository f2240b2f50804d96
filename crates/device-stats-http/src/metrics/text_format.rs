//! The two text formats of metrics.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderValue};

use crate::headers::accept::accepts_openmetrics;

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextFormat {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus, version 0.0.4.
    Prometheus,
}

impl TextFormat {
    /// Returns the format that a client asks for.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        if accepts_openmetrics(headers) { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// Returns the media type.
    pub(crate) fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        })
    }

    /// Converts a text in OpenMetrics. The formats have the same samples. In the format of Prometheus, the
    /// lines `HELP` and `TYPE` have the name of the sample (`_total`, `_info`), an info is a gauge, and there
    /// are no lines `UNIT` and `EOF`.
    pub(super) fn convert(self, text: String) -> String {
        if self == Self::OpenMetrics {
            return text;
        }
        let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let suffixes: HashMap<&str, &str> = kinds
            .filter_map(|(name, kind)| match kind {
                "counter" => Some((name, "_total")),
                "info" => Some((name, "_info")),
                _ => None,
            })
            .collect();
        let mut converted = String::with_capacity(text.len());
        for line in text.lines() {
            let mut words = line.splitn(4, ' ');
            match (words.next(), words.next(), words.next(), words.next()) {
                (Some("#"), Some("EOF" | "UNIT"), ..) => {}
                (Some("#"), Some(what), Some(name), Some(rest)) => {
                    let suffix = suffixes.get(name).copied().unwrap_or_default();
                    let rest = if what == "TYPE" && rest == "info" { "gauge" } else { rest };
                    converted.extend(["# ", what, " ", name, suffix, " ", rest, "\n"]);
                }
                _ => converted.extend([line, "\n"]),
            }
        }
        converted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_the_names_of_their_samples_in_the_format_of_prometheus() {
        let text = "# HELP a_seconds Time of a.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total 1.5\n\
            # HELP b Build.\n# TYPE b info\nb_info{version=\"1\"} 1\n\
            # HELP c Number: # HELP a.\n# TYPE c gauge\nc 7\n# EOF\n";
        let expected = "# HELP a_seconds_total Time of a.\n# TYPE a_seconds_total counter\na_seconds_total 1.5\n\
            # HELP b_info Build.\n# TYPE b_info gauge\nb_info{version=\"1\"} 1\n\
            # HELP c Number: # HELP a.\n# TYPE c gauge\nc 7\n";
        assert_eq!(TextFormat::Prometheus.convert(text.to_owned()), expected);
        assert_eq!(TextFormat::OpenMetrics.convert(text.to_owned()), text);
    }
}
