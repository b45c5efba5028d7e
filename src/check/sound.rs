//! Microphone and speaker together, on one thread: first one listens, then the other plays a tone.

use std::time::Duration;

use super::{Level, MicrophoneFinding, SpeakerFinding, echo};
use crate::{
    media::{AudioFrame, Clock, MediaTime, SAMPLE_RATE_HZ, Slot, now},
    pipeline::{SinkOpener, SourceOpener},
    sink::{AudioSink, SinkError},
    source::{AudioSource, SourceError},
};

/// How long the room is listened to.
const LISTENED: Duration = Duration::from_secs(2);

/// The tone, and how late it may come back: some wireless speakers take half a second.
const PLAYED: Duration = Duration::from_millis(1_250);

/// How often the speaker is given more, and how much may wait in it beside what it takes at once.
const TURN: Duration = Duration::from_millis(10);
const AHEAD: Duration = Duration::from_millis(80);

/// Samples in a block for the speaker: 10 ms.
const BLOCK: usize = SAMPLE_RATE_HZ as usize / 100;

/// Blocks that come so much too late have others missing before them.
const GAP: usize = SAMPLE_RATE_HZ as usize / 50;

/// Opens both and tries them out.
pub(super) fn try_out(
    microphone: Option<SourceOpener<dyn AudioSource>>,
    speaker: Option<SinkOpener<dyn AudioSink>>,
    clock: Clock,
) -> (Option<MicrophoneFinding>, Option<SpeakerFinding>) {
    let mut source = microphone.map(|open| open());
    let sink = speaker.map(|open| open());
    let heard = source.as_mut().map(|source| listen(source, clock));
    let speaker = sink.map(|sink| match sink {
        Ok(mut sink) => {
            let source = source.as_mut().and_then(|source| source.as_mut().ok());
            let found = play(&mut *sink, source.map(|source| &mut **source), clock);
            sink.finish();
            found.unwrap_or_else(|error| SpeakerFinding { error: Some(error.to_string()), ..SpeakerFinding::default() })
        }
        Err(error) => SpeakerFinding { error: Some(error.to_string()), ..SpeakerFinding::default() },
    });
    (heard, speaker)
}

/// Listens to the room.
fn listen(source: &mut Result<Box<dyn AudioSource>, SourceError>, clock: Clock) -> MicrophoneFinding {
    let source = match source {
        Ok(source) => source,
        Err(error) => return MicrophoneFinding { level: None, error: Some(error.to_string()) },
    };
    let mut heard = Heard::new(clock.now(), false);
    let until = now() + LISTENED;
    while now() < until {
        if let Err(error) = heard.listen(&mut **source, until.saturating_duration_since(now()), clock) {
            return MicrophoneFinding { level: None, error: Some(error.to_string()) };
        }
    }
    MicrophoneFinding { level: Level::of(&heard.samples), error: None }
}

