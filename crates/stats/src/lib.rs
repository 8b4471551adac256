//! Agreement statistics and intervals: numbers in, numbers out.
