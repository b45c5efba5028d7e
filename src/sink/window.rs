//! A window for the picture. It splits in two: halves for the call, which may live on any thread,
//! and a loop that owns the main thread, because the systems' windows demand it.
//!
//! The only module that names winit and softbuffer.

mod paint;

use std::{
    fmt,
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use winit::{
    application::ApplicationHandler,
    dpi::PhysicalSize,
    event::{ElementState, KeyEvent, WindowEvent},
    event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy},
    keyboard::{Key, ModifiersState},
    window::{Window, WindowId},
};

use self::paint::Painter;
use super::{SinkError, VideoSink};
use crate::media::{Size, Slot, VideoFrame};

type Surface = softbuffer::Surface<Rc<Window>, Rc<Window>>;

/// Opens the way to the screen. The window itself appears in [`WindowLoop::run`].
///
/// Call it on the main thread, at most once in a program.
///
/// # Errors
/// [`SinkError::Missing`] if there is no display to show a window on.
pub fn create(title: impl Into<String>) -> Result<(WindowParts, WindowLoop), SinkError> {
    let event_loop = event_loop()?;
    let shared = Arc::new(Shared {
        picture: Slot::new(),
        preview: Slot::new(),
        title: Slot::new(),
        closed: AtomicBool::new(false),
        woken: AtomicBool::new(false),
    });
    let waker = Waker { shared: shared.clone(), proxy: event_loop.create_proxy() };
    let parts = WindowParts {
        picture: WindowSink { frames: shared.picture.clone(), waker: waker.clone() },
        preview: WindowSink { frames: shared.preview.clone(), waker: waker.clone() },
        control: WindowControl { waker },
    };
    Ok((parts, WindowLoop { event_loop, shared: EndsWithLoop(shared), title: title.into() }))
}

/// What the call holds of a window.
#[derive(Debug)]
pub struct WindowParts {
    /// Takes the other side's pictures: they fill the window, black bars keep the aspect.
    pub picture: WindowSink,
    /// Takes our own pictures, shown mirrored in the lower right corner.
    pub preview: WindowSink,
    /// Changes the window.
    pub control: WindowControl,
}

/// Takes pictures for a window. The newest wins; the window draws when the system lets it.
#[derive(Debug)]
pub struct WindowSink {
    frames: Slot<Option<VideoFrame>>,
    waker: Waker,
}

impl VideoSink for WindowSink {
    fn show(&mut self, frame: VideoFrame) -> Result<(), SinkError> {
        if !self.frames.put(Some(frame)) {
            return Err(SinkError::Ended("the window was closed".into()));
        }
        self.waker.wake();
        Ok(())
    }

    /// Takes the last picture away. The window stays: [`WindowControl::close`] closes it.
    fn finish(&mut self) {
        if self.frames.put(None) {
            self.waker.wake();
        }
    }
}

/// Changes a window from any thread. Without effect once the window is closed.
#[derive(Clone, Debug)]
pub struct WindowControl {
    waker: Waker,
}

impl WindowControl {
    /// Changes the title.
    pub fn set_title(&self, title: impl Into<String>) {
        self.waker.shared.title.put(title.into());
        self.waker.wake();
    }

    /// Closes the window and ends [`WindowLoop::run`], also if that has not begun.
    pub fn close(&self) {
        self.waker.shared.closed.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// What a person does with the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WindowInput {
    /// A key was pressed that stands for this character; never with Ctrl, Alt or the system's key.
    Key(char),
    /// The window was closed. It is the last input.
    CloseRequested,
}

/// The half of a window that runs on the main thread.
pub struct WindowLoop {
    event_loop: EventLoop<Woken>,
    shared: EndsWithLoop,
    title: String,
}

impl WindowLoop {
    /// Shows the window until the person or [`WindowControl::close`] closes it. Blocks; call it on the main thread.
    ///
    /// # Errors
    /// If the window cannot be opened or drawn to any more.
    pub fn run(self, on_input: impl FnMut(WindowInput) + 'static) -> Result<(), SinkError> {
        let mut screen = Screen {
            shared: self.shared,
            title: self.title,
            on_input: Box::new(on_input),
            surface: None,
            modifiers: ModifiersState::empty(),
            painter: Painter::default(),
            failure: None,
        };
        self.event_loop.set_control_flow(ControlFlow::Wait);
        let ended = self.event_loop.run_app(&mut screen);
        if let Some(failure) = screen.failure.take() {
            return Err(failure);
        }
        ended.map_err(|error| SinkError::Ended(format!("the window was lost: {error}")))
    }
}

impl fmt::Debug for WindowLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowLoop").field("title", &self.title).finish_non_exhaustive()
    }
}

/// What wakes the loop: something in [`Shared`] has changed.
#[derive(Debug)]
struct Woken;

/// What both halves hold. Every queue keeps the newest alone.
#[derive(Debug)]
struct Shared {
    picture: Slot<Option<VideoFrame>>,
    preview: Slot<Option<VideoFrame>>,
    title: Slot<String>,
    closed: AtomicBool,
    /// A wake is on its way: another would only lengthen the system's queue.
    woken: AtomicBool,
}

/// The loop's share: without the loop the sinks take nothing more.
#[derive(Debug)]
struct EndsWithLoop(Arc<Shared>);

impl Drop for EndsWithLoop {
    fn drop(&mut self) {
        self.0.picture.close();
        self.0.preview.close();
        self.0.title.close();
    }
}

#[derive(Clone)]
struct Waker {
    shared: Arc<Shared>,
    proxy: EventLoopProxy<Woken>,
}

