//! Integrals by the Gauss-Legendre rule with 16 nodes.

/// Positive nodes and their weights on [-1, 1] (Abramowitz and Stegun, table 25.4, n = 16).
const NODES: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_53),
    (0.617_876_244_402_643_7, 0.149_595_988_816_576_73),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.865_631_202_387_831_7, 0.095_158_511_682_492_78),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_89),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_095),
];

/// Visits the nodes of an integral from 0 to `end`, cut into equal `panels`, each with its place and weight.
///
/// The integral of f is the sum of weight * f(place). The order of the visits is fixed.
pub(crate) fn integrate(end: f64, panels: usize, mut visit: impl FnMut(f64, f64)) {
    let half = 0.5 * end / panels as f64;
    for panel in 0..panels {
        let middle = half * (2 * panel + 1) as f64;
        for (node, weight) in NODES {
            visit(middle - half * node, half * weight);
            visit(middle + half * node, half * weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "powers of whole numbers are exact")]
    fn polynomials_up_to_the_31st_power_are_exact() {
        for power in [0, 1, 7, 30, 31] {
            let mut sum = 0.0;
            integrate(2.0, 3, |place, weight| sum += weight * place.powi(power));
            let expected = 2_f64.powi(power + 1) / f64::from(power + 1);
            assert!((sum / expected - 1.0).abs() < 1e-14, "{power}: {sum}");
        }
    }
}
