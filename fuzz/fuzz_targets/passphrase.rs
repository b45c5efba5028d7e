//! Anybody's answer and proof are given to who offered with a passphrase. Without it nothing opens.

#![no_main]

use libfuzzer_sys::fuzz_target;
use p2pcall::trust::{OfferedPassphrase, Passphrase, PassphraseProof, Sealed, Share};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let passphrase = Passphrase::new("4711").expect("a passphrase");
    for sealed in [Sealed::from_bytes(bytes), text.parse()].into_iter().flatten() {
        assert_eq!(Sealed::from_bytes(&sealed.to_bytes()).as_ref(), Ok(&sealed));
        assert_eq!(sealed.to_string().parse().as_ref(), Ok(&sealed));
        let (offered, _) = OfferedPassphrase::begin(&passphrase);
        assert!(offered.open(&sealed, b"offer").is_err());
    }
    let share = bytes.first_chunk().map(|bytes| Share::from_bytes(*bytes));
    if let Some(share) = share.or_else(|| text.parse().ok())
        && let Ok((sealed, awaited)) = passphrase.answer(&share, b"offer", bytes)
    {
        assert_eq!(sealed.to_bytes().len(), bytes.len() + Sealed::OVERHEAD);
        if let Some(Ok(proof)) = PassphraseProof::from_text(&text) {
            assert!(awaited.check(&proof).is_err());
        }
    }
});
