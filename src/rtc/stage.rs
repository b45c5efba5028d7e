//! One stage of the chain that RTP and RTCP pass between the application and the wire.

use std::{collections::VecDeque, time::Instant};

use rtc::{
    interceptor::{Interceptor, StreamInfo, TaggedPacket},
    sansio::Protocol,
    shared::error::Error,
};

/// What a stage does to packets. What it does not say, it lets pass.
pub(super) trait Stage {
    /// Takes a packet on its way in.
    fn read(&mut self, packet: TaggedPacket, on: &mut Passing) {
        on.inward(packet);
    }

    /// Takes a packet on its way out.
    fn write(&mut self, packet: TaggedPacket, on: &mut Passing) {
        on.outward(packet);
    }

    /// Does what is due.
    fn wake(&mut self, _now: Instant, _on: &mut Passing) {}

    /// Returns when [`Stage::wake`] is to be called next.
    fn wakes_at(&self) -> Option<Instant> {
        None
    }

    /// A stream of ours begins.
    fn local_stream(&mut self, _info: &StreamInfo) {}

    /// A stream of ours has ended.
    fn local_stream_ended(&mut self, _info: &StreamInfo) {}

    /// A stream of the other side's begins.
    fn remote_stream(&mut self, _info: &StreamInfo) {}

    /// A stream of the other side's has ended.
    fn remote_stream_ended(&mut self, _info: &StreamInfo) {}
}

/// Packets on their way to the next stage. The chain empties it after each call: nothing waits here.
#[derive(Default)]
pub(super) struct Passing {
    inbound: VecDeque<TaggedPacket>,
    outbound: VecDeque<TaggedPacket>,
}

impl Passing {
    /// Hands a packet on towards the application.
    pub(super) fn inward(&mut self, packet: TaggedPacket) {
        self.inbound.push_back(packet);
    }

    /// Hands a packet on towards the wire.
    pub(super) fn outward(&mut self, packet: TaggedPacket) {
        self.outbound.push_back(packet);
    }
}

/// A stage as the library wants it.
pub(super) struct Staged<S> {
    pub(super) stage: S,
    passing: Passing,
}

impl<S> Staged<S> {
    pub(super) fn new(stage: S) -> Self {
        Self { stage, passing: Passing::default() }
    }
}

impl<S: Stage> Protocol<TaggedPacket, TaggedPacket, ()> for Staged<S> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.stage.read(packet, &mut self.passing);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.passing.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.stage.write(packet, &mut self.passing);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.passing.outbound.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.stage.wake(now, &mut self.passing);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.stage.wakes_at()
    }
}

impl<S: Stage + Send + Sync> Interceptor for Staged<S> {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        self.stage.local_stream(info);
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.stage.local_stream_ended(info);
    }

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        self.stage.remote_stream(info);
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.stage.remote_stream_ended(info);
    }
}
