//! Who is there: proof that the other end of a call is the person, and nobody in between.
//!
//! DTLS-SRTP proves that the other end holds the key of a certificate (RFC 5763). Whose certificate it is only the
//! blobs tell, and who carries these can rewrite them. So people compare words that no man in the middle can make
//! equal ([`Verification`]), or digits ([`SafetyNumber`]); the program remembers whose certificate it was
//! ([`Contacts`]); and a passphrase told beforehand ([`Passphrase`]) keeps others out of the answer. docs/security.md
//! says what is protected and what is not.
//!
//! Nothing here asks a clock or the environment, and nothing panics, whatever is read.

mod contacts;
mod fingerprint;
mod passphrase;
pub mod private_file;
mod safety_number;
mod verification;
mod words;

pub use contacts::{
    Contact, ContactBook, ContactBookError, ContactName, ContactNameError, Contacts, ContactsError, Judgement,
};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use passphrase::{
    AwaitedProof, OfferedPassphrase, Opened, Passphrase, PassphraseError, PassphraseProof, Sealed, Share,
};
pub use safety_number::SafetyNumber;
pub use verification::{Bytes32, Role, Step, Verification, VerificationError, VerificationMessage};
pub use words::Words;
