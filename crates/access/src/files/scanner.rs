//! A malware scanner over its socket (ACC-026): the trait, and the `INSTREAM` command of the clamd protocol, in which the file
//! is sent in chunks with their length before them. The file never leaves the machine by way of a path.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// Bytes of one chunk.
const CHUNK: usize = 64 << 10;
/// The longest answer that is read.
const LONGEST_ANSWER: u64 = 4 << 10;

/// What a scanner says of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScanAnswer {
    /// Nothing found.
    Clean,
    /// Something found, by the scanner's name for it.
    Found(String),
}

/// Why a scanner gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It cannot be reached, or broke off.
    #[error("the scanner cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    /// It took too long.
    #[error("the scanner did not answer in time")]
    Late,
    /// It answered something else than a verdict.
    #[error("the scanner answered without a verdict")]
    NoVerdict,
}

/// A malware scanner.
#[async_trait]
pub trait Scanner: Send + Sync {
    /// Looks at a file.
    ///
    /// # Errors
    /// No verdict: then the file is not taken.
    async fn scan(&self, bytes: &[u8]) -> Result<ScanAnswer, ScanError>;
}

/// Where a scanner listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScannerAddress {
    /// `host:port`.
    Tcp(String),
    /// A socket file.
    Unix(PathBuf),
}

impl ScannerAddress {
    /// `unix:/run/clamav/clamd.ctl` or `tcp:127.0.0.1:3310`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("unix", path) if path.starts_with('/') => Some(Self::Unix(path.into())),
            ("tcp", address) if address.contains(':') => Some(Self::Tcp(address.to_owned())),
            _ => None,
        }
    }
}

/// A scanner that speaks the clamd protocol.
#[derive(Clone, Debug)]
pub struct ClamSocket {
    address: ScannerAddress,
    limit: Duration,
}

impl ClamSocket {
    /// The scanner at an address, which must answer within `limit`.
    pub fn new(address: ScannerAddress, limit: Duration) -> Self {
        Self { address, limit }
    }

    async fn ask(&self, bytes: &[u8]) -> Result<ScanAnswer, ScanError> {
        let answer = match &self.address {
            ScannerAddress::Tcp(address) => stream(TcpStream::connect(address.as_str()).await?, bytes).await?,
            #[cfg(unix)]
            ScannerAddress::Unix(path) => stream(UnixStream::connect(path).await?, bytes).await?,
            #[cfg(not(unix))]
            ScannerAddress::Unix(_) => return Err(io::Error::from(io::ErrorKind::Unsupported).into()),
        };
        verdict(&answer).ok_or(ScanError::NoVerdict)
    }
}

#[async_trait]
impl Scanner for ClamSocket {
    async fn scan(&self, bytes: &[u8]) -> Result<ScanAnswer, ScanError> {
        tokio::time::timeout(self.limit, self.ask(bytes)).await.map_err(|_| ScanError::Late)?
    }
}

async fn stream(mut socket: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> io::Result<String> {
    socket.write_all(b"zINSTREAM\0").await?;
    for chunk in bytes.chunks(CHUNK) {
        socket.write_all(&(chunk.len() as u32).to_be_bytes()).await?;
        socket.write_all(chunk).await?;
    }
    socket.write_all(&0u32.to_be_bytes()).await?;
    socket.flush().await?;
    let mut answer = Vec::new();
    socket.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).trim_end_matches('\0').trim().to_owned())
}

/// `stream: OK`, `stream: Eicar-Signature FOUND`; everything else (`… ERROR`) is no verdict.
fn verdict(answer: &str) -> Option<ScanAnswer> {
    let said = answer.strip_prefix("stream: ")?;
    match said.strip_suffix(" FOUND") {
        Some(name) => Some(ScanAnswer::Found(name.to_owned())),
        None => (said == "OK").then_some(ScanAnswer::Clean),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A server that speaks the protocol: it reads the chunks and answers `FOUND` when the file says "bad".
    async fn server(answers: usize) -> ScannerAddress {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            for _ in 0..answers {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut command = [0; 10];
                socket.read_exact(&mut command).await.unwrap();
                assert_eq!(&command, b"zINSTREAM\0");
                let mut file = Vec::new();
                loop {
                    let length = socket.read_u32().await.unwrap() as usize;
                    if length == 0 {
                        break;
                    }
                    let start = file.len();
                    file.resize(start + length, 0);
                    socket.read_exact(&mut file[start..]).await.unwrap();
                }
                let answer: &[u8] = match file.as_slice() {
                    b"bad" => b"stream: Test.Bad FOUND\0",
                    b"odd" => b"INSTREAM size limit exceeded. ERROR\0",
                    _ => b"stream: OK\0",
                };
                socket.write_all(answer).await.unwrap();
            }
        });
        ScannerAddress::Tcp(address)
    }

    #[tokio::test]
    async fn acc_026_a_scanner_is_asked_over_its_socket() {
        let scanner = ClamSocket::new(server(4).await, Duration::from_secs(20));
        assert_eq!(scanner.scan(b"good").await.unwrap(), ScanAnswer::Clean);
        assert_eq!(scanner.scan(&vec![7; CHUNK * 2 + 1]).await.unwrap(), ScanAnswer::Clean);
        assert_eq!(scanner.scan(b"bad").await.unwrap(), ScanAnswer::Found("Test.Bad".into()));
        assert!(matches!(scanner.scan(b"odd").await, Err(ScanError::NoVerdict)));
        let nobody = ClamSocket::new(ScannerAddress::Unix("/nowhere/clamd.ctl".into()), Duration::from_secs(20));
        assert!(matches!(nobody.scan(b"good").await, Err(ScanError::Unreachable(_))));
    }

    #[test]
    fn addresses_are_of_two_kinds() {
        assert_eq!(ScannerAddress::parse("tcp:127.0.0.1:3310"), Some(ScannerAddress::Tcp("127.0.0.1:3310".into())));
        assert!(matches!(ScannerAddress::parse("unix:/run/clamd.ctl"), Some(ScannerAddress::Unix(_))));
        assert_eq!(ScannerAddress::parse("127.0.0.1:3310"), None);
    }
}
