//! Who vouches for a TURN server (RFC 8656, 5; RFC 9325).

use std::sync::Arc;

use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, CertificateError, ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::failure::RelayFailure;
use crate::rtc::RtcError;

/// Certificates of authorities that are trusted beside the system's.
#[derive(Clone, Default)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// If there is none, or one is damaged.
    pub fn from_pem(text: &[u8]) -> Result<Self, RtcError> {
        let wrong = |what: String| RtcError::Authorities(what);
        let certificates = CertificateDer::pem_slice_iter(text)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| wrong(format!("a certificate is damaged ({error})")))?;
        if certificates.is_empty() {
            return Err(wrong("there is no \"BEGIN CERTIFICATE\" in it".into()));
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|error| wrong(format!("a certificate cannot be used ({error})")))?;
        }
        Ok(Self(certificates))
    }

    /// Returns what makes encrypted connections. Reads the system's list: blocks for a moment.
    pub(super) fn connector(&self) -> Result<TlsConnector, RelayFailure> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.0.iter().cloned());
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        if roots.is_empty() {
            let why = system.errors.first().map_or("this system lists no authority".into(), ToString::to_string);
            return Err(RelayFailure::Authorities(why));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| RelayFailure::Authorities(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config).into())
    }
}

impl std::fmt::Debug for Authorities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Authorities").field(&self.0.len()).finish()
    }
}

/// Returns the name that the certificate must be for.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, RelayFailure> {
    ServerName::try_from(host.to_owned()).map_err(|error| RelayFailure::Tls(error.to_string()))
}

/// Returns why an encrypted connection was not made.
pub(super) fn failure(error: &std::io::Error, host: &str) -> RelayFailure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(certificate)) = inner else {
        return RelayFailure::Tls(error.to_string());
    };
    use CertificateError as E;
    RelayFailure::Certificate(match certificate {
        E::UnknownIssuer => format!("nobody this machine trusts vouches for {host}"),
        E::NotValidForName | E::NotValidForNameContext { .. } => format!("it is not for {host}"),
        E::Expired | E::ExpiredContext { .. } => "it has expired".into(),
        E::NotValidYet | E::NotValidYetContext { .. } => "it is not valid yet. Is this machine's clock right?".into(),
        E::Revoked => "it was revoked".into(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (text, words) in [(&b"hello"[..], "BEGIN CERTIFICATE"), (damaged, "cannot be used")] {
            let error = Authorities::from_pem(text).expect_err("no certificate").to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
