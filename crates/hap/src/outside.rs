//! The ways out of the centre that are not other zones: mail over SMTP and webhooks over HTTPS. What is sent, and when it
//! is tried again, is decided by `access`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access::{Access, Caller, Mail, MailError, Mailer, RegisterFile, is_allowed};
use anyhow::Context as _;
use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::watch;

use crate::zones::stopped;

/// A receiver has this long to answer (ACC-201).
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// How often the queues are looked at.
const TICK: Duration = Duration::from_secs(2);

/// How the centre reaches the outside.
#[derive(clap::Args, Clone, Default)]
pub struct Outside {
    /// Address of the site as people reach it, for links in messages: https://hap.example.org
    #[arg(long, env = "HAP_SITE", default_value = "")]
    pub site: String,
    /// What the statutory clock of new cases measures up to, where it is not what their legal profile says.
    #[arg(long, env = "HAP_CLOCK_END_EVENT", value_parser = ["decision", "data_available"])]
    pub clock_end_event: Option<String>,
    /// Each body sends its own invoice, instead of one with a settlement between them.
    #[arg(long, env = "HAP_SEPARATE_INVOICES")]
    pub separate_invoices: bool,
    /// The register of legal entities: a file with a JSON list of number, name, street, code, town, state (active, bankrupt,
    /// deleted), and login, the name of the organisation at login. Without it organisations are not looked up.
    #[arg(long, env = "HAP_ORGANISATIONS")]
    pub organisations: Option<PathBuf>,
    /// Mail server: smtp://user:password@host:587 (TLS where offered) or smtps://host:465. Without it messages wait.
    #[arg(long, env = "HAP_SMTP", hide_env_values = true)]
    pub smtp: Option<String>,
    /// Sender of messages.
    #[arg(long, env = "HAP_SMTP_FROM", requires = "smtp")]
    pub smtp_from: Option<String>,
    /// Certificate (PEM) of a mail server that no public authority vouches for.
    #[arg(long, env = "HAP_SMTP_CA", requires = "smtp")]
    pub smtp_ca: Option<PathBuf>,
}

impl Outside {
    /// The register of legal entities; a demo without one has a few synthetic organisations.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub fn register(&self, demo: bool) -> anyhow::Result<Option<RegisterFile>> {
        const SYNTHETIC: &str = include_str!("organisations.json");
        let text = match &self.organisations {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("reading the register of organisations {}", path.display()))?,
            None if demo => SYNTHETIC.to_owned(),
            None => return Ok(None),
        };
        RegisterFile::read(&text).map(Some).map_err(|fault| anyhow::anyhow!("the register of organisations: {fault}"))
    }

    /// The mail server, when one is named.
    ///
    /// # Errors
    /// When its address, its certificate or the sender cannot be read.
    pub fn mailer(&self) -> anyhow::Result<Option<Smtp>> {
        let Some(url) = &self.smtp else { return Ok(None) };
        let from = self.smtp_from.as_deref().context("name the sender of messages with --smtp-from")?;
        Smtp::new(url, from, self.smtp_ca.as_deref()).map(Some)
    }
}

/// Mail over SMTP. TLS is used where the server offers it; `smtps://` and `?tls=required` insist on it.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// A server at `url`, trusted by the public authorities or by the certificate in `ca`.
    ///
    /// # Errors
    /// When the address, the sender or the certificate cannot be read. The address is not repeated: it holds a password.
    pub fn new(url: &str, from: &str, ca: Option<&std::path::Path>) -> anyhow::Result<Self> {
        let from: Mailbox = from.parse().context("the sender of messages is no address")?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        let mut builder = builder.map_err(|_| anyhow::anyhow!("the address of the mail server cannot be read"))?;
        if let Some(ca) = ca {
            let pem = std::fs::read(ca).with_context(|| format!("reading {}", ca.display()))?;
            let certificate = Certificate::from_pem(&pem).context("the certificate of the mail server")?;
            let parameters = TlsParameters::builder(host(url)).add_root_certificate(certificate).build();
            let parameters = parameters.context("the certificate of the mail server")?;
            builder = builder.tls(match url.starts_with("smtps:") {
                true => Tls::Wrapper(parameters),
                // A certificate of one's own is given to be used.
                false => Tls::Required(parameters),
            });
        }
        let transport = builder.timeout(Some(Duration::from_secs(30))).build();
        Ok(Self { transport, from })
    }
}

