//! Drawn traces: whatever numbers a specification holds, a drawing comes out, and the same one each time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remit_formats::ecg::{EcgSpec, twelve_lead_svg};

fuzz_target!(|bytes: &[u8]| {
    let Ok(spec) = serde_json::from_slice::<EcgSpec>(bytes) else { return };
    let drawing = twelve_lead_svg(&spec);
    assert!(drawing.starts_with("<svg") && !drawing.contains("NaN") && !drawing.contains("inf"));
    assert_eq!(drawing, twelve_lead_svg(&spec));
});
