//! Synthetic 12-lead ECGs as SVG, for demonstrations: drawn from a description, marked synthetic, the same every time.
//!
//! Eight leads are sums of waves, the other four follow from I and II as on any recorder, so the leads agree with each
//! other. Amplitudes are those of textbook tracings; no recording of a person was used.

use std::{f64::consts::TAU, fmt::Write as _};

use serde::{Deserialize, Serialize};

/// Samples a second.
const RATE: f64 = 250.0;
/// Samples of the whole tracing: ten seconds.
const SAMPLES: usize = 2_500;
/// Samples of one lead in its column.
const COLUMN_SAMPLES: usize = SAMPLES / 4;
/// Units of the drawing in a millimetre of paper.
const UNITS: i32 = 20;
/// Paper from one sample to the next, in units: 25 mm a second.
const STEP: i32 = 2;
/// Where traces begin, in millimetres from the left: after the calibration pulse.
const LEFT_MM: i32 = 12;
/// Height of the first baseline and the distance from row to row, in millimetres.
const TOP_MM: i32 = 32;
const ROW_MM: i32 = 34;
const WIDTH_MM: i32 = 270;
const HEIGHT_MM: i32 = 155;

/// What a synthetic tracing shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EcgSpec {
    /// Ventricular beats a minute (in atrial fibrillation on average), held within 25 to 220.
    pub rate: u16,
    /// Start of P to start of QRS in milliseconds, held within 90 to 400; without meaning in atrial fibrillation.
    pub pr_ms: u16,
    /// What leads the heart.
    pub rhythm: Rhythm,
    /// How the beat spreads through the ventricles.
    pub conduction: Conduction,
    /// Chooses noise, phase and irregularity; the same seed gives the same drawing.
    pub seed: u64,
}

/// What leads the heart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rhythm {
    /// P before every QRS.
    Sinus,
    /// Fibrillation waves, no P, irregular beats.
    AtrialFibrillation,
}

/// How the beat spreads through the ventricles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conduction {
    /// QRS of some 90 ms.
    Normal,
    /// Complete right bundle branch block, QRS of some 140 ms.
    Rbbb,
    /// Complete left bundle branch block, QRS of some 150 ms.
    Lbbb,
}

/// A wave of the QRS: peak in milliseconds after its start, width (one standard deviation) in milliseconds, millivolts.
type Wave = (f64, f64, f64);

/// One of the eight leads that are drawn up: waves of the QRS, and amplitudes in millivolts of P, T and the f wave.
struct Lead {
    qrs: &'static [Wave],
    p: f64,
    t: f64,
    f: f64,
}

const fn lead(p: f64, qrs: &'static [Wave], t: f64, f: f64) -> Lead {
    Lead { qrs, p, t, f }
}

/// I, II, V1 to V6.
const NORMAL: [Lead; 8] = [
    lead(0.08, &[(14.0, 5.0, -0.06), (42.0, 10.0, 0.75), (66.0, 8.0, -0.12)], 0.22, 0.02),
    lead(0.14, &[(14.0, 5.0, -0.07), (42.0, 10.0, 1.15), (66.0, 8.0, -0.15)], 0.30, 0.05),
    lead(0.06, &[(24.0, 8.0, 0.24), (52.0, 12.0, -0.95)], -0.06, 0.08),
    lead(0.07, &[(25.0, 9.0, 0.45), (54.0, 12.0, -1.45)], 0.42, 0.05),
    lead(0.07, &[(30.0, 10.0, 0.80), (58.0, 11.0, -0.90)], 0.48, 0.03),
    lead(0.07, &[(14.0, 5.0, -0.04), (38.0, 10.0, 1.20), (62.0, 9.0, -0.45)], 0.44, 0.02),
    lead(0.07, &[(14.0, 5.0, -0.09), (41.0, 10.0, 1.25), (65.0, 8.0, -0.18)], 0.36, 0.02),
    lead(0.06, &[(14.0, 5.0, -0.09), (42.0, 10.0, 1.00), (66.0, 8.0, -0.07)], 0.26, 0.02),
];

