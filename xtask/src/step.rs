//! Steps of a chore: each is announced, timed and, at the end, listed; and the running of other programs.

use std::{
    env, fmt,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

/// Something this machine lacks and a chore may not install by itself; the text says how a person does. Ends with 2.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// The steps done so far, with their times.
#[derive(Default)]
pub(crate) struct Steps(Vec<Step>);

struct Step {
    name: String,
    took: Duration,
    passed: bool,
}

impl Steps {
    /// Runs `work` under a heading, tells how long it took, and hands back what it returned.
    pub(crate) fn run<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("==> {name}");
        let (outcome, took) = timed(work);
        match &outcome {
            Ok(_) => println!("    {} s", seconds(took)),
            Err(error) => println!("    failed after {} s: {error:#}", seconds(took)),
        }
        self.0.push(Step { name: name.to_owned(), took, passed: outcome.is_ok() });
        outcome
    }

    /// Fails if any step did.
    pub(crate) fn finish(&self) -> Result<()> {
        println!("\n{self}");
        let failed = self.0.iter().filter(|step| !step.passed).count();
        ensure!(failed == 0, "{failed} of {} steps failed", self.0.len());
        Ok(())
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            let word = if step.passed { "ok" } else { "FAILED" };
            writeln!(f, "{:>8} s  {word:<6}  {}", seconds(step.took), step.name)?;
        }
        write!(f, "{:>8} s  in all", seconds(self.0.iter().map(|step| step.took).sum()))
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a chore's step took is a fact of this run, not of the product")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    (work(), begun.elapsed())
}

/// Returns seconds with one decimal.
fn seconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64())
}

/// Returns the cargo that started this chore.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a program to its end, its output passed through.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {}", shown(command)))?;
    ensure!(status.success(), "{} ended with {status}", shown(command));
    Ok(())
}

/// Returns the trimmed standard output of a program, or nothing if it is absent or fails.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns the command as a person would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    format!("`{}`", words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

    use anyhow::bail;

    use super::*;

    #[test]
    fn a_failed_step_is_listed_and_fails_the_whole() {
        let mut steps = Steps::default();
        assert_eq!(steps.run("first", || Ok(7)).unwrap(), 7);
        assert!(steps.run("second", || -> Result<()> { bail!("no luck") }).is_err());
        assert!(steps.to_string().contains("FAILED  second"), "{steps}");
        assert_eq!(steps.finish().unwrap_err().to_string(), "1 of 2 steps failed");
    }

    #[test]
    fn a_program_that_fails_is_named_with_its_arguments() {
        let error = run(Command::new("false").arg("--really")).unwrap_err();
        assert!(error.to_string().starts_with("`false --really` ended with"), "{error}");
    }

    #[test]
    fn a_program_that_is_absent_gives_no_answer() {
        assert_eq!(answer(&mut Command::new("remit-no-such-program")), None);
        assert_eq!(answer(Command::new("echo").arg(" yes ")), Some("yes".to_owned()));
    }
}
