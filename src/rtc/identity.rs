//! What the other side knows a connection by: the certificate and the ICE credentials.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use rtc::{
    crypto::{SignatureScheme, default_provider},
    peer_connection::certificate::{CertificateParams, RTCCertificate},
};

use super::RtcError;

/// A certificate with its key, to be kept, so that others know again whom they talk with.
#[derive(Clone)]
pub struct Certificate(RTCCertificate);

impl Certificate {
    /// What the library writes in front of a certificate: when it expires.
    const EXPIRES: &str = "-----BEGIN EXPIRES-----";

    /// Returns a new one (ECDSA with P-256, self-signed; RFC 8827, 6.5). It does not expire: whoever is to know us again
    /// compares its fingerprint.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn new() -> Result<Self, RtcError> {
        let provider = default_provider().map_err(|error| library(&error))?;
        let params = CertificateParams::new(vec!["p2pcall".to_owned()]).map_err(|error| library(&error))?;
        Ok(Self(RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)?))
    }

    /// Returns it as text, with its key: a secret.
    ///
    /// # Errors
    /// If the key cannot be given out.
    pub fn to_pem(&self) -> Result<String, RtcError> {
        Ok(self.0.serialize_pem()?)
    }

    /// Reads what [`Certificate::to_pem`] wrote.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_pem(text: &str) -> Result<Self, RtcError> {
        let wrong = || RtcError::Library("this is no certificate with its key".into());
        // The library takes the length of the first block for granted.
        let body = text.strip_prefix(Self::EXPIRES).and_then(|rest| rest.split("-----END").next()).ok_or_else(wrong)?;
        let bytes = STANDARD.decode(body.split_whitespace().collect::<String>()).map_err(|_| wrong())?;
        if bytes.len() != 8 {
            return Err(wrong());
        }
        let provider = default_provider().map_err(|error| library(&error))?;
        RTCCertificate::from_pem(text, provider.crypto()).map(Self).map_err(|_| wrong())
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate(…)")
    }
}

fn library(error: &dyn std::fmt::Display) -> RtcError {
    RtcError::Library(error.to_string())
}

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
        Self::with(Certificate::new()?)
    }

    /// Returns a new one with a certificate that was kept.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn with(Certificate(certificate): Certificate) -> Result<Self, RtcError> {
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
    fn a_certificate_that_was_kept_is_the_same() {
        let certificate = Certificate::new().expect("random numbers");
        let text = certificate.to_pem().expect("text");
        let again = Certificate::from_pem(&text).expect("a certificate");
        assert!(again.0 == certificate.0);
        assert_eq!(again.to_pem().expect("text"), text);
        for wrong in [
            "",
            "-----BEGIN EXPIRES-----",
            "-----BEGIN EXPIRES-----\nAAAA\n-----END EXPIRES-----\n",
            "-----BEGIN EXPIRES-----\nAAAAAAAAAAA=\n-----END EXPIRES-----\n",
            &text[..text.len() / 2],
            &text.replace('A', "B"),
        ] {
            assert!(Certificate::from_pem(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn credentials_are_as_long_as_ice_wants_them() {
        let [first, second] = [Identity::new().expect("an identity"), Identity::new().expect("an identity")];
        assert_eq!((first.ufrag.len(), first.password.len()), (4, 22));
        assert_ne!(first.password, second.password);
        assert!(first.certificate != second.certificate);
    }
}