/// The host of an address.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.rsplit_once(':').map_or(host, |(host, _)| host).to_owned()
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        // What is wrong with an address is said without the address.
        let to = mail.to.parse::<Mailbox>().map_err(|_| MailError::Never("the address cannot be read".into()))?;
        let builder: MessageBuilder = Message::builder().from(self.from.clone()).to(to).subject(&mail.subject);
        // The same message keeps its id when it is sent again, so that a receiver can tell.
        let id = format!("<{}@{}>", mail.id, self.from.email.domain());
        let message = builder.message_id(Some(id)).header(ContentType::TEXT_PLAIN).body(mail.text.clone());
        let message = message.map_err(|_| MailError::Never("the message cannot be written".into()))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let code = error.status().map(|code| code.to_string()).unwrap_or_default();
                if error.is_permanent() {
                    return Err(MailError::Never(format!("the server refused: {code}")));
                }
                tracing::warn!(%code, "a message waits for the mail server");
                let why = if code.is_empty() {
                    "the server does not answer".into()
                } else {
                    format!("the server asks to wait: {code}")
                };
                Err(MailError::Later(why))
            }
        }
    }
}

/// Looks names up and gives public addresses alone, so that a name that points into the own network reaches nothing.
struct PublicNames {
    loopback: bool,
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_allowed(address.ip(), loopback)).collect();
            if public.is_empty() {
                return Err("the receiver has no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Calls receivers of webhooks over HTTPS.
pub struct Https(reqwest::Client);

impl Https {
    /// A caller of public addresses; with `loopback`, for tests, also of the own machine and without TLS.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(loopback: bool) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(CALL_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .https_only(!loopback)
            .dns_resolver(Arc::new(PublicNames { loopback }))
            .build()?;
        Ok(Self(client))
    }
}

#[async_trait]
impl Caller for Https {
    async fn post(&self, url: &str, signature: &str, body: String) -> Result<u16, String> {
        let call = self.0.post(url).header("content-type", "application/json").header("hap-signature", signature);
        let answer = call.body(body).send().await.map_err(|e| e.without_url().to_string())?;
        Ok(answer.status().as_u16())
    }
}

/// Keeps what leaves moving until the end: messages, calls, reminders, forecasts, statistics, what is no longer kept.
pub fn keep_telling(access: Arc<Access>, mailer: Option<Smtp>, caller: Https, stop: watch::Receiver<bool>) {
    tokio::spawn(async move {
        let mut ticks = 0u64;
        loop {
            if let Some(mailer) = &mailer {
                waits("messages", access.send_mail(mailer).await);
            }
            waits("webhooks", access.call_hooks(&caller).await);
            if ticks.is_multiple_of(30) {
                waits("reminders", access.remind().await);
                waits("offers without an answer", access.lapse_terms().await);
                waits("forecasts", access.make_forecasts().await);
                waits("statistics", access.make_statistics().await);
                waits("retention", access.erase_old().await);
            }
            ticks += 1;
            tokio::select! {
                () = stopped(stop.clone()) => return,
                () = tokio::time::sleep(TICK) => {}
            }
        }
    });
}

fn waits<T>(what: &str, done: Result<T, kernel::Problem>) {
    if let Err(error) = done {
        tracing::warn!(%error, what, "waits");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_mail_server_is_found_behind_its_password() {
        for (url, expected) in [
            ("smtp://mail.example.org", "mail.example.org"),
            ("smtps://user:p%40ss@mail.example.org:465?tls=required", "mail.example.org"),
            ("smtp://127.0.0.1:2525/", "127.0.0.1"),
        ] {
            assert_eq!(host(url), expected);
        }
    }

    #[tokio::test]
    async fn acc_201_names_that_point_inwards_are_not_called() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let caller = Https::new(false).unwrap();
        let refused = caller.post("https://localhost:1/", "t=0,v1=0", "{}".into()).await.unwrap_err();
        assert!(!refused.contains("localhost"), "{refused}");
        assert!(caller.post("http://example.org/", "t=0,v1=0", "{}".into()).await.is_err(), "https alone");
    }

    /// A mail server of another make (aiosmtpd) that keeps what it takes in a folder.
    struct Server {
        process: std::process::Child,
        port: u16,
        folder: tempfile::TempDir,
        ca: PathBuf,
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }

    impl Server {
        async fn start(tls: bool) -> Self {
            let python = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/python");
            assert!(python.exists(), "the peers are missing: make python-peers");
            let folder = tempfile::tempdir().unwrap();
            let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
            let (ca, key) = (folder.path().join("ca.pem"), folder.path().join("key.pem"));
            std::fs::write(&ca, made.cert.pem()).unwrap();
            std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut command = std::process::Command::new(python);
            command.args(["-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")]);
            if tls {
                command.arg("--tlscert").arg(&ca).arg("--tlskey").arg(&key);
            }
            command.args(["-c", "aiosmtpd.handlers.Mailbox"]).arg(folder.path().join("mail"));
            let mut process = command.stderr(std::process::Stdio::null()).spawn().unwrap();
            // The server says nothing when it is ready: it is asked until it answers or has ended.
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                assert!(process.try_wait().unwrap().is_none(), "the mail server ended: make python-peers");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Self { process, port, folder, ca }
        }

        fn taken(&self) -> Vec<String> {
            let new = std::fs::read_dir(self.folder.path().join("mail/new")).unwrap();
            new.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
        }
    }

    fn mail() -> Mail {
        Mail {
            id: "01J-7".into(),
            to: "kari@universitetet.example".into(),
            language: kernel::Language::Nb,
            subject: "Melding i sak A-2026-000001".into(),
            text: "Det er noe å lese i sak A-2026-000001.\n".into(),
        }
    }

    const FROM: &str = "hap <hap@hap.example>";

    #[tokio::test]
    async fn acc_202_a_mail_server_takes_messages_and_says_why_not() {
        rustls::crypto::ring::default_provider().install_default().ok();
        // Without TLS where none is offered.
        let plain = Server::start(false).await;
        let url = format!("smtp://127.0.0.1:{}?tls=opportunistic", plain.port);
        Smtp::new(&url, FROM, None).unwrap().send(&mail()).await.unwrap();
        let [message] = plain.taken().try_into().unwrap();
        for expected in [
            "Subject: Melding i sak A-2026-000001",
            "To: kari@universitetet.example",
            "Message-ID: <01J-7@hap.example>",
        ] {
            assert!(message.contains(expected), "{expected} in {message}");
        }
        // Insisting on TLS, it is not sent in clear.
        let insisting = format!("smtp://127.0.0.1:{}?tls=required", plain.port);
        assert!(Smtp::new(&insisting, FROM, None).unwrap().send(&mail()).await.is_err());
        assert_eq!(plain.taken().len(), 1);
        // STARTTLS with the server's own certificate; aiosmtpd takes nothing before it.
        let tls = Server::start(true).await;
        let url = format!("smtp://127.0.0.1:{}", tls.port);
        Smtp::new(&url, FROM, Some(&tls.ca)).unwrap().send(&mail()).await.unwrap();
        assert_eq!(tls.taken().len(), 1);
        // A certificate that nobody vouches for, a server that is away, an address that cannot be: each is named.
        assert!(Smtp::new(&url, FROM, Some(&plain.ca)).unwrap().send(&mail()).await.is_err());
        assert_eq!(tls.taken().len(), 1);
        let away = Smtp::new("smtp://127.0.0.1:1", FROM, None).unwrap().send(&mail()).await;
        assert!(matches!(away, Err(MailError::Later(_))), "{away:?}");
        let nobody = Mail { to: "kari".into(), ..mail() };
        assert!(matches!(Smtp::new(&url, FROM, None).unwrap().send(&nobody).await, Err(MailError::Never(_))));
    }
}
