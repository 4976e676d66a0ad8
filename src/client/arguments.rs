//! How the arguments that `demo` and `bench` share are read from the command line.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads a length of time as a person writes it: `500ms`, `90s`, `10m`, `1h 30m`. A bare number is refused, since its unit would be a guess.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = |_| format!("`{text}` is not a length of time; write it like 500ms, 90s or 10m");
    let signed: SignedDuration = text.parse().map_err(|error: jiff::Error| wrong(error.to_string()))?;
    let length = Duration::try_from(signed).map_err(|error| wrong(error.to_string()))?;
    if length.is_zero() {
        return Err("the length of time must be above zero".to_owned());
    }
    Ok(length)
}

/// Reads a finite number of zero or more.
pub fn amount(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        Ok(_) | Err(_) => Err(format!("`{text}` is not a number of zero or more")),
    }
}

/// Reads a workspace id: 1–64 of `A-Z a-z 0-9 _ -`, which also makes it safe in a path and in a shell line.
pub fn workspace(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        Ok(text.to_owned())
    } else {
        Err("a workspace id is 1–64 of A-Z a-z 0-9 _ -".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{amount, duration, workspace};

    #[test]
    fn durations_carry_their_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_mins(90)));
        for wrong in ["90", "", "-3s", "0s", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn amounts_are_finite_and_not_negative() {
        assert_eq!(amount("2.5"), Ok(2.5));
        for wrong in ["-1", "NaN", "inf", "many"] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn workspaces_are_safe_in_a_path() {
        assert_eq!(workspace("demo-1_A"), Ok("demo-1_A".to_owned()));
        for wrong in ["", "a/b", "a b", "ä"] {
            assert!(workspace(wrong).is_err(), "{wrong}");
        }
    }
}
