//! PostgreSQL: connections, and transactions that go to the server as seldom as they can.
//!
//! Requests of one connection are answered in the order in which they are sent, so some need not wait for the answer to the
//! one before: the begin goes with the first query, and writes that wait go together, with the commit behind them. A
//! statement that fails ends the transaction at the server, which answers everything after it with a failure, and a
//! commit with a rollback: sending ahead acknowledges nothing that did not happen.

use std::borrow::Cow;
use std::collections::HashMap;
use std::pin::Pin;
use std::str::FromStr as _;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use futures::FutureExt as _;
use tokio_postgres::types::{IsNull, ToSql, Type};
use tokio_postgres::{Client, Config, Error, NoTls, Statement};

use crate::pool::{Lent, Pool};
use crate::together::{Written, together};
use crate::value::Inner;
use crate::{Isolation, Row, StoreError, Value};

/// Connections of one store.
const CONNECTIONS: usize = 16;
/// Statements that a connection keeps prepared.
const PREPARED: usize = 512;
/// How long the server may take to answer a new connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with a database in it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Server {
    config: Arc<Config>,
    pool: Pool<Connection>,
}

/// A connection with the statements that it has prepared, by their text.
struct Connection {
    client: Client,
    prepared: HashMap<String, Vec<Statement>>,
}

impl Server {
    /// Connects to the database at `url` and makes `schema`, in which names are looked up.
    pub(crate) async fn open(url: &str, schema: &str) -> Result<Self, StoreError> {
        let mut config = Config::from_str(url).map_err(|e| StoreError::Unavailable(reason(&e)))?;
        let escaped = schema.replace('\\', "\\\\").replace(' ', "\\ ");
        let own = format!("-c search_path={escaped} -c default_transaction_isolation=serializable");
        let mut options = match config.get_options() {
            Some(given) => format!("{given} {own}"),
            None => own,
        };
        let client = connect(config.options(&options)).await?;
        let create = format!("CREATE SCHEMA IF NOT EXISTS \"{}\"", schema.replace('"', ""));
        client.batch_execute(&create).await?;
        // Long texts are compressed whenever they are written; not every server is built with the quicker way.
        let quicker = "SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)";
        if client.query_opt(quicker, &[]).await?.is_some() {
            options.push_str(" -c default_toast_compression=lz4");
            config.options(&options);
        }
        Ok(Self { config: Arc::new(config), pool: Pool::new(CONNECTIONS) })
    }

    async fn lend(&self) -> Result<Lent<Connection>, StoreError> {
        self.pool.lend(|connection| !connection.client.is_closed(), async || self.connect().await).await
    }

    async fn connect(&self) -> Result<Connection, StoreError> {
        Ok(Connection { client: connect(&self.config).await?, prepared: HashMap::new() })
    }

    /// Begins to write, or without an isolation to read; `and` stands behind the begin. Nothing is sent yet.
    pub(crate) async fn begin(&self, write: Option<Isolation>, and: &str) -> Result<Transaction, StoreError> {
        // Boxed, as are the statements: the types of the driver's futures are deep, and everything above is built on them.
        let connection = self.lend().boxed().await?;
        let begin = match write {
            Some(Isolation::Serializable) => "BEGIN",
            Some(Isolation::Snapshot) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            // A snapshot is consistent and, unlike a serializable reader, never makes a writer start again.
            None => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        };
        let begin = if and.is_empty() { Cow::Borrowed(begin) } else { Cow::Owned(format!("{begin}{and}")) };
        Ok(Transaction { connection: Some(connection), state: State::Unsent(begin) })
    }
}

async fn connect(config: &Config) -> Result<Client, StoreError> {
    let connected = tokio::time::timeout(PATIENCE, config.connect(NoTls)).await;
    let connected = connected.map_err(|_| StoreError::Unavailable("the server does not answer".into()))?;
    let (client, connection) = connected.map_err(|e| StoreError::Unavailable(reason(&e)))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = reason(&error), "a connection ended");
        }
    });
    Ok(client)
}

impl Connection {
    /// The statement for parameters of these types.
    async fn prepare(&mut self, sql: &str, params: &[Value]) -> Result<Statement, Error> {
        let fits = |statement: &&Statement| {
            let types = statement.params();
            types.len() == params.len() && types.iter().zip(params).all(|(t, value)| *t == value.postgres_type())
        };
        if let Some(known) = self.prepared.get(sql).and_then(|all| all.iter().find(fits)) {
            return Ok(known.clone());
        }
        let types: Vec<Type> = params.iter().map(Value::postgres_type).collect();
        let statement = self.client.prepare_typed(sql, &types).await?;
        if self.prepared.len() >= PREPARED {
            self.prepared.clear();
        }
        self.prepared.entry(sql.to_owned()).or_default().push(statement.clone());
        Ok(statement)
    }
}

