//! The servers' names, looked up side by side: the library would ask for one after the other, and hold
//! everything else up meanwhile.

use std::{net::SocketAddr, time::Duration};

use tokio::task::JoinSet;

/// A name that is not found within this is not found.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Once one name is found those that one can do without may take this long.
const GRACE: Duration = Duration::from_millis(250);

/// A host and a port, and whether the others wait for it.
pub(super) struct Name<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) needed: bool,
}

/// Returns the addresses of each name; none if it is not found in time.
pub(super) async fn lookup(names: &[Name<'_>]) -> Vec<Vec<SocketAddr>> {
    let mut found = vec![Vec::new(); names.len()];
    let mut lookups = JoinSet::new();
    for (index, name) in names.iter().enumerate() {
        let (host, port, needed) = (name.host.to_owned(), name.port, name.needed);
        lookups.spawn(async move {
            let addresses = tokio::net::lookup_host((host, port)).await;
            (index, needed, addresses.map(Iterator::collect::<Vec<_>>).unwrap_or_default())
        });
    }
    let mut needed = names.iter().filter(|name| name.needed).count();
    let (mut any, mut deadline) = (false, crate::media::now() + TIMEOUT);
    loop {
        tokio::select! {
            done = lookups.join_next() => match done {
                Some(Ok((index, was_needed, addresses))) => {
                    any |= !addresses.is_empty();
                    needed -= usize::from(was_needed);
                    found[index] = addresses;
                    if any && needed == 0 {
                        deadline = deadline.min(crate::media::now() + GRACE);
                    }
                }
                Some(Err(error)) => tracing::debug!(%error, "a lookup"),
                None => return found,
            },
            () = tokio::time::sleep_until(deadline.into()) => return found,
        }
    }
}

/// Returns the first address of each family.
pub(super) fn one_of_each_family(addresses: &[SocketAddr]) -> impl Iterator<Item = SocketAddr> {
    let first = |is_v4| addresses.iter().copied().find(move |address| address.is_ipv4() == is_v4);
    [first(true), first(false)].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_need_no_lookup() {
        let names = [("192.0.2.1", true), ("2001:db8::1", false)].map(|(host, needed)| Name { host, port: 5, needed });
        let found = lookup(&names).await;
        let read = |text: &str| text.parse::<SocketAddr>().expect("an address");
        assert_eq!(found, [vec![read("192.0.2.1:5")], vec![read("[2001:db8::1]:5")]]);
        assert!(one_of_each_family(&found.concat()).eq(found.concat()));
    }
}
