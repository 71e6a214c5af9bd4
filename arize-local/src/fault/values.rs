//! Values in the text of a fault; nothing where they are wrong.

use std::str::FromStr;
use std::time::Duration;

pub(super) fn number<T: FromStr>(value: Option<&str>) -> Option<T> {
    value?.parse().ok()
}

pub(super) fn positive<T: FromStr + PartialOrd + Default>(value: Option<&str>) -> Option<T> {
    number(value).filter(|number| *number > T::default())
}

pub(super) fn probability(value: Option<&str>) -> Option<f64> {
    let probability = number(value)?;
    (0.0..=1.0).contains(&probability).then_some(probability)
}

/// `10s`, `500ms`, `2m`, `1.5s`.
pub(super) fn duration(value: Option<&str>) -> Option<Duration> {
    let value = value?;
    let unit = value.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = value.split_at(unit);
    let number: f64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "m" => number * 60.0,
        _ => return None,
    };
    // A year: far from where instants overflow.
    (seconds < 31_536_000.0).then(|| Duration::try_from_secs_f64(seconds).ok())?
}

/// `1000`, `64KiB`, `1MiB`.
pub(super) fn bytes(value: Option<&str>) -> Option<usize> {
    let value = value?;
    let (number, unit) = [("KiB", 1 << 10), ("MiB", 1 << 20)]
        .into_iter()
        .find_map(|(name, unit)| Some((value.strip_suffix(name)?, unit)))
        .unwrap_or((value, 1));
    number.parse::<usize>().ok()?.checked_mul(unit)
}