impl Waker {
    fn wake(&self) {
        if !self.shared.woken.swap(true, Ordering::AcqRel) {
            // A loop that has ended needs no waking.
            let _ = self.proxy.send_event(Woken);
        }
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker").finish_non_exhaustive()
    }
}

/// Makes the event loop. winit panics where it should not: off the main thread, and when a library it
/// loads at run time (xkbcommon-x11) or an extension of the X server is missing.
fn event_loop() -> Result<EventLoop<Woken>, SinkError> {
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let built = catch_unwind(AssertUnwindSafe(|| EventLoop::with_user_event().build()));
    set_hook(hook);
    match built {
        Ok(Ok(event_loop)) => Ok(event_loop),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no event loop");
            Err(missing("no X11 or Wayland display answers"))
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(missing(text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the window system failed")))
        }
    }
}

fn missing(cause: &str) -> SinkError {
    SinkError::Missing(format!("there is no display for a window ({cause}); show the picture in the terminal instead"))
}

/// The window and what is in it; lives on the main thread.
struct Screen {
    shared: EndsWithLoop,
    title: String,
    on_input: Box<dyn FnMut(WindowInput)>,
    surface: Option<Surface>,
    modifiers: ModifiersState,
    painter: Painter,
    failure: Option<SinkError>,
}

impl ApplicationHandler<Woken> for Screen {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.surface.is_some() {
            return;
        }
        match self.open(event_loop) {
            Ok(surface) => {
                surface.window().request_redraw();
                self.surface = Some(surface);
            }
            Err(cause) => self.fail(event_loop, format!("a window cannot be opened: {cause}")),
        }
        self.take_changes(event_loop);
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, Woken: Woken) {
        self.take_changes(event_loop);
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested | WindowEvent::Destroyed => {
                // Seen at once: taking the call down may take a moment.
                self.surface = None;
                event_loop.exit();
                (self.on_input)(WindowInput::CloseRequested);
            }
            WindowEvent::ModifiersChanged(modifiers) => self.modifiers = modifiers.state(),
            WindowEvent::KeyboardInput { event, is_synthetic: false, .. } => {
                if let Some(key) = key(&event, self.modifiers) {
                    (self.on_input)(WindowInput::Key(key));
                }
            }
            WindowEvent::Resized(_) | WindowEvent::ScaleFactorChanged { .. } => {
                if let Some(surface) = &self.surface {
                    surface.window().request_redraw();
                }
            }
            WindowEvent::RedrawRequested => {
                if let Err(cause) = self.draw() {
                    self.fail(event_loop, format!("the window cannot be drawn to: {cause}"));
                }
            }
            _ => {}
        }
    }
}

impl Screen {
    fn open(&self, event_loop: &ActiveEventLoop) -> Result<Surface, Box<dyn std::error::Error>> {
        let attributes = Window::default_attributes()
            .with_title(&self.title)
            .with_inner_size(first_size(event_loop))
            .with_min_inner_size(PhysicalSize::new(160, 90));
        let window = Rc::new(event_loop.create_window(attributes)?);
        let context = softbuffer::Context::new(window.clone())?;
        Ok(Surface::new(&context, window)?)
    }

    fn take_changes(&mut self, event_loop: &ActiveEventLoop) {
        let shared = &self.shared.0;
        // Before looking: a change after the look must wake again.
        shared.woken.store(false, Ordering::Release);
        if shared.closed.load(Ordering::Acquire) {
            self.surface = None;
            event_loop.exit();
            return;
        }
        let (picture, preview) = (shared.picture.try_take(), shared.preview.try_take());
        let redraw = picture.is_some() || preview.is_some();
        if let Some(frame) = picture {
            self.painter.set_picture(frame);
        }
        if let Some(frame) = preview {
            self.painter.set_preview(frame);
        }
        let title = shared.title.try_take();
        let Some(surface) = &self.surface else {
            self.title = title.unwrap_or_else(|| std::mem::take(&mut self.title));
            return;
        };
        if let Some(title) = title {
            surface.window().set_title(&title);
        }
        if redraw {
            surface.window().request_redraw();
        }
    }

    fn draw(&mut self) -> Result<(), softbuffer::SoftBufferError> {
        let Some(surface) = &mut self.surface else { return Ok(()) };
        let size = surface.window().inner_size();
        // A minimised window may have no size at all.
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return Ok(());
        };
        surface.resize(width, height)?;
        let mut buffer = surface.buffer_mut()?;
        self.painter.paint(&mut buffer, width.get() as usize, height.get() as usize);
        buffer.present()
    }

    fn fail(&mut self, event_loop: &ActiveEventLoop, what: String) {
        self.failure = Some(SinkError::Unusable(what));
        self.surface = None;
        event_loop.exit();
    }
}

/// Returns 1280 by 720, or what of that aspect fits on the monitor with room for the system's bars.
fn first_size(event_loop: &ActiveEventLoop) -> PhysicalSize<u32> {
    let monitor = event_loop.primary_monitor().or_else(|| event_loop.available_monitors().next());
    let room =
        monitor.map(|monitor| monitor.size()).and_then(|size| Size::new(size.width / 10 * 9, size.height / 10 * 9));
    let size = room.map_or(Size::HD, |room| Size::HD.fit_into(room));
    PhysicalSize::new(size.width() as u32, size.height() as u32)
}

fn key(event: &KeyEvent, modifiers: ModifiersState) -> Option<char> {
    let commanding = ModifiersState::CONTROL | ModifiersState::ALT | ModifiersState::SUPER;
    if event.state != ElementState::Pressed || event.repeat || modifiers.intersects(commanding) {
        return None;
    }
    match &event.logical_key {
        Key::Character(text) => text.chars().next(),
        _ => None,
    }
}
