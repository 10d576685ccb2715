//! Names to addresses for reqwest.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::net::resolver::addresses;

#[derive(Clone, Copy)]
pub struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = addresses(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
