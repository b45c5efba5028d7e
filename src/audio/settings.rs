//! What a person may want done to the sound of a microphone.

/// What is done to the sound of a microphone, in the words of W3C Media Capture and Streams (4.3.8): all of
/// it unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicrophoneSettings {
    /// Take out what the speaker plays.
    pub echo_cancellation: bool,
    /// Take out what stays the same: fans, hum, hiss.
    pub noise_suppression: bool,
    /// Make quiet voices louder, and loud ones not too loud.
    pub auto_gain_control: bool,
}

impl MicrophoneSettings {
    /// Everything.
    pub const ALL: Self = Self { echo_cancellation: true, noise_suppression: true, auto_gain_control: true };

    /// Leaves the sound as it is.
    pub const NONE: Self = Self { echo_cancellation: false, noise_suppression: false, auto_gain_control: false };
}

impl Default for MicrophoneSettings {
    fn default() -> Self {
        Self::ALL
    }
}
