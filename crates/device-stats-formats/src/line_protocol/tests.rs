//! Points that arrive in parts are those that arrive at once, and so are their faults.

use proptest::prelude::*;

use super::*;
use crate::batch::split_body_tests::cut;

fn outcome(parts: &[&[u8]], window_bytes: usize) -> String {
    let mut reader = PointReader::with_window(Precision::default(), window_bytes);
    for part in parts {
        reader.receive(part);
    }
    let mut faults = Faults::default();
    match reader.finish(&mut faults) {
        Ok(Some(rows)) => format!("{:?} {:?}", rows.rows, rows.places),
        Ok(None) => format!("{:?}", faults.into_vec()),
        Err(error) => format!("{error:?}"),
    }
}

const PIECES: &[&str] = &[
    "m,device=d x=1,y=2,z=3 1\n",
    "m,device=d x=1,y=2,z=3,t=\"a\n# b\"\n",
    "m,device=é x=1,y=2,z=3\r\n",
    "# a comment, \"quoted\n",
    "#",
    "\"",
    "\\",
    "\n",
    " ",
    "m x=1\n",
    "x",
];

proptest! {
    #[test]
    fn cuts_do_not_matter(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..30),
        lengths in prop::collection::vec(1..40_usize, 1..6),
        window_bytes in 1..80_usize,
    ) {
        let body = pieces.concat();
        let whole = outcome(&[body.as_bytes()], usize::MAX);
        prop_assert_eq!(outcome(&cut(body.as_bytes(), &lengths), window_bytes), whole);
    }
}
