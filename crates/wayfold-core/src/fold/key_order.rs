//! The order of customers by the bytes of their keys.

/// The places of customers, given by the texts of tenant and customer at each, in the order of the bytes of their keys.
pub(super) fn places_by_key<'a>(customers: usize, texts: impl Fn(usize) -> (&'a str, &'a str)) -> Vec<u32> {
    let is_of_one_tenant = (1..customers).all(|place| texts(place).0 == texts(place - 1).0);
    let shared = shared_beginning(customers, &texts);
    // Behind what all names of a tenant begin with, the next bytes tell most apart, and are sorted as a number.
    let begin = |place: usize| {
        let name = &texts(place).1.as_bytes()[shared..];
        let mut first = [0; 8];
        let length = name.len().min(first.len());
        first[..length].copy_from_slice(&name[..length]);
        if is_of_one_tenant { u64::from_be_bytes(first) } else { 0 }
    };
    let mut places: Vec<(u64, u32)> = (0..customers).map(|place| (begin(place), place as u32)).collect();
    radsort::sort_by_key(&mut places, |(begin, _)| *begin);
    for alike in places.chunk_by_mut(|(a, _), (b, _)| a == b).filter(|alike| alike.len() > 1) {
        alike.sort_unstable_by(|(_, a), (_, b)| texts(*a as usize).cmp(&texts(*b as usize)));
    }
    places.into_iter().map(|(_, place)| place).collect()
}

/// How many bytes all names begin with alike.
fn shared_beginning<'a>(customers: usize, texts: &impl Fn(usize) -> (&'a str, &'a str)) -> usize {
    let name = |place: usize| texts(place).1.as_bytes();
    (1..customers).fold(if customers == 0 { 0 } else { name(0).len() }, |shared, place| {
        let alike = name(0)[..shared].iter().zip(name(place));
        alike.take_while(|(a, b)| a == b).count()
    })
}
