//! A look at everything that a call will need, before the call: network, camera, microphone, speaker and the speed of
//! this machine.
//!
//! [`Plan`] says what to look at, [`look`] looks; what it finds is a [`Report`], for programs as
//! it is and for people in [`Report::lines`].

mod camera;
mod codecs;
mod echo;
mod level;
mod microphone;
mod report;
mod sound;
mod speaker;
mod turn;

use std::{fmt, time::Duration};

use tokio::sync::oneshot;

pub use camera::CameraFinding;
pub use codecs::{CodecFinding, SizeFinding};
pub use level::Level;
pub use microphone::MicrophoneFinding;
pub use report::Report;
pub use speaker::SpeakerFinding;
pub use turn::TurnFinding;

pub use crate::rtc::nat::{Grade, Line};

use crate::{
    media::{Clock, VideoFormat},
    pipeline::{SinkOpener, SourceOpener, spawn_thread},
    rtc::{
        Bind, RtcError, StunUrl, TurnServer, local_addresses,
        nat::{self, Inquiry, Verdict},
    },
    sink::AudioSink,
    source::{AudioSource, VideoSource},
};

/// A driver that has not come to an end by then never will.
const PATIENCE: Duration = Duration::from_secs(12);

/// What to look at. Whatever is `None` is left out.
pub struct Plan {
    /// The line of time that the sources count on.
    pub clock: Clock,
    /// Whether and how packets get out and in.
    pub network: Option<Network>,
    /// Where pictures come from.
    pub camera: Option<SourceOpener<dyn VideoSource>>,
    /// Where sound comes from.
    pub microphone: Option<SourceOpener<dyn AudioSource>>,
    /// What plays a short tone, which the microphone may hear.
    pub speaker: Option<SinkOpener<dyn AudioSink>>,
    /// The size and rate that the codecs are to keep up with.
    pub codecs: Option<VideoFormat>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("network", &self.network).field("codecs", &self.codecs).finish_non_exhaustive()
    }
}

/// The servers that a call would use.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// STUN servers, `stun:host:port`. Without one the NAT is not looked at.
    pub stun: Vec<String>,
    /// TURN servers: a relay is asked of each, and given back.
    pub turn: Vec<TurnServer>,
    /// Local addresses and interfaces to use, the first address of each family; empty: whatever there is.
    pub bind: Vec<Bind>,
    /// How long to wait, at most, to see when the NAT forgets a silent socket; `None`: that is not looked at.
    pub longest_lifetime: Option<Duration>,
}

/// The parts of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Servers, NAT, relays.
    Network,
    /// Pictures.
    Camera,
    /// Sound in.
    Microphone,
    /// Sound out.
    Speaker,
    /// The speed of this machine.
    Codecs,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "Network",
            Self::Camera => "Camera",
            Self::Microphone => "Microphone",
            Self::Speaker => "Speaker",
            Self::Codecs => "Codecs",
        })
    }
}

/// Looks at all of it, network and devices at the same time, which takes some seven seconds, and the time to wait for
/// the NAT's memory. Must be called on a tokio runtime with time and I/O.
///
/// # Errors
/// If the address of a server or an interface is not what it should be; nothing is looked at then. What fails on the
/// way is a finding.
pub async fn look(plan: Plan) -> Result<Report, RtcError> {
    let Plan { clock, network, camera, microphone, speaker, codecs } = plan;
    let network = network.unwrap_or_default();
    let stun = network.stun.iter().map(|url| url.parse()).collect::<Result<Vec<StunUrl>, _>>()?;
    let inquiry = Inquiry {
        servers: stun.into_iter().map(nat::Server::from).collect(),
        bind: local_addresses(&network.bind)?,
        longest_lifetime: network.longest_lifetime,
    };
    let ((microphone_there, speaker_there), turn_there) =
        ((microphone.is_some(), speaker.is_some()), !network.turn.is_empty());
    let devices = async {
        let camera = async {
            match camera {
                Some(open) => Some(on_thread("check-camera", move || camera::watch(open)).await.unwrap_or_default()),
                None => None,
            }
        };
        let sound = async {
            match microphone_there || speaker_there {
                true => on_thread("check-sound", move || sound::try_out(microphone, speaker, clock)).await,
                false => None,
            }
        };
        let (camera, sound) = tokio::join!(camera, sound);
        // Alone: on a small machine pictures and sound would be lost meanwhile.
        let codecs = match codecs {
            Some(format) => on_thread("check-codecs", move || codecs::measure(format)).await.unwrap_or_default(),
            None => vec![],
        };
        (camera, sound, codecs)
    };
    let (findings, turn, (camera, sound, codecs)) = tokio::join!(
        // Without a server there is nothing to find out.
        async { nat::examine(&inquiry).await.ok() },
        turn::relays(&network, clock),
        devices,
    );
    let (microphone, speaker) = match sound {
        Some((microphone, speaker)) => (microphone, speaker),
        None => (microphone_there.then(MicrophoneFinding::default), speaker_there.then(SpeakerFinding::default)),
    };
    let reached = turn_there && turn.iter().any(|server| server.answers());
    let verdict = findings.as_ref().map(|findings| Verdict::of(findings, reached));
    Ok(Report { findings, verdict, turn, camera, microphone, speaker, codecs })
}

/// Runs what may block on a thread of its own; `None` if it does not come to an end.
async fn on_thread<T: Send + 'static>(name: &'static str, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = oneshot::channel();
    let told = spawn_thread(name, move || _ = tell.send(work())).map(|_| told).ok()?;
    tokio::time::timeout(PATIENCE, told).await.ok()?.ok()
}
