//! Counts of time since 1970, read exactly as they are written.

/// Largest count of seconds that `UNIX` takes: what is larger is in another unit, as in Logstash.
const SECONDS_MAX: i64 = i32::MAX as i64;
/// TAI64 counts from here, and is ahead of UTC by ten seconds at 1970 (libtai).
const TAI64_AT_1970: u64 = (1 << 62) + 10;

/// Seconds, perhaps with a fraction.
pub(super) fn read_seconds(text: &str) -> Option<i64> {
    let timestamp_ns = read(text, 9)?;
    (timestamp_ns / 1_000_000_000 <= SECONDS_MAX).then_some(timestamp_ns)
}

/// Milliseconds, perhaps with a fraction.
pub(super) fn read_milliseconds(text: &str) -> Option<i64> {
    read(text, 6)
}

/// A decimal count of units of 10^`scale` nanoseconds; digits beyond nanoseconds are dropped.
fn read(text: &str, scale: u32) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return read_exponent(text, scale);
    }
    let kept = &fraction[..fraction.len().min(scale as usize)];
    let part = kept.parse::<i64>().ok()? * 10i64.pow(scale - kept.len() as u32);
    let count = whole.parse::<i64>().ok()?.checked_mul(10i64.pow(scale))?.checked_add(part)?;
    Some(if negative { -count } else { count })
}

/// A number with an exponent, as JSON allows: as exact as a double is.
fn read_exponent(text: &str, scale: u32) -> Option<i64> {
    if !text.contains(['e', 'E']) {
        return None;
    }
    let count = text.parse::<f64>().ok()? * 10f64.powi(scale as i32);
    // The range of i64 in doubles; anything else, NaN too, is no time.
    (-9.2e18..9.2e18).contains(&count).then_some(count as i64)
}

/// TAI64N: perhaps `@`, 16 hexadecimal digits of seconds, 8 of nanoseconds.
pub(super) fn read_tai64n(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('@').unwrap_or(text);
    if digits.len() != 24 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let seconds = u64::from_str_radix(&digits[..16], 16).ok()?;
    let nanoseconds = u32::from_str_radix(&digits[16..], 16).ok()?;
    let seconds = i64::try_from(i128::from(seconds) - i128::from(TAI64_AT_1970)).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(i64::from(nanoseconds))
}
