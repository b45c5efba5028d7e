//! A word before it is too late: behind a symmetric NAT a call reaches few people without a TURN server, and that can
//! be known while the text is still on its way.

use tokio::task::JoinHandle;

use crate::{
    observe::{EventKind, Events},
    rtc::{
        PeerConfig, StunUrl, local_addresses,
        nat::{Class, Inquiry, is_symmetric},
    },
};

/// Looks in the background, and tells what it found if it is worth telling; the call does not wait for it. Dropping it
/// ends it.
#[derive(Debug)]
pub(super) struct Forewarning(JoinHandle<()>);

impl Forewarning {
    /// Compares what the servers that are asked anyway see of one socket; `None` if they are too few to tell, or if a
    /// TURN server is there.
    pub(super) fn begin(config: &PeerConfig, events: &Events) -> Option<Self> {
        let warning = Class::Symmetric.warning(!config.turn.is_empty())?;
        let urls = config.stun.iter().map(|url| url.parse::<StunUrl>());
        let servers: Vec<_> = urls.filter_map(|url| Some(url.ok()?.into())).collect();
        if servers.len() < 2 {
            return None;
        }
        let inquiry = Inquiry { servers, bind: local_addresses(&config.bind).ok()?, longest_lifetime: None };
        let events = events.clone();
        Some(Self(tokio::spawn(async move {
            if is_symmetric(&inquiry).await == Some(true) {
                events.emit(EventKind::SymmetricNat { what: warning.into() });
            }
        })))
    }
}

impl Drop for Forewarning {
    fn drop(&mut self) {
        self.0.abort();
    }
}
