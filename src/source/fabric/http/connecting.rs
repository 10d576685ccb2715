//! Tells an attempt when its connection stands.

use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::source::attempt::Attempt;

/// Around what makes connections.
#[derive(Clone)]
pub struct ReportConnections(pub Attempt);

#[derive(Clone)]
pub struct ReportingConnector<S> {
    inner: S,
    attempt: Attempt,
}

impl<S> Layer<S> for ReportConnections {
    type Service = ReportingConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ReportingConnector { inner, attempt: self.0.clone() }
    }
}

impl<S, R> Service<R> for ReportingConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future =
        Pin<Box<dyn Future<Output = std::result::Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<std::result::Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let (connecting, attempt) = (self.inner.call(target), self.attempt.clone());
        Box::pin(async move {
            let connection = connecting.await;
            if connection.is_ok() {
                attempt.connected();
            }
            connection
        })
    }
}
