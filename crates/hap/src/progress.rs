//! A progress bar on standard error: drawn in place on a terminal, a line per step elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shows how far long work has come. Safe to share between threads.
pub struct Progress {
    title: String,
    terminal: bool,
    last: Mutex<(usize, String)>,
    quiet: AtomicBool,
}

const WIDTH: usize = 28;

impl Progress {
    /// A bar with a title, at nothing.
    pub fn new(title: impl Into<String>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            title: title.into(),
            terminal,
            last: Mutex::new((usize::MAX, String::new())),
            quiet: AtomicBool::new(false),
        }
    }

    /// The share done (0 to 1) and what is being done now.
    pub fn set(&self, share: f64, now: &str) {
        let percent = (share.clamp(0.0, 1.0) * 100.0) as usize;
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let moved = last.0 != percent || last.1 != now;
        let worth_a_line = self.terminal || last.0 == usize::MAX || percent / 25 != last.0 / 25;
        if !moved || !worth_a_line || self.quiet.load(Ordering::Relaxed) {
            return;
        }
        *last = (percent, now.to_owned());
        let mut err = std::io::stderr().lock();
        let _ = if self.terminal {
            let full = percent * WIDTH / 100;
            let bar: String = (0..WIDTH).map(|i| if i < full { '█' } else { '░' }).collect();
            write!(err, "\r\x1b[K{} {bar} {percent:3} % {now}", self.title)
        } else {
            writeln!(err, "{} {percent} % {now}", self.title)
        };
        let _ = err.flush();
    }

    /// Ends the bar with a last word.
    pub fn done(&self, word: &str) {
        self.quiet.store(true, Ordering::Relaxed);
        let start = if self.terminal { "\r\x1b[K" } else { "" };
        let _ = writeln!(std::io::stderr(), "{start}{}: {word}", self.title);
    }
}
