//! What the command line says, on its output and beside it. Whoever listens may stop listening, as `head` does.
//!
//! Rust's own printing ends the program when nobody listens; here what is not heard is not said, and the work goes on to
//! its end and its exit code.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write},
    process::exit,
};

/// Says a line on standard output.
macro_rules! say {
    ($($words:tt)*) => { $crate::out::on_output(format_args!("{}\n", format_args!($($words)*))) };
}
/// Says a line beside the output.
macro_rules! tell {
    () => { $crate::out::beside(format_args!("\n")) };
    ($($words:tt)*) => { $crate::out::beside(format_args!("{}\n", format_args!($($words)*))) };
}
/// Shows how far work is, beside the output and without ending the line.
macro_rules! mark {
    ($($words:tt)*) => { $crate::out::beside(format_args!($($words)*)) };
}

/// Writes to standard output; a full disk there is told and ends the program.
pub(crate) fn on_output(words: Arguments) {
    if let Err(error) = written(&mut io::stdout().lock(), words) {
        beside(format_args!("remit: standard output cannot be written: {error}\n"));
        exit(1);
    }
}

/// Writes to standard error; what cannot be written there can be told to nobody.
pub(crate) fn beside(words: Arguments) {
    let _ = io::stderr().lock().write_fmt(words);
}

/// Writes and hands on at once, which is where a listener is found to be gone.
fn written(to: &mut impl Write, words: Arguments) -> io::Result<()> {
    match to.write_fmt(words).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Deaf(ErrorKind);

    impl Write for Deaf {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_listener_who_left_is_no_error_and_a_full_disk_is() {
        assert!(written(&mut Deaf(ErrorKind::BrokenPipe), format_args!("words")).is_ok());
        assert!(written(&mut Deaf(ErrorKind::StorageFull), format_args!("words")).is_err());
        let mut heard = Vec::new();
        assert!(written(&mut heard, format_args!("{} words", 2)).is_ok());
        assert_eq!(heard, b"2 words");
    }
}