const RBBB: [Lead; 8] = [
    lead(0.08, &[(14.0, 5.0, -0.06), (40.0, 10.0, 0.70), (100.0, 20.0, -0.32)], 0.24, 0.02),
    lead(0.14, &[(14.0, 5.0, -0.06), (40.0, 10.0, 0.95), (100.0, 20.0, -0.24)], 0.26, 0.05),
    lead(0.06, &[(22.0, 8.0, 0.28), (48.0, 9.0, -0.40), (96.0, 16.0, 0.95)], -0.28, 0.08),
    lead(0.07, &[(23.0, 9.0, 0.40), (50.0, 10.0, -0.75), (98.0, 16.0, 0.62)], -0.18, 0.05),
    lead(0.07, &[(28.0, 10.0, 0.65), (58.0, 11.0, -0.70), (104.0, 15.0, 0.12)], 0.22, 0.03),
    lead(0.07, &[(14.0, 5.0, -0.04), (38.0, 10.0, 1.05), (88.0, 18.0, -0.45)], 0.38, 0.02),
    lead(0.07, &[(14.0, 5.0, -0.08), (40.0, 10.0, 1.15), (98.0, 20.0, -0.42)], 0.36, 0.02),
    lead(0.06, &[(14.0, 5.0, -0.08), (41.0, 10.0, 1.00), (100.0, 20.0, -0.36)], 0.28, 0.02),
];

const LBBB: [Lead; 8] = [
    lead(0.08, &[(45.0, 16.0, 0.62), (98.0, 20.0, 0.66)], -0.20, 0.02),
    lead(0.14, &[(42.0, 15.0, 0.50), (95.0, 20.0, 0.36)], -0.06, 0.05),
    lead(0.06, &[(14.0, 6.0, 0.10), (72.0, 23.0, -1.30)], 0.42, 0.08),
    lead(0.07, &[(16.0, 7.0, 0.18), (74.0, 23.0, -1.55)], 0.62, 0.05),
    lead(0.07, &[(18.0, 8.0, 0.22), (76.0, 23.0, -1.35)], 0.52, 0.03),
    lead(0.07, &[(32.0, 12.0, 0.40), (84.0, 22.0, -0.55)], 0.18, 0.02),
    lead(0.07, &[(46.0, 17.0, 0.68), (98.0, 21.0, 0.62)], -0.18, 0.02),
    lead(0.06, &[(48.0, 17.0, 0.82), (102.0, 21.0, 0.88)], -0.28, 0.02),
];

/// Place of each of the eight leads in the tables above.
const I: usize = 0;
const II: usize = 1;
const V1: usize = 2;

/// Returns the tracing as one SVG document of ten seconds: three rows of four leads and a rhythm strip of lead II, at
/// 25 mm/s and 10 mm/mV on millimetre paper. Below 120 kB.
///
/// Neither picture nor description says what the tracing shows: that is for its reader.
pub fn twelve_lead_svg(spec: &EcgSpec) -> String {
    let leads = signals(spec);
    let mut svg = String::with_capacity(100_000);
    let (width, height) = (WIDTH_MM * UNITS, HEIGHT_MM * UNITS);
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{WIDTH_MM}mm\" height=\"{HEIGHT_MM}mm\" \
         role=\"img\" aria-labelledby=\"ecg-title ecg-desc\">\
         <title id=\"ecg-title\">Synthetic 12-lead ECG</title>\
         <desc id=\"ecg-desc\">Ten seconds at 25 mm/s and 10 mm/mV on millimetre paper. Three rows of four leads of 2.5 seconds each: \
         I, aVR, V1, V4; II, aVL, V2, V5; III, aVF, V3, V6. Below them a rhythm strip of lead II. Drawn by a program: \
         not a recording of a person.</desc>"
    );
    draw_paper(&mut svg, width, height);
    svg.push_str(
        "<g fill=\"none\" stroke=\"#16181d\" stroke-width=\"6\" stroke-linejoin=\"round\" stroke-linecap=\"round\">",
    );
    let mut labels = String::new();
    let rows = [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"]];
    for (row, names) in (0..).zip(rows) {
        let baseline = (TOP_MM + row * ROW_MM) * UNITS;
        draw_calibration(&mut svg, baseline);
        for (column, name) in names.into_iter().enumerate() {
            let from = column * COLUMN_SAMPLES;
            let voltages = (from..from + COLUMN_SAMPLES).map(|sample| voltage(&leads, name, sample));
            let left = LEFT_MM * UNITS + STEP * small(from);
            draw_trace(&mut svg, left, baseline, voltages);
            if column > 0 {
                let _ = write!(svg, "<path d=\"M{left} {}v120\"/>", baseline - 60);
            }
            draw_label(&mut labels, left + UNITS, baseline - 15 * UNITS, name);
        }
    }
    let baseline = (TOP_MM + 3 * ROW_MM) * UNITS;
    draw_calibration(&mut svg, baseline);
    draw_trace(&mut svg, LEFT_MM * UNITS, baseline, (0..SAMPLES).map(|sample| voltage(&leads, "II", sample)));
    draw_label(&mut labels, (LEFT_MM + 1) * UNITS, baseline - 15 * UNITS, "II");
    svg.push_str("</g><g font-family=\"sans-serif\" font-size=\"76\" font-weight=\"bold\" fill=\"#16181d\">");
    svg.push_str(&labels);
    let _ = write!(
        svg,
        "</g><g font-family=\"sans-serif\" font-size=\"72\" fill=\"#16181d\">\
         <text x=\"{left}\" y=\"160\" font-weight=\"bold\" fill=\"#a3172a\">SYNTHETIC \u{2013} not a recording of a person</text>\
         <text x=\"{right}\" y=\"160\" text-anchor=\"end\">25 mm/s \u{b7} 10 mm/mV \u{b7} 10 s</text></g></svg>",
        left = LEFT_MM * UNITS,
        right = (LEFT_MM + 250) * UNITS,
    );
    svg
}

