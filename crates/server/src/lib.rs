//! The shell: act and view, HTTP, pages and jobs. Nothing below it knows that the web exists.

pub mod api;
pub mod app;
pub mod caller;
pub mod clock;
pub mod config;
pub mod demo;
pub mod edge;
pub mod error;
pub mod jobs;
pub mod life;
pub mod lifecycle;
pub mod limit;
pub mod load;
pub mod operate;
pub mod pages;
pub mod telemetry;

pub use app::App;
pub use caller::Caller;
pub use config::Config;
pub use error::{Error, Result};
