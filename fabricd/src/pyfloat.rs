//! Floating point numbers in the spelling of Python's `repr`.

/// Shortest digits that read back the same; an exponent below 1e-4 and from 1e16 on.
pub fn repr(d: f64) -> String {
    if d.is_nan() {
        return "nan".to_owned();
    }
    if d.is_infinite() {
        return if d > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{d:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if d != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{d}");
    if plain.contains('.') { plain } else { plain + ".0" }
}

/// What a weight looks like after a round trip through a MySQL FLOAT column: six digits.
pub fn through_float_column(d: f64) -> f64 {
    format!("{d:.5e}").parse().unwrap_or(d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_like_python() {
        for (d, text) in [
            (1.0, "1.0"),
            (0.5, "0.5"),
            (0.1, "0.1"),
            (1795415425.750577, "1795415425.750577"),
            (1e16, "1e+16"),
            (1.5e-7, "1.5e-07"),
            (0.0001, "0.0001"),
            (-0.0, "-0.0"),
            (123456789012345.0, "123456789012345.0"),
        ] {
            assert_eq!(repr(d), text);
        }
    }

    #[test]
    fn weights_lose_digits() {
        assert_eq!(through_float_column(0.333333333), 0.333333);
        assert_eq!(through_float_column(2.0), 2.0);
    }
}
