//! The data channel: short messages between the two programs (W3C WebRTC 6).

use std::sync::Arc;

use webrtc::data_channel::{DataChannel, DataChannelEvent};

use super::{RtcEvent, forward::Forward};

/// The channel's label and protocol.
pub(super) const LABEL: &str = "p2pcall";

/// A longer message is none of ours.
const MAX_MESSAGE: usize = 4096;

/// An open channel for short messages.
pub struct MessageChannel(pub(super) Arc<dyn DataChannel>);

impl std::fmt::Debug for MessageChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MessageChannel")
    }
}

/// Reads until the channel closes.
pub(super) async fn read(channel: Arc<dyn DataChannel>, forward: Forward) {
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnOpen => forward.tell(RtcEvent::Channel(MessageChannel(channel.clone()))),
            DataChannelEvent::OnMessage(message) if message.is_string && message.data.len() <= MAX_MESSAGE => {
                if let Ok(text) = std::str::from_utf8(&message.data) {
                    forward.tell(RtcEvent::Message(text.to_owned()));
                }
            }
            // Nobody closes the channel alone: it ends with the connection, which the library tells
            // in no other way when the other side closed it.
            DataChannelEvent::OnClose => {
                forward.tell(RtcEvent::Closed);
                break;
            }
            _ => {}
        }
    }
}
