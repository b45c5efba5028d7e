//! What the other side knows a connection by: the certificate and the ICE credentials.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use rtc::{
    crypto::{SignatureScheme, default_provider},
    peer_connection::certificate::{CertificateParams, RTCCertificate},
};

use super::RtcError;

/// A certificate and ICE credentials, made once for a call.
///
/// A connection that is built again with the same identity, at other addresses, can still take an
/// answer to the description that was given out before.
#[derive(Clone)]
pub struct Identity {
    pub(super) certificate: RTCCertificate,
    pub(super) ufrag: String,
    pub(super) password: String,
}

impl Identity {
    /// So many random bytes are in the user name fragment: the 24 bits of RFC 8445 (5.3), four characters.
    const UFRAG: usize = 3;
    /// And in the password: 128 bits, 22 characters.
    const PASSWORD: usize = 16;

    /// Returns a new one.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn new() -> Result<Self, RtcError> {
        let library = |error: &dyn std::fmt::Display| RtcError::Library(error.to_string());
        let provider = default_provider().map_err(|error| library(&error))?;
        let params = CertificateParams::new(vec!["p2pcall".to_owned()]).map_err(|error| library(&error))?;
        let certificate = RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)?;
        Ok(Self { certificate, ufrag: ice_chars::<{ Self::UFRAG }>()?, password: ice_chars::<{ Self::PASSWORD }>()? })
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// Returns `N` random bytes as characters that ICE takes (RFC 8839, 5.1): base64 has the same ones.
fn ice_chars<const N: usize>() -> Result<String, RtcError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| RtcError::Library(format!("no random numbers: {error}")))?;
    Ok(STANDARD_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_as_long_as_ice_wants_them() {
        let [first, second] = [Identity::new().expect("an identity"), Identity::new().expect("an identity")];
        assert_eq!((first.ufrag.len(), first.password.len()), (4, 22));
        assert_ne!(first.password, second.password);
        assert!(first.certificate != second.certificate);
    }
}