fn draw_paper(svg: &mut String, width: i32, height: i32) {
    // Squares of 1 mm and 5 mm, as on the paper of a recorder.
    let _ = write!(
        svg,
        "<defs><pattern id=\"ecg-mm\" width=\"20\" height=\"20\" patternUnits=\"userSpaceOnUse\">\
         <path d=\"M20 0H0V20\" fill=\"none\" stroke=\"#f5c9c4\" stroke-width=\"2\"/></pattern>\
         <pattern id=\"ecg-cm\" width=\"100\" height=\"100\" patternUnits=\"userSpaceOnUse\">\
         <rect width=\"100\" height=\"100\" fill=\"url(#ecg-mm)\"/>\
         <path d=\"M100 0H0V100\" fill=\"none\" stroke=\"#e39a94\" stroke-width=\"4\"/></pattern></defs>\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fffaf6\"/><rect width=\"{width}\" height=\"{height}\" fill=\"url(#ecg-cm)\"/>"
    );
}

/// Draws the pulse of one millivolt and 200 ms that shows gain and speed.
fn draw_calibration(svg: &mut String, baseline: i32) {
    let _ = write!(svg, "<path d=\"M80 {baseline}h20v{}h100v{}h20\"/>", -10 * UNITS, 10 * UNITS);
}

fn draw_label(labels: &mut String, left: i32, top: i32, name: &str) {
    let _ = write!(labels, "<text x=\"{left}\" y=\"{top}\">{name}</text>");
}

/// Draws a trace as steps from sample to sample, rounded to a twentieth of a millimetre.
fn draw_trace(svg: &mut String, left: i32, baseline: i32, voltages: impl Iterator<Item = f64>) {
    let mut height = None;
    for voltage in voltages {
        let y = baseline - paper(voltage);
        match height {
            None => {
                let _ = write!(svg, "<path d=\"M{left} {y}l");
            }
            Some(before) => {
                let rise: i32 = y - before;
                let _ = if rise < 0 { write!(svg, "{STEP}{rise} ") } else { write!(svg, "{STEP} {rise} ") };
            }
        }
        height = Some(y);
    }
    svg.push_str("\"/>");
}

/// Returns millivolts as units of paper, 10 mm each, held within what a row can show.
fn paper(millivolts: f64) -> i32 {
    let units = (millivolts.clamp(-3.0, 3.0) * 10.0 * f64::from(UNITS)).round();
    #[expect(clippy::cast_possible_truncation, reason = "held within 600 either way")]
    {
        units as i32
    }
}

/// Returns a lead's voltage in millivolts; what is not drawn up follows from I and II (Einthoven, Goldberger).
fn voltage(leads: &[Vec<f64>; 8], name: &str, sample: usize) -> f64 {
    let (one, two) = (leads[I][sample], leads[II][sample]);
    match name {
        "I" => one,
        "II" => two,
        "III" => two - one,
        "aVR" => -(one + two) / 2.0,
        "aVL" => one - two / 2.0,
        "aVF" => two - one / 2.0,
        chest => {
            let place = chest.strip_prefix('V').and_then(|place| place.parse::<usize>().ok()).unwrap_or(1);
            leads[V1 + place - 1][sample]
        }
    }
}

