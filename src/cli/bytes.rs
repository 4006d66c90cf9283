//! Numbers of bytes as Kubernetes users write them: `4Gi`, `512Mi`, `65536`.
//!
//! Promises an error that says what to write instead. Deliberately knows the
//! binary units alone, also where it shows numbers: nobody should have to think
//! about which `M` is meant.

const UNITS: [(&str, u64); 4] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
];

/// Reads a number of bytes.
pub fn parse(text: &str) -> Result<u64, String> {
    let unit = UNITS
        .into_iter()
        .find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)));
    let (digits, size) = unit.unwrap_or((text, 1));
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain {
        return Err(format!(
            "`{text}` is no number of bytes: write one like `4Gi`, `512Mi` or `65536`"
        ));
    }
    let bytes = digits.parse().ok().and_then(|n: u64| n.checked_mul(size));
    bytes.ok_or_else(|| format!("`{text}` is too many bytes"))
}

/// For people: `312 B`, `1.5 KiB`, `42.0 MiB`.
pub fn shown(bytes: u64) -> String {
    let unit = UNITS.into_iter().rev().find(|(_, size)| bytes >= *size);
    match unit {
        None => format!("{bytes} B"),
        Some((unit, size)) => {
            // Tenths, rounded down: what is less than a unit never looks like one.
            let tenths = u128::from(bytes) * 10 / u128::from(size);
            format!("{}.{} {unit}B", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_for_people() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (1_536, "1.5 KiB"),
            ((1 << 20) - 1, "1023.9 KiB"),
            (42 << 20, "42.0 MiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(shown(bytes), text);
        }
    }

    #[test]
    fn bytes_with_and_without_units() {
        for (text, bytes) in [
            ("0", 0),
            ("65536", 65_536),
            ("1Ki", 1_024),
            ("512Mi", 512 << 20),
            ("4Gi", 4 << 30),
            ("2Ti", 2 << 40),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "Gi", "-1", "1.5Gi", "4G", "4gi", " 4Gi", "+4", "4 Gi"] {
            let error = parse(wrong).expect_err(wrong);
            assert!(error.contains("no number of bytes"), "{error}");
        }
        for large in ["99999999999999999999", "16777216Ti"] {
            assert!(parse(large).expect_err(large).contains("too many"));
        }
    }
}
