//! Sinks that show and play nothing, but remember for a while what came: for calls without a screen
//! or a loudspeaker, and for tests that ask what arrived.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use super::{AudioSink, SinkError, VideoSink, pace::VirtualDevice};
use crate::media::{AudioFrame, SAMPLE_RATE_HZ, VideoFrame, now};

/// How many pictures are remembered: about a second.
const PICTURES: usize = 32;
/// How much sound is remembered.
const SOUND: Duration = Duration::from_secs(5);

/// Takes pictures and shows them to nobody.
#[derive(Debug)]
pub struct NullVideo(Memory<VideoFrame>);

/// What a [`NullVideo`] was given: its newest pictures, and a way to wait for one.
#[derive(Clone, Debug)]
pub struct Shown(Memory<VideoFrame>);

/// Why waiting ended without what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSeen {
    /// How many frames the sink was given in all.
    pub frames: u64,
    /// Whether the sink is gone: nothing more would have come.
    pub ended: bool,
}

impl NullVideo {
    /// Returns the sink and the view on what it was given.
    pub fn new() -> (Self, Shown) {
        let memory = Memory::new(PICTURES);
        (Self(memory.clone()), Shown(memory))
    }
}

impl VideoSink for NullVideo {
    fn show(&mut self, frame: VideoFrame) -> Result<(), SinkError> {
        self.0.add(frame);
        Ok(())
    }
}

impl Drop for NullVideo {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Shown {
    /// Returns how many pictures came.
    pub fn count(&self) -> u64 {
        self.0.lock().count
    }

    /// Returns the newest picture.
    pub fn last(&self) -> Option<VideoFrame> {
        self.0.lock().frames.back().cloned()
    }

    /// Asks about each remembered picture (the newest 32), oldest first, and then about each that
    /// comes, until the answer is `Some`. A picture is asked about once.
    ///
    /// # Errors
    /// If the time is over, or the sink gone.
    pub fn wait_for<T>(&self, timeout: Duration, wanted: impl FnMut(&VideoFrame) -> Option<T>) -> Result<T, NotSeen> {
        self.0.wait_for(timeout, wanted)
    }
}

/// Takes sound as fast as a loudspeaker would, and plays it to nobody.
#[derive(Debug)]
pub struct NullAudio {
    memory: Memory<AudioFrame>,
    device: VirtualDevice,
}

/// What a [`NullAudio`] was given: its newest sound, and a way to wait for some.
#[derive(Clone, Debug)]
pub struct Played(Memory<AudioFrame>);

impl NullAudio {
    /// Returns the sink and the view on what it was given.
    pub fn new() -> (Self, Played) {
        // Blocks are of 20 ms, or of 10.
        let memory = Memory::new(SOUND.as_millis() as usize / 10);
        (Self { memory: memory.clone(), device: VirtualDevice::default() }, Played(memory))
    }
}

impl AudioSink for NullAudio {
    fn play(&mut self, frame: &AudioFrame) -> Result<(), SinkError> {
        self.device.play(frame.duration(), now());
        self.memory.add(frame.clone());
        Ok(())
    }

    fn queued(&self) -> Duration {
        self.device.queued(now())
    }

    fn starved(&self) -> Duration {
        self.device.starved()
    }
}

impl Drop for NullAudio {
    fn drop(&mut self) {
        self.memory.end();
    }
}

impl Played {
    /// Returns how many blocks came.
    pub fn count(&self) -> u64 {
        self.0.lock().count
    }

    /// Returns the newest sound, at most so much of it (and at most 5 s), mixed to mono.
    pub fn last(&self, duration: Duration) -> Vec<f32> {
        let mut window = Window::new(duration);
        self.0.lock().frames.iter().for_each(|frame| window.add(frame));
        window.samples.into()
    }

    /// Asks about each stretch of sound of length `window` (mixed to mono, at most 5 s), each a
    /// block further than the one before: from those remembered to those that come, until the
    /// answer is `Some`.
    ///
    /// # Errors
    /// If the time is over, or the sink gone.
    pub fn wait_for<T>(
        &self,
        timeout: Duration,
        window: Duration,
        mut wanted: impl FnMut(&[f32]) -> Option<T>,
    ) -> Result<T, NotSeen> {
        let mut window = Window::new(window);
        self.0.wait_for(timeout, |frame| {
            window.add(frame);
            window.full().and_then(&mut wanted)
        })
    }
}

impl fmt::Display for NotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.ended { "the sink ended" } else { "the time was over" };
        write!(f, "none of the {} frames given to the sink was as wanted when {why}", self.frames)
    }
}

impl std::error::Error for NotSeen {}

/// The newest samples, mixed to mono.
struct Window {
    len: usize,
    samples: VecDeque<f32>,
}

impl Window {
    fn new(duration: Duration) -> Self {
        let len = (duration.min(SOUND).as_secs_f64() * f64::from(SAMPLE_RATE_HZ)).round() as usize;
        Self { len, samples: VecDeque::with_capacity(len) }
    }

    fn add(&mut self, frame: &AudioFrame) {
        let channels = usize::from(frame.channels.max(1));
        let mono = frame.samples.chunks_exact(channels).map(|moment| moment.iter().sum::<f32>() / channels as f32);
        self.samples.extend(mono);
        let surplus = self.samples.len().saturating_sub(self.len);
        self.samples.drain(..surplus);
    }

    fn full(&mut self) -> Option<&[f32]> {
        (self.samples.len() == self.len).then(|| &*self.samples.make_contiguous())
    }
}