/// Returns ten seconds of the eight leads in millivolts.
fn signals(spec: &EcgSpec) -> [Vec<f64>; 8] {
    let mut chance = Chance(spec.seed ^ 0x9e37_79b9_7f4a_7c15);
    let shape = match spec.conduction {
        Conduction::Normal => &NORMAL,
        Conduction::Rbbb => &RBBB,
        Conduction::Lbbb => &LBBB,
    };
    let beats = beats(spec, &mut chance);
    let phases = [0; 4].map(|_| chance.fraction() * TAU);
    std::array::from_fn(|place| {
        let lead = &shape[place];
        let wander = chance.fraction() * TAU;
        let mut noise = 0.0;
        (0..SAMPLES)
            .map(|sample| {
                let at = f64::from(small(sample)) / RATE;
                let mut sum = beats.iter().map(|beat| beat.voltage(spec, lead, place, at)).sum::<f64>();
                if spec.rhythm == Rhythm::AtrialFibrillation {
                    sum += lead.f * fibrillation(at, &phases);
                }
                noise = 0.6 * noise + 0.005 * (chance.fraction() - 0.5) * 2.0;
                sum + noise + 0.025 * (TAU * 0.22 * at + wander).sin()
            })
            .collect()
    })
}

/// Returns waves of 300 to 420 a minute that swell, fade and never settle, between -1 and 1.
fn fibrillation(at: f64, phases: &[f64; 4]) -> f64 {
    let swell = 0.75 + 0.25 * (TAU * 0.37 * at + phases[3]).sin();
    let waves = (TAU * 5.3 * at + phases[0]).sin()
        + 0.7 * (TAU * 6.7 * at + phases[1]).sin()
        + 0.5 * (TAU * 7.9 * at + phases[2]).sin();
    swell * waves / 2.2
}

struct Beat {
    /// Start of the QRS in seconds.
    at: f64,
    /// Start of the QRS to the peak of T in milliseconds.
    t_peak_ms: f64,
}

/// Returns the beats that touch the ten seconds.
fn beats(spec: &EcgSpec, chance: &mut Chance) -> Vec<Beat> {
    let mean = 60.0 / f64::from(spec.rate.clamp(25, 220));
    let wide_ms = if spec.conduction == Conduction::Normal { 0.0 } else { 45.0 };
    let mut beats = Vec::new();
    let mut at = -mean * (0.3 + 0.7 * chance.fraction());
    while at < 11.0 {
        let gap = match spec.rhythm {
            Rhythm::Sinus => mean * (1.0 + 0.015 * (TAU * 0.24 * at).sin() + 0.01 * (chance.fraction() - 0.5)),
            Rhythm::AtrialFibrillation => (mean * (0.62 + 0.76 * chance.fraction())).max(0.3),
        };
        // The QT interval shortens with the square root of the cycle (Bazett, 1920).
        beats.push(Beat { at, t_peak_ms: 395.0 * gap.clamp(0.33, 1.3).sqrt() - 85.0 + wide_ms });
        at += gap;
    }
    beats
}

impl Beat {
    fn voltage(&self, spec: &EcgSpec, lead: &Lead, place: usize, at: f64) -> f64 {
        let ms = (at - self.at) * 1_000.0;
        if !(-600.0..900.0).contains(&ms) {
            return 0.0;
        }
        let mut sum: f64 = lead.qrs.iter().map(|(peak, width, height)| height * bell(ms - peak, *width)).sum();
        // T rises slowly and falls fast.
        let from_t = ms - self.t_peak_ms;
        let shrink = (self.t_peak_ms / 310.0).min(1.1);
        sum += lead.t * bell(from_t, if from_t < 0.0 { 52.0 } else { 34.0 } * shrink);
        if spec.rhythm == Rhythm::Sinus {
            let from_p = ms + f64::from(spec.pr_ms.clamp(90, 400));
            // In V1 the atria are seen one after the other: first towards the lead, then away.
            sum += if place == V1 {
                lead.p * bell(from_p - 34.0, 14.0) - 0.7 * lead.p * bell(from_p - 70.0, 16.0)
            } else {
                lead.p * bell(from_p - 50.0, 19.0)
            };
        }
        sum
    }
}

fn bell(distance: f64, width: f64) -> f64 {
    (-0.5 * (distance / width).powi(2)).exp()
}

fn small(sample: usize) -> i32 {
    i32::try_from(sample).unwrap_or(i32::MAX)
}

/// Chance that is the same every time.
struct Chance(u64);

impl Chance {
    /// Returns a number from 0 to 1. Source: Steele, Lea, Flood, `SplitMix64` (2014).
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or(u32::MAX);
        f64::from(high) / f64::from(u32::MAX)
    }
}
