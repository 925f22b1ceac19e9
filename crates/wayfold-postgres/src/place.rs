//! Positions: the highest number of a transaction that had drawn when the event got its place, then the number of the
//! event.

use wayfold_core::Position;

/// Where an event stands, in the two columns that order the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) transaction: i64,
    pub(crate) number: i64,
}

impl Place {
    /// Before all events.
    pub(crate) const START: Self = Self { transaction: 0, number: 0 };
}

impl From<Place> for Position {
    fn from(place: Place) -> Self {
        let half = |number: i64| u128::from(number.unsigned_abs());
        Self::from_bytes((half(place.transaction) << 64 | half(place.number)).to_be_bytes())
    }
}

impl From<Position> for Place {
    /// What lies beyond all numbers counts as the last one.
    fn from(position: Position) -> Self {
        let whole = u128::from_be_bytes(position.to_bytes());
        let half = |bits: u128| i64::try_from(bits & u128::from(u64::MAX)).ok();
        match half(whole >> 64) {
            Some(transaction) => Self { transaction, number: half(whole).unwrap_or(i64::MAX) },
            None => Self { transaction: i64::MAX, number: i64::MAX },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_order_as_positions_do() {
        let place = |transaction, number| Place { transaction, number };
        let places =
            [place(0, 0), place(0, 1), place(7, 0), place(7, i64::MAX), place(8, 1), place(i64::MAX, 0)];
        for pair in places.windows(2) {
            assert!(Position::from(pair[0]) < Position::from(pair[1]), "{pair:?}");
        }
        assert!(places.iter().all(|place| Place::from(Position::from(*place)) == *place));
        assert_eq!(Place::from(Position::START), place(0, 0));
        assert_eq!(Place::from(Position::END), place(i64::MAX, i64::MAX));
        assert_eq!(
            Place::from(Position::from_bytes([0x7f; 16])),
            place(0x7f7f_7f7f_7f7f_7f7f, 0x7f7f_7f7f_7f7f_7f7f)
        );
    }
}
