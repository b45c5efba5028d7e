//! The end of a call: everything is taken down in order.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Task;
use crate::{call::message::Message, media::now, observe::EventKind, pipeline::Outcome, rtc::RtcEvent};

/// Everything is taken down within this.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// After our good-bye the other side closes; it is waited for at most this long. A good-bye right
/// after the connection waits for the channel to open first.
const BYE_TIMEOUT: Duration = Duration::from_secs(1);

impl Task {
    /// Takes everything down, sources first, within [`SHUTDOWN_TIMEOUT`].
    pub(super) async fn shut_down(mut self, mut connection: mpsc::Receiver<RtcEvent>, say_bye: bool) {
        let deadline = now() + SHUTDOWN_TIMEOUT;
        let mut threads = self.outgoing.close();
        if say_bye {
            self.peer.send_message(&Message::Bye.to_text()).await;
            let closed = async {
                while let Some(event) = connection.recv().await {
                    match event {
                        RtcEvent::Closed | RtcEvent::Failed => break,
                        RtcEvent::Channel(channel) => {
                            self.peer.set_channel(channel);
                            self.peer.send_message(&Message::Bye.to_text()).await;
                        }
                        _ => {}
                    }
                }
            };
            let _ = tokio::time::timeout(BYE_TIMEOUT, closed).await;
        }
        self.peer.close().await;
        threads.extend(self.incoming.close());
        let join = move || -> Vec<&'static str> {
            let ended = threads.into_iter().map(|thread| (thread.name(), thread.join_by(deadline)));
            ended.filter(|(_, outcome)| *outcome != Outcome::Returned).map(|(name, _)| name).collect()
        };
        for thread in tokio::task::spawn_blocking(join).await.unwrap_or_default() {
            self.events.emit(EventKind::ThreadLost { thread });
        }
    }
}
