//! Messages between zones in separate processes: HTTPS with client certificates. Each zone has a self-signed
//! certificate, published beside its keys; a connection from or to any other certificate is not made.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::{IncomingStream, Listener};
use protocol::party::Party;
use protocol::peer::{Endpoint, MAX_BODY, Transport};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Where a zone listens and with which certificate; published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    /// Host and port.
    pub listen: SocketAddr,
    /// The zone's certificate, PEM.
    pub certificate: String,
}

/// The addresses of all zones.
pub type Addresses = HashMap<Party, Address>;

const CERTIFICATE: &str = "tls.crt.pem";
const KEY: &str = "tls.key.pem";

/// The name that stands in a zone's certificate.
fn host_name(party: &Party) -> String {
    format!("{}.hap.internal", party.to_string().replace(':', "-"))
}

/// Makes the zone's certificate and key in `dir` when they are not there; gives the certificate, PEM.
///
/// # Errors
/// When the folder cannot be written.
pub fn certificate(dir: &Path, party: &Party) -> anyhow::Result<String> {
    let (certificate_file, key_file) = (dir.join(CERTIFICATE), dir.join(KEY));
    if !certificate_file.exists() {
        let made = rcgen::generate_simple_self_signed(vec![host_name(party)]).context("making a certificate")?;
        write_private(&key_file, made.signing_key.serialize_pem().as_bytes())?;
        std::fs::write(&certificate_file, made.cert.pem()).context("writing the certificate")?;
    }
    std::fs::read_to_string(&certificate_file).context("reading the certificate")
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("writing {}", path.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

/// Carries messages to other processes.
pub struct Https {
    client: reqwest::Client,
    addresses: Addresses,
}

impl Https {
    /// A transport with the certificate of `dir`, to the zones of `addresses`.
    ///
    /// # Errors
    /// When a certificate cannot be read.
    pub fn new(dir: &Path, addresses: Addresses) -> anyhow::Result<Self> {
        let mut pem = std::fs::read(dir.join(CERTIFICATE)).context("reading the zone's certificate")?;
        pem.extend(std::fs::read(dir.join(KEY)).context("reading the zone's TLS key")?);
        let mut builder = reqwest::Client::builder()
            .use_rustls_tls()
            .tls_built_in_root_certs(false)
            .https_only(true)
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(600))
            .identity(reqwest::Identity::from_pem(&pem)?);
        for (party, address) in &addresses {
            builder = builder
                .add_root_certificate(reqwest::Certificate::from_pem(address.certificate.as_bytes())?)
                .resolve(&host_name(party), address.listen);
        }
        Ok(Self { client: builder.build()?, addresses })
    }
}

#[async_trait]
impl Transport for Https {
    async fn exchange(&self, to: &Party, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let address = self.addresses.get(to).ok_or_else(|| format!("no address is published for {to}"))?;
        let url = format!("https://{}:{}/v1/message", host_name(to), address.listen.port());
        let answer = self.client.post(url).body(message).send().await.map_err(without_url)?;
        if !answer.status().is_success() {
            return Err(format!("HTTP {}", answer.status()));
        }
        answer.bytes().await.map(|b| b.to_vec()).map_err(without_url)
    }
}

fn without_url(error: reqwest::Error) -> String {
    let error = error.without_url();
    let source = std::error::Error::source(&error).map(|s| format!(": {s}")).unwrap_or_default();
    format!("{error}{source}")
}

/// Opens the address, and gives the work of answering messages there until `stop`.
///
/// # Errors
/// When the address is taken or a certificate cannot be read.
pub async fn listen(
    endpoint: Arc<Endpoint>,
    listen: SocketAddr,
    dir: &Path,
    addresses: Addresses,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut callers = RootCertStore::empty();
    let mut parties = Vec::new();
    for (party, address) in &addresses {
        let der = CertificateDer::from_pem_slice(address.certificate.as_bytes())
            .map_err(|e| anyhow!("certificate of {party}: {e}"))?;
        callers.add(der.clone())?;
        parties.push((der, party.clone()));
    }
    let own = CertificateDer::from_pem_file(dir.join(CERTIFICATE)).map_err(|e| anyhow!("own certificate: {e}"))?;
    let key = PrivateKeyDer::from_pem_file(dir.join(KEY)).map_err(|e| anyhow!("own TLS key: {e}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(callers), provider.clone()).build()?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![own], key)?;
    let tcp = TcpListener::bind(listen).await.with_context(|| format!("listening at {listen}"))?;
    let listener = Tls::listen(tcp, TlsAcceptor::from(Arc::new(config)))?;
    let state = Arc::new(Door { endpoint, parties });
    let router = Router::new()
        .route("/v1/message", post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY + (2 << 20)))
        .with_state(state)
        .into_make_service_with_connect_info::<Caller>();
    Ok(async move {
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "the zone's listener ended");
        }
    })
}

struct Door {
    endpoint: Arc<Endpoint>,
    parties: Vec<(CertificateDer<'static>, Party)>,
}

async fn receive(
    State(door): State<Arc<Door>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    message: Bytes,
) -> Result<Vec<u8>, StatusCode> {
    let known = door.parties.iter().find(|(der, _)| Some(der) == caller.certificate.as_ref());
    let (_, party) = known.ok_or(StatusCode::FORBIDDEN)?;
    door.endpoint.receive(&message, Some(party)).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

/// The certificate that a caller showed.
#[derive(Clone)]
struct Caller {
    certificate: Option<CertificateDer<'static>>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}

/// Connections that have finished the handshake. Each shakes hands in a task of its own: one that is slow, or shows no
/// certificate that we know, keeps nobody waiting.
struct Tls {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Tls {
    fn listen(tcp: TcpListener, acceptor: TlsAcceptor) -> std::io::Result<Self> {
        let address = tcp.local_addr()?;
        let (give, ready) = mpsc::channel(64);
        tokio::spawn(async move {
            while !give.is_closed() {
                let Ok((stream, caller)) = tcp.accept().await else { continue };
                let (give, acceptor) = (give.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match tokio::time::timeout(Duration::from_secs(5), acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => drop(give.send((stream, caller)).await),
                        Ok(Err(error)) => tracing::info!(%caller, %error, "connection refused"),
                        Err(_) => tracing::info!(%caller, "handshake took too long"),
                    }
                });
            }
        });
        Ok(Self { ready, address })
    }
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, Tls>> for Caller {
    fn connect_info(stream: IncomingStream<'_, Tls>) -> Self {
        let (_, session) = stream.io().get_ref();
        let certificate = session.peer_certificates().and_then(|c| c.first()).map(|c| c.clone().into_owned());
        Self { certificate }
    }
}
