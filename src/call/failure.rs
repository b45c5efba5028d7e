//! Why a call could not go on, as the end it comes to.

use super::Ended;
use crate::{
    rtc::RtcError,
    signaling::{BlobError, SignalingError},
    trust::PassphraseError,
};

/// The exchange or the opening of the connection came to nothing.
pub(super) enum Failure {
    Signaling(SignalingError),
    Rtc(RtcError),
}

impl Failure {
    /// A description is of no use; why, in words that follow a colon.
    pub(super) fn refused(reason: &str) -> Self {
        Self::Signaling(SignalingError::Blob(BlobError::Refused { reason: reason.into() }))
    }
}

/// Returns the sentence of an error as words that follow a colon.
pub(super) fn clause(error: &impl std::error::Error) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}

/// A passphrase did not bring the two together.
impl From<PassphraseError> for Failure {
    fn from(error: PassphraseError) -> Self {
        Self::Signaling(SignalingError::Ended(error.to_string()))
    }
}

impl From<SignalingError> for Failure {
    fn from(error: SignalingError) -> Self {
        Self::Signaling(error)
    }
}

impl From<RtcError> for Failure {
    fn from(error: RtcError) -> Self {
        Self::Rtc(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Rtc(RtcError::Library(format!("no thread could be started: {error}")))
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Signaling(error) => Self::Exchange(error),
            Failure::Rtc(error) => error.into(),
        }
    }
}

impl From<RtcError> for Ended {
    fn from(error: RtcError) -> Self {
        match error {
            RtcError::Description(reason) => Self::Exchange(SignalingError::Blob(BlobError::Refused { reason })),
            error => Self::Failed(error.to_string()),
        }
    }
}
