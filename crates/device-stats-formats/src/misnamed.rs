//! Names that other programs have for our members and parameters. Where unknown names are ignored, such a name
//! would be ignored although its sender meant something by it.

/// Our names, each with other names of the same thing. The case of letters, `_` and `-` do not matter.
const OTHER_NAMES: [(&str, &[&str]); 15] = [
    (
        "start_time",
        &[
            "begin",
            "start",
            "from",
            "since",
            "after",
            "startdate",
            "startat",
            "begintime",
            "begindate",
            "fromtime",
            "fromdate",
            "timefrom",
            "timestart",
            "mintime",
        ],
    ),
    (
        "end_time",
        &[
            "end", "to", "till", "before", "stop", "finish", "enddate", "endat", "totime", "todate",
            "timeto", "timeend", "stoptime", "maxtime",
        ],
    ),
    ("until", &["untiltime", "untildate"]),
    ("skip", &["offset", "page", "pagenumber", "pageno", "pageindex"]),
    ("limit", &["perpage", "pagesize", "pagelimit", "size", "count", "max", "maxresults", "take", "top"]),
    (
        "timestamp",
        &[
            "time",
            "ts",
            "date",
            "datetime",
            "at",
            "when",
            "recordedat",
            "measuredat",
            "observedat",
            "eventtime",
            "epoch",
            "unixtime",
            "timestampms",
            "timestamputc",
            "t",
        ],
    ),
    ("device_id", &["device", "deviceuid", "deviceuuid", "sensor", "sensorid"]),
    ("user_id", &["user", "userid", "owner", "ownerid"]),
    ("username", &["user", "login", "loginname", "name"]),
    ("email", &["mail", "emailaddress", "mailaddress"]),
    ("percentiles", &["percentile", "quantile", "quantiles", "pct"]),
    ("mean", &["average", "avg"]),
    ("stddev", &["std", "stdev", "standarddeviation"]),
    ("timezone", &["tz", "zone"]),
    ("precision", &["unit", "timeunit"]),
];

/// Finds the name that is meant by another name, among names that are known and not given.
pub fn find_misnamed<'k>(name: &str, known: &[&'k str], given: impl Fn(&str) -> bool) -> Option<&'k str> {
    if known.contains(&name) {
        return None;
    }
    let plain = to_plain(name);
    let is_meant = |known: &str| {
        let others = OTHER_NAMES.iter().find(|(ours, _)| *ours == known).map(|(_, others)| *others);
        to_plain(known) == plain || others.is_some_and(|others| others.contains(&plain.as_str()))
    };
    known.iter().copied().find(|known| is_meant(known) && !given(known))
}

fn to_plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| !matches!(letter, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase).collect()
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
        assert_eq!(find_misnamed("Timestamp", &["x", "timestamp"], none), Some("timestamp"));
        assert_eq!(find_misnamed("X", &["x"], none), Some("x"));
    }

    /// A client may send more than one name of a thing. The right one is used.
    #[test]
    fn another_name_beside_the_right_one_is_unrelated() {
        assert_eq!(find_misnamed("ts", &["timestamp"], |name| name == "timestamp"), None);
    }

    #[test]
    fn all_other_names_are_plain() {
        for (_, others) in OTHER_NAMES {
            for other in others {
                assert_eq!(to_plain(other), *other);
            }
        }
    }
}
