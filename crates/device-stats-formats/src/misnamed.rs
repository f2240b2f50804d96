//! Synonyms of our members and parameters in other programs. Where unknown names are ignored, a synonym would
//! be ignored although the sender expects an effect.

/// Words for the start of a period.
const STARTS: &[&str] = &["start", "begin", "from", "since", "after", "periodstart", "gte", "gt"];
/// Words for the end of a period.
const ENDS: &[&str] = &["end", "to", "till", "before", "stop", "finish", "periodend", "lte", "lt"];
/// Words that stand before or after a word for an end of a period.
const OF_TIME: &[&str] = &["time", "date", "datetime", "timestamp", "ts", "at", "day"];
/// Words for the time of a reading.
const TIMES: &[&str] =
    &["time", "ts", "date", "datetime", "timestamp", "at", "when", "t", "epoch", "unix", "utc", "unixtime"];
/// Words that stand before a word for the time of a reading.
const OF_READINGS: &[&str] = &[
    "unix",
    "epoch",
    "utc",
    "event",
    "reading",
    "measurement",
    "sample",
    "recorded",
    "record",
    "measured",
    "observed",
    "observation",
    "created",
    "captured",
    "sampled",
    "logged",
    "log",
    "received",
    "device",
    "sensor",
];
/// Units that stand after a word for the time of a reading.
const UNITS: &[&str] = &["ms", "us", "ns", "s", "sec", "seconds", "millis", "micros", "nanos", "utc"];

/// Other names, each with its synonyms.
const OTHER_NAMES: [(&str, &[&str]); 19] = [
    ("skip", &["offset", "page", "pagenumber", "pageno", "pageindex"]),
    ("limit", &["perpage", "pagesize", "pagelimit", "size", "count", "max", "maxresults", "take", "top"]),
    ("after", &["cursor", "afterid", "startingafter", "pagetoken", "nextpagetoken", "continuationtoken"]),
    ("q", &["query", "search", "contains"]),
    ("prefix", &["startswith", "deviceidprefix", "idprefix"]),
    ("stats", &["statistics", "statistic", "stat"]),
    ("device_id", &["device", "deviceuid", "deviceuuid", "sensor", "sensorid"]),
    ("user_id", &["user", "userid", "owner", "ownerid"]),
    ("username", &["user", "login", "loginname", "name"]),
    ("email", &["mail", "emailaddress", "mailaddress"]),
    ("percentiles", &["percentile", "quantile", "quantiles", "pct"]),
    ("mean", &["average", "avg"]),
    ("stddev", &["std", "stdev", "standarddeviation"]),
    ("rms", &["rootmeansquare", "quadraticmean"]),
    ("range", &["spread", "peaktopeak", "ptp"]),
    ("iqr", &["interquartilerange"]),
    ("magnitude", &["norm", "vectormagnitude", "resultant", "euclideannorm"]),
    ("timezone", &["tz", "zone"]),
    ("precision", &["unit", "timeunit"]),
];

/// Returns the known name for a synonym; `None` if there is none, or if the known name is also given. Only
/// letters and digits count, and their case does not matter.
pub fn find_misnamed<'k>(name: &str, known: &[&'k str], given: impl Fn(&str) -> bool) -> Option<&'k str> {
    if known.contains(&name) {
        return None;
    }
    let plain = to_plain(name);
    known.iter().copied().find(|known| is_synonym(&plain, known) && !given(known))
}

/// Words that stand before the letter of an axis in the columns of other programs.
const OF_AXES: &[&str] = &[
    "",
    "a",
    "acc",
    "accel",
    "acceleration",
    "accelerometer",
    "linearacceleration",
    "lin",
    "gyro",
    "gyroscope",
    "g",
    "mag",
    "magnetometer",
    "magneticfield",
    "vib",
    "vibration",
    "velocity",
    "axis",
    "val",
    "value",
    "sensor",
    "channel",
    "ch",
    "dir",
];

/// Names of the time in files, in other languages too. A request has no such names.
const TIMES_OF_FILES: &[&str] = &[
    "datum",
    "uhrzeit",
    "zeit",
    "zeitpunkt",
    "zeitstempel",
    "messzeit",
    "messzeitpunkt",
    "datumuhrzeit",
    "datumzeit",
    "recorded",
    "measured",
    "observed",
    "sampled",
    "fecha",
    "hora",
    "fechahora",
    "datahora",
    "dataora",
    "heure",
    "horodatage",
    "dateheure",
    "tijd",
    "tijdstip",
    "dato",
    "tid",
    "tidspunkt",
    "czas",
];
/// Names of columns that name a device, unless another column does.
const DEVICES_OF_FILES: &[&str] = &[
    "dev",
    "devid",
    "devicename",
    "sensorname",
    "id",
    "name",
    "serial",
    "serialno",
    "serialnumber",
    "seriennummer",
    "gerät",
    "geraet",
    "gerätid",
    "geraeteid",
    "maschine",
    "machine",
    "node",
    "nodeid",
    "mac",
    "macaddress",
    "uid",
    "uuid",
    "host",
    "hostname",
    "logger",
    "station",
    "asset",
    "tag",
];

