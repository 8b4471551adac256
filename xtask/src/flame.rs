//! A flame graph of one part of the benchmark, from what `perf` sampled: who called whom, and how much time that took.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};

use crate::step::{Missing, answer, run as finish};

/// Width of the picture, and of one character, in pixels.
const WIDTH: f64 = 1_200.0;
const CHARACTER: f64 = 6.2;
/// Height of one call.
const HEIGHT: usize = 17;
/// What takes a smaller share of all samples is left out, so that the file stays small.
const SHARE_MIN: f64 = 0.004;
/// Samples in a second.
const FREQUENCY: &str = "499";

/// Samples `remit-bench --only PART`, or takes samples that `perf record` left in a file, and writes the picture.
pub(crate) fn run(part: &str, samples: Option<PathBuf>, picture: &str) -> Result<()> {
    let samples = samples.map_or_else(|| sample(part), Ok)?;
    let script = script(&samples)?;
    fs::write(picture, draw(&fold(&script))).with_context(|| format!("writing {picture}"))
}

/// Samples a part of the benchmark and returns the file of its samples.
fn sample(part: &str) -> Result<PathBuf> {
    if answer(Command::new("perf").arg("--version")).is_none() {
        return Err(Missing("perf is needed: `sudo apt-get install linux-perf`".to_owned()).into());
    }
    let target = crate::bench::build_with_names()?;
    let (release, samples) = (target.join("release"), target.join("perf.data"));
    let mut record = Command::new("perf");
    record.args(["record", "--freq", FREQUENCY, "--call-graph", "dwarf,8192", "--output"]).arg(&samples);
    record.arg("--").arg(release.join("remit-bench")).args(["--only", part, "--remit"]).arg(release.join("remit"));
    finish(record.arg("--data").arg(target.join("bench-data")))?;
    Ok(samples)
}

fn script(samples: &PathBuf) -> Result<String> {
    let mut command = Command::new("perf");
    command.args(["script", "--fields", "comm,ip,sym", "--input"]).arg(samples);
    let output = command.output().context("starting perf")?;
    ensure!(output.status.success(), "perf ended with {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A call and what was called from it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Call {
    samples: usize,
    calls: BTreeMap<String, Self>,
}

/// Returns the calls of all samples: the thread's name first, then from the outermost call to the innermost.
fn fold(script: &str) -> Call {
    let mut all = Call::default();
    for sample in script.split("\n\n") {
        let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
        let Some(thread) = lines.next() else { continue };
        let mut stack: Vec<_> = lines.filter_map(|line| Some(name(line.trim().split_once(' ')?.1))).collect();
        // A wrapper and what it wraps have one name: one step is enough.
        stack.dedup();
        let mut at = &mut all;
        at.samples += 1;
        for call in std::iter::once(thread.trim().to_owned()).chain(stack.into_iter().rev()) {
            at = at.calls.entry(call).or_default();
            at.samples += 1;
        }
    }
    all
}

/// Returns a name that people read: without generics, offsets and the marks of closures.
fn name(symbol: &str) -> String {
    let (mut depth, mut out) = (0_usize, String::new());
    for sign in symbol.split("+0x").next().unwrap_or(symbol).chars() {
        match sign {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            sign if depth == 0 => out.push(sign),
            _ => {}
        }
    }
    let short = out.replace("::{{closure}}", "").replace("{{vtable.shim}}", "");
    let parts: Vec<_> = short.trim_matches(':').split("::").filter(|part| !part.is_empty()).collect();
    let named = parts[parts.len().saturating_sub(2)..].join("::");
    if named.is_empty() { symbol.chars().take(40).collect() } else { named }
}

/// Returns the picture.
fn draw(all: &Call) -> String {
    let rows = depth(all, all.samples) + 1;
    let height = rows * HEIGHT;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" \
         font-size=\"10\">\n<title>Who called whom, and how much of the time it took</title>\n"
    );
    let mut place = Place { out: &mut out, whole: all.samples, rows };
    place.draw(all, "all", 0, 0);
    out.push_str("</svg>\n");
    out
}

/// Where a call is drawn.
struct Place<'a> {
    out: &'a mut String,
    whole: usize,
    rows: usize,
}

impl Place<'_> {
    fn draw(&mut self, call: &Call, name: &str, before: usize, row: usize) {
        let share = part(call.samples, self.whole);
        if share < SHARE_MIN {
            return;
        }
        let (x, width) = (part(before, self.whole) * WIDTH, share * WIDTH);
        let y = (self.rows - row - 1) * HEIGHT;
        let hue = name.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) % 50;
        let (name, percent) = (escaped(name), share * 100.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of characters")]
        let room = (width / CHARACTER) as usize;
        let shown: String = if room < 4 { String::new() } else { name.chars().take(room).collect() };
        // Writing into a text cannot fail.
        let _ = writeln!(
            self.out,
            "<g><title>{name}, {percent:.1} %</title><rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" \
             fill=\"hsl({hue},75%,65%)\"/><text x=\"{:.1}\" y=\"{}\">{shown}</text></g>",
            HEIGHT - 1,
            x + 2.0,
            y + 12
        );
        let mut before = before;
        for (name, inner) in &call.calls {
            self.draw(inner, name, before, row + 1);
            before += inner.samples;
        }
    }
}

/// Returns how many calls stand above one another at most, the small ones left out.
fn depth(call: &Call, whole: usize) -> usize {
    let drawn = call.calls.values().filter(|inner| part(inner.samples, whole) >= SHARE_MIN);
    drawn.map(|inner| 1 + depth(inner, whole)).max().unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "samples are a few thousand")]
fn part(samples: usize, whole: usize) -> f64 {
    samples as f64 / whole.max(1) as f64
}

fn escaped(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "writer\n  7f01 memcpy+0x10\n  5501 store::write::Plan::apply\n\n\
        writer\n  5502 <T as core::ops::Fn<A>>::call\n  5501 store::write::Plan::apply::{{closure}}\n\n";

    #[test]
    fn samples_fold_into_who_called_whom() {
        let all = fold(SCRIPT);
        let apply = &all.calls["writer"].calls["Plan::apply"];
        assert_eq!((all.samples, apply.samples), (2, 2));
        assert_eq!(apply.calls.keys().collect::<Vec<_>>(), ["call", "memcpy"]);
    }

    #[test]
    fn the_picture_gives_each_call_its_share() {
        let picture = draw(&fold(SCRIPT));
        assert!(picture.contains("<title>memcpy, 50.0 %</title><rect x=\"600.0\""), "{picture}");
        assert_eq!(picture.matches("<rect").count(), 5);
    }
}
