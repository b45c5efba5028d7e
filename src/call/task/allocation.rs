//! What the line bears, shared out.

use std::time::Duration;

use super::Task;
use crate::{call::message::Message, congestion::Allocation, media::now, observe::EventKind};

impl Task {
    pub(super) fn share_out(&mut self) -> Allocation {
        let mut line = *self.estimate.borrow_and_update();
        line.round_trip = line.round_trip.or(self.reporter.round_trip_time.map(Duration::from_secs_f64));
        let now = now();
        let reserved = self.outgoing.reserve(now, &line);
        let protection = self.peer.protect(self.protection.choose(now, &line));
        line.available = line.available.saturating_sub(reserved);
        line.steady = line.steady.saturating_sub(reserved);
        self.allocator.allocate(now, &line, protection)
    }

    pub(super) async fn allocate(&mut self) {
        let allocation = self.share_out();
        // Nothing is sent yet.
        let Some(before) = self.announced else { return };
        self.outgoing.allocate(allocation);
        if before.held && !allocation.held {
            // What was lost meanwhile is not sent again.
            self.outgoing.video.want_key_frame();
        }
        if allocation != before {
            self.announce(&allocation);
            self.announced = Some(allocation);
        }
        let paused = allocation.is_audio_alone();
        if paused != before.is_audio_alone() && self.config.send_video {
            if !paused {
                self.outgoing.video.want_key_frame();
            }
            self.events.emit(EventKind::PicturePaused { remote: false, paused });
            self.peer.send_message(&Message::PicturePaused { paused }.to_text()).await;
        }
    }

    pub(super) fn announce(&self, allocation: &Allocation) {
        self.events.emit(EventKind::Allocation {
            estimate: self.estimate.borrow().available,
            video: allocation.video,
            audio: allocation.audio,
            size: allocation.size,
            frame_rate: allocation.frame_rate,
        });
    }
}
