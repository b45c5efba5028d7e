//! The program as a process: what it prints, what it is told, how it ends.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use p2pcall::{media::now, pipeline::spawn_thread};

/// However slow the machine: by then it has happened or never will.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running p2pcall. Killed when dropped.
pub(crate) struct Program {
    what: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; `None` if it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<String>,
    /// Everything in one.
    pub(crate) stderr: String,
}

impl Program {
    /// Starts the program.
    pub(crate) fn start<S: AsRef<str>>(args: &[S]) -> Self {
        Self::start_with(args, &[])
    }

    /// Starts the program with these variables in its environment.
    pub(crate) fn start_with<S: AsRef<str>>(args: &[S], variables: &[(&str, &str)]) -> Self {
        let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
        let mut child = Command::new(env!("CARGO_BIN_EXE_p2pcall"))
            .args(&args)
            // What a machine happens to have must not change what is printed.
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (stdout, stderr) = (Arc::new(Lines::default()), Arc::new(Lines::default()));
        read("test-stdout", child.stdout.take().expect("it is a pipe"), stdout.clone());
        read("test-stderr", child.stderr.take().expect("it is a pipe"), stderr.clone());
        Self { what: args.join(" "), stdin: child.stdin.take(), child, stdout, stderr }
    }

    /// Writes to its standard input.
    pub(crate) fn say(&mut self, text: &str) {
        if let Some(stdin) = &mut self.stdin {
            // One that has ended already hears nothing; what it ended with is judged elsewhere.
            let _ = writeln!(stdin, "{text}").and_then(|()| stdin.flush());
        }
    }

    /// Ends its standard input.
    pub(crate) fn say_no_more(&mut self) {
        self.stdin = None;
    }

    /// Waits for the blob.
    pub(crate) fn blob(&self) -> String {
        self.wait("a blob", &self.stdout, |line| line.starts_with("eyJ").then(|| line.to_owned()))
    }

    /// Waits for the address of what is served.
    pub(crate) fn address(&self) -> String {
        self.wait("an address", &self.stdout, |line| line.starts_with("http://").then(|| line.to_owned()))
    }

    /// Waits for a line on standard error that contains `words`.
    pub(crate) fn tells(&self, words: &str) {
        self.wait(words, &self.stderr, |line| line.contains(words).then_some(()));
    }

    /// Waits for an event that is as wanted; the program was started with `--events -`.
    pub(crate) fn event<T>(&self, what: &str, wanted: impl Fn(&serde_json::Value) -> Option<T>) -> T {
        self.wait(what, &self.stderr, |line| wanted(&serde_json::from_str(line).ok()?))
    }

    fn wait<T>(&self, what: &str, lines: &Lines, wanted: impl FnMut(&str) -> Option<T>) -> T {
        lines.wait_for(wanted).unwrap_or_else(|| {
            panic!("'{}' did not tell {what}, but {:?}\n{}", self.what, self.stdout.all(), self.stderr.all().join("\n"))
        })
    }

    /// Sends a signal by its name.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("there is a 'kill'").success());
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> Ended {
        for lines in [&self.stdout, &self.stderr] {
            let end = lines.wait_for_end();
            assert!(end, "'{}' does not end: {}", self.what, self.stderr.all().join("\n"));
        }
        let status = self.child.wait().expect("it is a child of ours");
        Ended { code: status.code(), stdout: self.stdout.all(), stderr: self.stderr.all().join("\n") }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Ended already, if all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines that a program printed.
#[derive(Default)]
struct Lines {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn all(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    /// Asks about each line, past and coming; `None` if the time is over or no more will come.
    fn wait_for<T>(&self, mut wanted: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let mut asked = 0;
        self.wait(|state| {
            let answer = state.lines[asked..].iter().find_map(|line| wanted(line));
            asked = state.lines.len();
            match answer {
                Some(answer) => Some(Some(answer)),
                None => state.ended.then_some(None),
            }
        })
        .flatten()
    }

    fn wait_for_end(&self) -> bool {
        self.wait(|state| state.ended.then_some(())).is_some()
    }

    fn wait<T>(&self, mut wanted: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let deadline = now() + PATIENCE;
        let mut state = self.lock();
        loop {
            if let Some(answer) = wanted(&state) {
                return Some(answer);
            }
            let left = deadline.saturating_duration_since(now());
            if left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(name: &'static str, from: impl Read + Send + 'static, to: Arc<Lines>) {
    spawn_thread(name, move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            to.lock().lines.push(line);
            to.changed.notify_all();
        }
        to.lock().ended = true;
        to.changed.notify_all();
    })
    .expect("a thread");
}
