//! Chance: ids, nonces and jitter from the system's random source.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

const NONCE_BYTES: usize = 18;

fn bytes<const N: usize>() -> [u8; N] {
    let mut found = [0; N];
    SystemRandom::new().fill(&mut found).expect("the system's random source does not answer");
    found
}

/// A number from `low` up to, but not including, `high`.
pub(crate) fn uniform(low: f64, high: f64) -> f64 {
    let share = (u64::from_be_bytes(bytes()) >> 11) as f64 / (1u64 << 53) as f64;
    low + share * (high - low)
}

/// A nonce for one signed request, in URL-safe base64.
pub(crate) fn nonce() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<NONCE_BYTES>())
}

/// A random UUID, version 4 of RFC 9562.
pub(crate) fn uuid() -> String {
    let mut found = bytes::<16>();
    found[6] = found[6] & 0x0f | 0x40;
    found[8] = found[8] & 0x3f | 0x80;
    let hex: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_random_uuids_of_version_4() {
        let one = uuid();
        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]));
        assert_ne!(one, uuid());
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        assert!((0..1000).map(|_| uniform(0.8, 1.2)).all(|drawn| (0.8..1.2).contains(&drawn)));
    }
}
