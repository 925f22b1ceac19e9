//! Bytes changed at random, in ways that readers of varints, lengths and lists dislike.

use wayfold_testkit::Random;

/// The ends of what varints and numbers can be.
const EXTREMES: [&[u8]; 10] = [
    &[0],
    &[1],
    &[0x7f],
    &[0x80, 0],
    &[0xff, 0xff, 3],
    &[0x80, 0x80, 4],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    &[0xff; 10],
];

/// Changes bytes in one place or a few; others may be cut in.
pub(crate) fn mutate(random: &mut Random, bytes: &mut Vec<u8>, others: &[u8]) {
    for _ in 0..=random.below(3) {
        change(random, bytes, others);
    }
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, others: &[u8]) {
    let at = random.index(bytes.len() + 1);
    let end = |random: &mut Random, most: u64| (at + 1 + random.below(most) as usize).min(bytes.len());
    match random.below(9) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        2 if at < bytes.len() => bytes[at] = random.below(256) as u8,
        3 => {
            let new: Vec<u8> = (0..=random.below(4)).map(|_| random.below(256) as u8).collect();
            bytes.splice(at..at, new);
        }
        4 => {
            let end = end(random, 8);
            bytes.drain(at..end.max(at));
        }
        5 => {
            let extreme = *random.pick(&EXTREMES);
            let end = end(random, 3).max(at);
            bytes.splice(at..end, extreme.iter().copied());
        }
        6 if !others.is_empty() => {
            let from = random.index(others.len());
            let until = (from + 1 + random.index(64)).min(others.len());
            let end = if random.percent(50) { at } else { end(random, 64).max(at) };
            bytes.splice(at..end, others[from..until].iter().copied());
        }
        7 => {
            let again: Vec<u8> = bytes[at..end(random, 32).max(at)].to_vec();
            bytes.splice(at..at, again);
        }
        8 if random.percent(20) => bytes.truncate(at),
        _ => {}
    }
}

#[test]
fn bytes_of_any_length_are_changed() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let mut bytes = vec![7; random.index(3)];
        mutate(&mut random, &mut bytes, &[1, 2, 3]);
    }
}
