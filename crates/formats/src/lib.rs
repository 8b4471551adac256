//! Readers and writers of files: tables, packs and their checks.