/// Plays the tone and looks for it in what the microphone hears. A microphone that fails hears nothing.
fn play(
    sink: &mut dyn AudioSink,
    mut source: Option<&mut (dyn AudioSource + 'static)>,
    clock: Clock,
) -> Result<SpeakerFinding, SinkError> {
    let sweep = echo::sweep();
    let mut blocks = sweep.chunks(BLOCK);
    let mut heard = Heard::new(clock.now(), true);
    let (begun, wait) = (clock.now(), Slot::<()>::new());
    while clock.now().saturating_since(begun) < PLAYED {
        while sink.queued() < sink.wanted() + AHEAD {
            let Some(block) = blocks.next() else { break };
            sink.play(&AudioFrame { captured_at: clock.now(), channels: 1, samples: block.to_vec() })?;
        }
        match &mut source {
            Some(live) => {
                if heard.listen(&mut **live, TURN, clock).is_err() {
                    source = None;
                }
            }
            None => _ = wait.take(TURN),
        }
    }
    let played = blocks.next().is_none();
    let echo = source.is_some().then(|| echo::find(&heard.samples));
    Ok(SpeakerFinding {
        played,
        heard: echo.map(|echo| echo.is_some()),
        round_trip_ms: echo.flatten().map(|echo| {
            let after = heard.at(echo.at).saturating_since(begun) + heard.delay;
            (after.as_secs_f64() * 1e4).round() / 10.0
        }),
        echo_db: echo.flatten().map(|echo| (200.0 * echo.gain.log10()).round() / 10.0),
        error: None,
    })
}

/// What a microphone heard, one channel.
struct Heard {
    /// When the first sample was captured; before it is there, from when on it may be.
    begun: MediaTime,
    samples: Vec<f32>,
    /// Whether what was lost is silence, so that all later samples are where they belong.
    keeps_time: bool,
    frame: AudioFrame,
    /// From the end of a block to its coming here, at least.
    delay: Duration,
}

impl Heard {
    fn new(begun: MediaTime, keeps_time: bool) -> Self {
        Self { begun, samples: Vec::new(), keeps_time, frame: AudioFrame::default(), delay: Duration::MAX }
    }

    /// Waits for a block, and puts it where it belongs.
    fn listen(&mut self, source: &mut dyn AudioSource, timeout: Duration, clock: Clock) -> Result<(), SourceError> {
        if !source.read(&mut self.frame, timeout)? {
            return Ok(());
        }
        let Self { begun, samples, keeps_time, frame, delay } = self;
        // Of what was captured before, nothing is of interest.
        if frame.captured_at < *begun {
            return Ok(());
        }
        *delay = (*delay).min(clock.now().saturating_since(frame.captured_at + frame.duration()));
        if samples.is_empty() {
            *begun = frame.captured_at;
        }
        let at = frame.captured_at.saturating_since(*begun).as_secs_f64() * f64::from(SAMPLE_RATE_HZ);
        let at = at as usize;
        if *keeps_time && at > samples.len() + GAP {
            samples.resize(at, 0.0);
        }
        let channels = usize::from(frame.channels.max(1));
        samples.extend(frame.samples.chunks_exact(channels).map(|each| each.iter().sum::<f32>() / channels as f32));
        Ok(())
    }

    /// Returns when a sample was captured.
    fn at(&self, sample: usize) -> MediaTime {
        self.begun + MediaTime::from_ticks(sample as u64, SAMPLE_RATE_HZ).since_epoch()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::source::Tone;

    /// A room: what is played is heard later, and quieter.
    #[derive(Clone, Default)]
    struct Room(Arc<Mutex<Vec<f32>>>);

    const LATE: usize = 40 * 48;

    struct RoomMicrophone {
        room: Room,
        silence: Tone,
        at: usize,
    }

    impl AudioSink for Room {
        fn play(&mut self, frame: &AudioFrame) -> Result<(), SinkError> {
            self.0.lock().expect("no panic").extend(&frame.samples);
            Ok(())
        }

        fn queued(&self) -> Duration {
            Duration::ZERO
        }
    }

    impl AudioSource for RoomMicrophone {
        fn channels(&self) -> u8 {
            1
        }

        fn read(&mut self, frame: &mut AudioFrame, timeout: Duration) -> Result<bool, SourceError> {
            if !self.silence.read(frame, timeout)? {
                return Ok(false);
            }
            let played = self.room.0.lock().expect("no panic");
            if played.is_empty() {
                frame.samples.fill(0.001);
                return Ok(true);
            }
            for sample in &mut frame.samples {
                let echo = self.at.checked_sub(LATE).and_then(|at| played.get(at));
                *sample = 0.1 * echo.copied().unwrap_or_default();
                self.at += 1;
            }
            Ok(true)
        }
    }

    #[test]
    fn the_tone_comes_back_through_the_room() {
        let clock = Clock::new(now());
        let room = Room::default();
        let (sink, heard) = (room.clone(), room);
        let microphone: SourceOpener<dyn AudioSource> =
            Box::new(move || Ok(Box::new(RoomMicrophone { room: heard, silence: Tone::new(440.0, clock), at: 0 })));
        let (microphone, speaker) = try_out(Some(microphone), Some(Box::new(move || Ok(Box::new(sink)))), clock);
        assert!(microphone.is_some_and(|found| found.level.is_some_and(|level| level.is_silent())));
        let speaker = speaker.expect("there is one");
        assert_eq!((speaker.played, speaker.heard), (true, Some(true)), "{speaker:?}");
        let (late, quiet) = (speaker.round_trip_ms.expect("heard"), speaker.echo_db.expect("heard"));
        // Block by block, on a machine that may be busy.
        assert!((40.0..500.0).contains(&late) && (-22.0..-18.0).contains(&quiet), "{speaker:?}");
    }

    #[test]
    fn what_cannot_be_opened_is_told_and_the_other_is_tried_all_the_same() {
        let clock = Clock::new(now());
        let (microphone, speaker) = try_out(
            Some(Box::new(|| Err(SourceError::Missing("There is no microphone.".into())))),
            Some(Box::new(|| Ok(Box::new(Room::default())))),
            clock,
        );
        assert_eq!(microphone.and_then(|found| found.error).as_deref(), Some("There is no microphone."));
        assert!(speaker.is_some_and(|found| found.played && found.heard.is_none()));
    }
}
