//! One endpoint, several services: each call kind goes to the area that answers it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use protocol::channel::codes;
use protocol::{Party, Refusal, Service};

/// Sends each call to the service that knows its kind.
#[derive(Default)]
pub struct Routes {
    services: Vec<(&'static [&'static str], Arc<dyn Service>)>,
}

impl Routes {
    /// Adds a service for these kinds.
    pub fn with(mut self, kinds: &'static [&'static str], service: Arc<dyn Service>) -> Self {
        self.services.push((kinds, service));
        self
    }
}

#[async_trait]
impl Service for Routes {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        match self.services.iter().find(|(kinds, _)| kinds.contains(&kind)) {
            Some((_, service)) => service.handle(from, kind, body).await,
            None => Err(Refusal::new(codes::UNKNOWN_KIND)),
        }
    }
}
