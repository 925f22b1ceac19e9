//! The checksum, the hash, and what is looked up by it.

/// CRC-32 of IEEE 802.3, bit by bit.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut rest = 0xffff_ffff_u32;
    for byte in bytes {
        rest ^= u32::from(*byte);
        for _ in 0..8 {
            rest = if rest & 1 == 1 { (rest >> 1) ^ 0xedb8_8320 } else { rest >> 1 };
        }
    }
    rest ^ 0xffff_ffff
}

pub(super) fn mix(number: u64) -> u64 {
    let mut h = number;
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ceb9fe1a85ec53);
    h ^ (h >> 33)
}

pub(super) fn spread(parts: &[&str]) -> u64 {
    let mut h = 0xcbf29ce484222325_u64;
    for part in parts {
        for byte in part.bytes().chain([255]) {
            h = (h ^ u64::from(byte)).wrapping_mul(0x100000001b3);
        }
    }
    mix(h)
}

/// Something that a sealed block is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LookedUp<'a> {
    Id { tenant: &'a str, id: u128 },
    Tag(&'a str),
    Customer { tenant: &'a str, customer: &'a str },
}

impl LookedUp<'_> {
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Id { tenant, id } => {
                let tenant = if tenant.is_empty() { 0 } else { spread(&[tenant]) };
                mix(mix(tenant ^ (id >> 64) as u64) ^ id as u64)
            }
            Self::Tag(tag) => spread(&[tag]),
            Self::Customer { tenant, customer } => spread(&[tenant, customer]),
        }
    }

    pub(super) fn space(self) -> u64 {
        match self {
            Self::Id { .. } => 0,
            Self::Tag(_) => 0x9e3779b97f4a7c15,
            Self::Customer { .. } => 0xd1b54a32d192ed03,
        }
    }
}

#[test]
fn the_numbers_that_the_document_gives_to_check_by_are_right() {
    assert_eq!(crc32(b"123456789"), 0xcbf43926);
    assert_eq!(spread(&[]), 0xefd01f60ba992926);
    assert_eq!(LookedUp::Customer { tenant: "", customer: "c0000001" }.number(), 0x566d28fdb1af5062);
    assert_eq!(LookedUp::Tag("order:o1").number(), 0xe80f95f077b4453);
    assert_eq!(LookedUp::Id { tenant: "", id: 7 }.number(), 0x740729cbe468d1dd);
    assert_eq!(LookedUp::Id { tenant: "acme", id: 7 }.number(), 0x94049b01380bf5f0);
}