/// Returns whether a column of another program may name the device.
pub(crate) fn may_be_device(column: &str) -> bool {
    DEVICES_OF_FILES.contains(&to_plain(column).as_str())
}

/// Returns whether a column of another program probably contains the values of one of our columns. A unit in
/// brackets does not matter.
pub(crate) fn is_similar(column: &str, ours: &str) -> bool {
    let plain = to_plain(column.split(['[', '(']).next().unwrap_or(column));
    match ours {
        "x" | "y" | "z" => {
            let rest = plain.strip_suffix(ours).or_else(|| plain.strip_prefix(ours));
            rest.is_some_and(|rest| OF_AXES.contains(&rest))
        }
        "timestamp" => is_synonym(&plain, ours) || TIMES_OF_FILES.contains(&plain.as_str()),
        _ => is_synonym(&plain, ours),
    }
}

fn is_synonym(plain: &str, known: &str) -> bool {
    let is_composed = match known {
        "start_time" => is_end_of_period(plain, STARTS, "min"),
        "end_time" => is_end_of_period(plain, ENDS, "max"),
        "timestamp" => is_time_of_reading(plain),
        _ => false,
    };
    let others = || OTHER_NAMES.iter().find(|(ours, _)| *ours == known).map(|(_, others)| *others);
    is_composed || to_plain(known) == plain || others().is_some_and(|others| others.contains(&plain))
}

/// Returns whether a name is one of `words`, alone or beside a word for time; `extreme` only beside one.
fn is_end_of_period(plain: &str, words: &[&str], extreme: &str) -> bool {
    let is_beside_time = |word: &str| {
        let rest = plain.strip_prefix(word).or_else(|| plain.strip_suffix(word));
        rest.is_some_and(|rest| OF_TIME.contains(&rest))
    };
    words.contains(&plain) || words.iter().any(|word| is_beside_time(word)) || is_beside_time(extreme)
}

/// Returns whether a name is a word for the time of a reading, with an optional word before and unit after
/// it.
fn is_time_of_reading(plain: &str) -> bool {
    let without_unit = UNITS.iter().filter_map(|unit| plain.strip_suffix(unit));
    [plain].into_iter().chain(without_unit).any(|name| {
        let without_first = OF_READINGS.iter().filter_map(|word| name.strip_prefix(word));
        [name].into_iter().chain(without_first).any(|name| TIMES.contains(&name))
    })
}

fn to_plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_of_known_things_are_recognised() {
        let period = ["start_time", "end_time", "until"];
        let none = |_: &str| false;
        for (name, expected) in [
            ("start", Some("start_time")),
            ("From", Some("start_time")),
            ("startTime", Some("start_time")),
            ("START_TIME", Some("start_time")),
            ("starttime", Some("start_time")),
            ("end-date", Some("end_time")),
            ("date_from", Some("start_time")),
            ("time_min", Some("start_time")),
            ("period_start", Some("start_time")),
            ("endTimestamp", Some("end_time")),
            ("min", None),
            ("to", Some("end_time")),
            ("Until", Some("until")),
            ("start_time", None),
            ("page", None),
            ("comment", None),
            ("", None),
        ] {
            assert_eq!(find_misnamed(name, &period, none), expected, "{name}");
        }
        assert_eq!(find_misnamed("page", &["skip", "limit"], none), Some("skip"));
        for name in [
            "Timestamp",
            "@timestamp",
            "time",
            "ts",
            "ts_ms",
            "timestamp_ns",
            "created_at",
            "unix_timestamp",
            "eventTime",
            "measurement_time",
            "epoch_ms",
            "date",
            "sampledAt",
        ] {
            assert_eq!(find_misnamed(name, &["x", "timestamp"], none), Some("timestamp"), "{name}");
        }
        for name in ["battery", "status", "at_sea", "temperature", "unit", "times_used", "datum", "id"] {
            assert_eq!(find_misnamed(name, &["x", "timestamp"], none), None, "{name}");
        }
        assert_eq!(find_misnamed("X", &["x"], none), Some("x"));
    }

    /// A client may send more than one name of a thing. The right one is used.
    #[test]
    fn another_name_beside_the_right_one_is_unrelated() {
        assert_eq!(find_misnamed("ts", &["timestamp"], |name| name == "timestamp"), None);
    }

    #[test]
    fn all_synonyms_are_plain() {
        for (_, others) in OTHER_NAMES {
            for other in others {
                assert_eq!(to_plain(other), *other);
            }
        }
    }
}
