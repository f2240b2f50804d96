//! A body that arrives in pieces has the same points and faults as one that arrives at once.

use proptest::prelude::*;

use super::PointReader;
use crate::batch::OnFault;
use crate::body_pieces::{self, split};

fn outcome(on_fault: OnFault, pieces: &[&[u8]]) -> String {
    body_pieces::outcome(PointReader::new(None, on_fault), pieces, PointReader::finish)
}

const FRAGMENTS: &[&str] = &[
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
    fn the_way_a_body_is_split_does_not_matter(
        fragments in prop::collection::vec(prop::sample::select(FRAGMENTS), 0..30),
        lengths in prop::collection::vec(1..40_usize, 1..6),
    ) {
        let body = fragments.concat();
        for on_fault in [OnFault::Refuse, OnFault::Skip] {
            let pieces = split(body.as_bytes(), &lengths);
            prop_assert_eq!(outcome(on_fault, &pieces), outcome(on_fault, &[body.as_bytes()]));
        }
    }
}