/// The newest frames, shared between the sink and those who ask.
#[derive(Debug)]
struct Memory<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    frames: VecDeque<T>,
    capacity: usize,
    count: u64,
    ended: bool,
}

impl<T: Clone> Memory<T> {
    fn new(capacity: usize) -> Self {
        let state = State { frames: VecDeque::with_capacity(capacity), capacity, count: 0, ended: false };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }))
    }

    /// A full memory forgets the oldest.
    fn add(&self, frame: T) {
        let mut state = self.lock();
        if state.frames.len() == state.capacity {
            state.frames.pop_front();
        }
        state.frames.push_back(frame);
        state.count += 1;
        drop(state);
        self.0.changed.notify_all();
    }

    fn end(&self) {
        self.lock().ended = true;
        self.0.changed.notify_all();
    }

    fn wait_for<A>(&self, timeout: Duration, mut wanted: impl FnMut(&T) -> Option<A>) -> Result<A, NotSeen> {
        let deadline = now() + timeout.min(Duration::from_secs(3600));
        let mut asked = 0;
        loop {
            // The question may take its time: it is not asked under the lock.
            let (new, ended) = self.frames_after(asked, deadline);
            for (number, frame) in &new {
                if let Some(answer) = wanted(frame) {
                    return Ok(answer);
                }
                asked = *number;
            }
            if new.is_empty() || now() >= deadline || (ended && asked == self.lock().count) {
                return Err(NotSeen { frames: self.lock().count, ended });
            }
        }
    }

    /// Waits for frames after the `asked`-th; returns them with their numbers, counted from one.
    fn frames_after(&self, asked: u64, deadline: Instant) -> (Vec<(u64, T)>, bool) {
        let nothing_new = |state: &mut State<T>| state.count <= asked && !state.ended;
        let left = deadline.saturating_duration_since(now());
        let (state, _) = self
            .0
            .changed
            .wait_timeout_while(self.lock(), left, nothing_new)
            .expect("the lock is never held across a panic");
        let first = state.count - state.frames.len() as u64 + 1;
        let new = (first..).zip(state.frames.iter().cloned()).filter(|(number, _)| *number > asked).collect();
        (new, state.ended)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.state.lock().expect("the lock is never held across a panic")
    }
}

impl<T> Clone for Memory<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{MediaTime, Size};

    fn picture(luma: u8) -> VideoFrame {
        VideoFrame::grey(MediaTime::ZERO, Size::new(2, 2).expect("in range"), luma)
    }

    fn is(luma: u8) -> impl Fn(&VideoFrame) -> Option<u8> {
        move |frame| (frame.y()[0] == luma).then_some(luma)
    }

    #[test]
    fn remembered_and_coming_pictures_are_asked_about() {
        let (mut sink, shown) = NullVideo::new();
        sink.show(picture(1)).expect("takes it");
        sink.show(picture(2)).expect("takes it");
        assert_eq!(shown.wait_for(Duration::ZERO, is(1)), Ok(1));
        assert_eq!(shown.wait_for(Duration::ZERO, is(3)), Err(NotSeen { frames: 2, ended: false }));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| shown.wait_for(Duration::from_secs(60), is(3)));
            sink.show(picture(3)).expect("takes it");
            assert_eq!(waiting.join().expect("no panic"), Ok(3));
        });
        assert_eq!(shown.count(), 3);
        assert_eq!(shown.last().and_then(|frame| is(3)(&frame)), Some(3));
    }

    #[test]
    fn each_picture_is_asked_about_once_and_the_oldest_are_forgotten() {
        let (mut sink, shown) = NullVideo::new();
        for luma in 0..40 {
            sink.show(picture(luma)).expect("takes it");
        }
        drop(sink);
        let mut asked = Vec::new();
        let nothing: Result<(), _> = shown.wait_for(Duration::from_secs(60), |frame| {
            asked.push(frame.y()[0]);
            None
        });
        assert_eq!(nothing, Err(NotSeen { frames: 40, ended: true }));
        assert_eq!(asked, (8..40).collect::<Vec<u8>>());
    }

    #[test]
    fn sound_is_asked_about_in_windows_of_mono() {
        let (mut sink, played) = NullAudio::new();
        for level in [0.2, 0.4, 0.6] {
            let samples = [level, 0.0].repeat(960);
            sink.play(&AudioFrame { captured_at: MediaTime::ZERO, channels: 2, samples }).expect("takes it");
        }
        let mut ends = Vec::new();
        let window = Duration::from_millis(30);
        let nothing: Result<(), _> = played.wait_for(Duration::ZERO, window, |samples| {
            assert_eq!(samples.len(), 1440);
            ends.push((samples[0], samples[1439]));
            None
        });
        assert_eq!(nothing, Err(NotSeen { frames: 3, ended: false }));
        assert_eq!(ends, [(0.1, 0.2), (0.2, 0.3)]);
        assert_eq!(played.last(Duration::from_millis(10)), vec![0.3; 480]);
    }

    #[test]
    fn sound_is_taken_at_the_speed_of_a_device() {
        let (mut sink, _) = NullAudio::new();
        sink.play(&AudioFrame::silence(MediaTime::ZERO, 1, 48_000 * 60)).expect("takes it");
        let queued = sink.queued();
        assert!(queued <= Duration::from_secs(60) && queued > Duration::from_secs(1), "{queued:?}");
    }
}
