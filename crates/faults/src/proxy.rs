//! A proxy between an application and its database that stalls, slows, cuts, and cuts exactly after a word was passed on.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crate::watch::{wait, wait_a_little};

/// What the proxy does with what passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Passes everything on.
    Pass,
    /// Passes each piece on after a while.
    Slow(Duration),
    /// Holds everything back, both ways, and keeps connections open: a partition.
    Stall,
    /// Holds back what the database says, and passes on what it is told: half open.
    Deaf,
    /// Closes every connection and takes no new one.
    Cut,
    /// Passes on what the client says up to and including this word, then closes the connection before the answer; so often.
    CutAfter {
        /// The word, such as `COMMIT`.
        word: Vec<u8>,
        /// How many connections are still to be cut.
        times: u64,
    },
}

/// A proxy on a loopback port of its own, for as long as the process lives.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    mode: Arc<Mutex<Mode>>,
    cuts: Arc<AtomicU64>,
}

impl Proxy {
    /// Starts a proxy before a server.
    pub(crate) fn before(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy =
            Self { address: listener.local_addr()?, mode: Arc::new(Mutex::new(Mode::Pass)), cuts: Arc::default() };
        let own = proxy.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if own.mode() == Mode::Cut {
                    continue;
                }
                let Ok(database) = TcpStream::connect(server) else { continue };
                own.join(&client, &database);
            }
        });
        Ok(proxy)
    }

    /// Says what is done from now on.
    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    fn mode(&self) -> Mode {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns how many connections were cut after a word.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::SeqCst)
    }

    fn join(&self, client: &TcpStream, database: &TcpStream) {
        for (from, to, asks) in [(client, database, true), (database, client, false)] {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
            let own = self.clone();
            thread::spawn(move || {
                // However it ends, both sides learn that it did.
                let ended = own.pass(&from, &to, asks);
                let _ = from.shutdown(Shutdown::Both);
                // After a word the database is still to do what it was told.
                let _ = to.shutdown(if ended.is_ok_and(|cut| cut) { Shutdown::Write } else { Shutdown::Both });
            });
        }
    }

    /// Passes on what one side says until it ends; returns whether it was cut after a word.
    fn pass(&self, mut from: &TcpStream, mut to: &TcpStream, asks: bool) -> io::Result<bool> {
        from.set_read_timeout(Some(Duration::from_millis(20)))?;
        let mut buffer = vec![0; 1 << 16];
        // A word may come in two pieces.
        let mut tail = Vec::new();
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    if self.mode() == Mode::Cut {
                        return Ok(false);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            let piece = buffer.get(..count).unwrap_or_default();
            while self.mode() == Mode::Stall || (!asks && self.mode() == Mode::Deaf) {
                wait_a_little();
            }
            match self.mode() {
                Mode::Slow(time) => wait(time),
                Mode::Cut => return Ok(false),
                Mode::CutAfter { word, times } if asks && times > 0 => {
                    tail.extend_from_slice(piece);
                    let found = tail.windows(word.len()).any(|window| window == word);
                    if found && self.take_cut() {
                        self.cuts.fetch_add(1, Ordering::SeqCst);
                        // The word arrives, the answer does not, however quick it is.
                        from.shutdown(Shutdown::Both)?;
                        to.write_all(piece)?;
                        return Ok(true);
                    }
                    tail.drain(..tail.len().saturating_sub(word.len()));
                }
                Mode::Pass | Mode::Stall | Mode::Deaf | Mode::CutAfter { .. } => {}
            }
            if let Err(error) = to.write_all(piece) {
                // A database whose answers nobody takes would stop before the word; so they are taken.
                while !asks && self.mode() != Mode::Cut {
                    match from.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(_) => {}
                        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                        Err(_) => break,
                    }
                }
                return Err(error);
            }
        }
    }

    /// Takes one of the cuts that are left.
    fn take_cut(&self) -> bool {
        match &mut *self.mode.lock().unwrap_or_else(PoisonError::into_inner) {
            Mode::CutAfter { times, .. } if *times > 0 => {
                *times -= 1;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use super::*;

    /// A server that says back what it hears, and remembers it.
    fn echo() -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let remembered = Arc::clone(&heard);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let heard = Arc::clone(&remembered);
                thread::spawn(move || {
                    let mut buffer = [0; 1_024];
                    while let Ok(count) = stream.read(&mut buffer) {
                        heard.lock().unwrap().extend_from_slice(&buffer[..count]);
                        if count == 0 || stream.write_all(&buffer[..count]).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        (address, heard)
    }

    fn client(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect(proxy.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        stream
    }

    fn answer(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 64];
        let count = stream.read(&mut buffer)?;
        Ok(buffer[..count].to_vec())
    }

    #[test]
    fn what_is_said_passes_both_ways() {
        let proxy = Proxy::before(echo().0).unwrap();
        let mut stream = client(&proxy);
        stream.write_all(b"hello").unwrap();
        assert_eq!(answer(&mut stream).unwrap(), b"hello");
    }

    #[test]
    fn a_partition_holds_everything_back_and_lets_it_go_when_it_ends() {
        let (address, heard) = echo();
        let proxy = Proxy::before(address).unwrap();
        let mut stream = client(&proxy);
        proxy.set(Mode::Stall);
        stream.write_all(b"hello").unwrap();
        assert!(answer(&mut stream).is_err(), "something came through");
        assert!(heard.lock().unwrap().is_empty());
        proxy.set(Mode::Pass);
        assert_eq!(answer(&mut stream).unwrap(), b"hello");
    }

    #[test]
    fn a_slow_network_delays_and_loses_nothing() {
        let proxy = Proxy::before(echo().0).unwrap();
        proxy.set(Mode::Slow(Duration::from_millis(60)));
        let mut stream = client(&proxy);
        let watch = crate::watch::Watch::start();
        stream.write_all(b"hello").unwrap();
        assert_eq!(answer(&mut stream).unwrap(), b"hello");
        // Slow on the way there and on the way back.
        assert!(watch.elapsed() >= Duration::from_millis(120));
    }

    #[test]
    fn a_half_open_connection_hears_and_does_not_answer() {
        let (address, heard) = echo();
        let proxy = Proxy::before(address).unwrap();
        let mut stream = client(&proxy);
        proxy.set(Mode::Deaf);
        stream.write_all(b"hello").unwrap();
        assert!(answer(&mut stream).is_err(), "something came through");
        assert_eq!(*heard.lock().unwrap(), b"hello");
    }

    #[test]
    fn a_connection_is_cut_exactly_after_the_word_and_so_often() {
        let (address, heard) = echo();
        let proxy = Proxy::before(address).unwrap();
        proxy.set(Mode::CutAfter { word: b"COMMIT".to_vec(), times: 1 });
        let mut stream = client(&proxy);
        stream.write_all(b"BEGIN COM").unwrap();
        assert_eq!(answer(&mut stream).unwrap(), b"BEGIN COM");
        stream.write_all(b"MIT").unwrap();
        assert_eq!(answer(&mut stream).unwrap_or_default(), b"", "the answer came through");
        assert_eq!(proxy.cuts(), 1);
        for _ in 0..100 {
            if *heard.lock().unwrap() == b"BEGIN COMMIT" {
                break;
            }
            wait_a_little();
        }
        assert_eq!(*heard.lock().unwrap(), b"BEGIN COMMIT", "the word did not arrive");
        // The next connection commits undisturbed.
        let mut next = client(&proxy);
        next.write_all(b"COMMIT").unwrap();
        assert_eq!(answer(&mut next).unwrap(), b"COMMIT");
    }

    #[test]
    fn a_cut_ends_what_is_there_and_what_comes() {
        let proxy = Proxy::before(echo().0).unwrap();
        let mut stream = client(&proxy);
        stream.write_all(b"a").unwrap();
        assert_eq!(answer(&mut stream).unwrap(), b"a");
        proxy.set(Mode::Cut);
        assert_eq!(answer(&mut stream).unwrap(), b"");
        assert_eq!(answer(&mut client(&proxy)).unwrap_or_default(), b"");
    }
}
