//! The shell: act and view, HTTP, pages and jobs.