/// A transaction. Dropped before its commit, it leaves no trace.
pub(crate) struct Transaction {
    connection: Option<Lent<Connection>>,
    state: State,
}

enum State {
    /// What begins it was not sent.
    Unsent(Cow<'static, str>),
    /// It may have begun.
    Open,
    /// The connection can be lent again as it is.
    Ended,
}

impl Transaction {
    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.connection.as_deref_mut().ok_or_else(|| StoreError::Other("this transaction has ended".into()))
    }

    /// All rows of a query.
    pub(crate) async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        // Sent with the begin, so that without it (the server may refuse it) nothing would be left: a query alone.
        let ahead = sql.trim_start().starts_with("SELECT");
        if !ahead {
            self.send_begin().await?;
        }
        let statement = self.connection()?.prepare(sql, params).await?;
        let state = std::mem::replace(&mut self.state, State::Open);
        let client = &self.connection()?.client;
        let params = as_sql(params);
        let rows = client.query(&statement, &params);
        let rows = if let State::Unsent(begin) = state {
            // Polled in this order, so sent in this order.
            let (begun, rows) = futures::future::join(client.batch_execute(&begin), rows).await;
            begun?;
            rows?
        } else {
            rows.await?
        };
        Ok(rows.into_iter().map(|row| Row(Inner::Postgres(row))).collect())
    }

    /// Runs statements, sent together; gives the number of rows that the last one touched.
    pub(crate) async fn run(&mut self, statements: Vec<Written>) -> Result<u64, StoreError> {
        self.send_begin().await?;
        self.send(statements, false).await
    }

    /// Runs statements and commits.
    pub(crate) async fn commit(mut self, statements: Vec<Written>) -> Result<(), StoreError> {
        if !statements.is_empty() {
            self.send_begin().await?;
        }
        if let State::Open = self.state {
            self.send(statements, true).await?;
        }
        self.state = State::Ended;
        Ok(())
    }

    async fn send_begin(&mut self) -> Result<(), StoreError> {
        // Open from now on: who goes away in the middle leaves a transaction behind, which `drop` ends.
        if let State::Unsent(begin) = std::mem::replace(&mut self.state, State::Open) {
            self.connection()?.client.batch_execute(&begin).await?;
        }
        Ok(())
    }

    /// Sends statements without waiting for the answers in between; gives the number of rows that the last one touched. Only
    /// inside a transaction, where those behind one that failed have no effect.
    async fn send(&mut self, statements: Vec<Written>, commit: bool) -> Result<u64, StoreError> {
        let connection = self.connection()?;
        let statements = together(statements);
        let mut prepared = Vec::with_capacity(statements.len());
        for (sql, params) in &statements {
            prepared.push((connection.prepare(sql, params).await?, as_sql(params)));
        }
        let client = &connection.client;
        let mut sent: Vec<Answer> = Vec::with_capacity(statements.len() + 1);
        for (statement, params) in &prepared {
            sent.push(Box::pin(client.execute(statement, params)));
        }
        if commit {
            sent.push(Box::pin(async { client.batch_execute("COMMIT").await.map(|()| 0) }));
        }
        let mut touched = 0;
        for answer in in_order(sent).await {
            touched = answer?;
        }
        Ok(touched)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !matches!(self.state, State::Open) {
            return;
        }
        let Some(connection) = self.connection.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return connection.discard() };
        runtime.spawn(async move {
            if connection.client.batch_execute("ROLLBACK").await.is_err() {
                connection.discard();
            }
        });
    }
}

/// What comes back for a statement: the rows it touched.
type Answer<'a> = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send + 'a>>;

/// Awaits all of them. A request is sent when it is polled first, and they are polled in their order.
async fn in_order(mut sent: Vec<Answer<'_>>) -> Vec<Result<u64, Error>> {
    let mut answers: Vec<Option<Result<u64, Error>>> = sent.iter().map(|_| None).collect();
    std::future::poll_fn(move |cx| {
        let mut all = true;
        for (request, answer) in sent.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            match request.as_mut().poll(cx) {
                Poll::Ready(came) => *answer = Some(came),
                Poll::Pending => all = false,
            }
        }
        if all { Poll::Ready(answers.drain(..).flatten().collect()) } else { Poll::Pending }
    })
    .await
}

fn as_sql(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// What went wrong, with its cause: the error itself says only where.
pub(crate) fn reason(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

impl Value {
    fn postgres_type(&self) -> Type {
        match self {
            Value::Int(_) => Type::INT8,
            Value::Text(_) => Type::TEXT,
            Value::Blob(_) => Type::BYTEA,
            Value::Real(_) => Type::FLOAT8,
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Int(v) => v.to_sql(ty, out),
            Value::Text(v) => v.to_sql(ty, out),
            Value::Blob(v) => v.to_sql(ty, out),
            Value::Real(v) => v.to_sql(ty, out),
        }
    }

    /// Statements are prepared for the types of their parameters.
    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}
