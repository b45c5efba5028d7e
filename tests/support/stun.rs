//! A STUN server that says what it is told to say (RFC 8489).

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::{Arc, Mutex},
};

use tokio::{net::UdpSocket, runtime::Runtime};

/// Answers every binding request with one address, wherever it came from.
pub(crate) struct StunServer {
    address: SocketAddr,
    mapped: Arc<Mutex<SocketAddrV4>>,
}

impl StunServer {
    /// Starts one that says 198.51.100.1:1000.
    pub(crate) fn start(runtime: &Runtime) -> Self {
        let socket = runtime.block_on(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))).expect("a socket");
        let address = socket.local_addr().expect("it is bound");
        let mapped = Arc::new(Mutex::new(SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 1), 1000)));
        runtime.spawn(serve(socket, mapped.clone()));
        Self { address, mapped }
    }

    pub(crate) fn url(&self) -> String {
        format!("stun:{}", self.address)
    }

    pub(crate) fn map_to(&self, address: &str) {
        *self.mapped.lock().expect("no panic") = address.parse().expect("an address");
    }
}

async fn serve(socket: UdpSocket, mapped: Arc<Mutex<SocketAddrV4>>) {
    let mut request = [0; 1500];
    while let Ok((length, from)) = socket.recv_from(&mut request).await {
        if length < 20 || request[..2] != [0, 1] {
            continue;
        }
        let address = *mapped.lock().expect("no panic");
        let cookie = [0x21, 0x12, 0xa4, 0x42];
        // Header, then XOR-MAPPED-ADDRESS: family, port and address, each over the cookie.
        let mut response = vec![1, 1, 0, 12];
        response.extend_from_slice(&request[4..20]);
        response.extend([0, 0x20, 0, 8, 0, 1]);
        response.extend((address.port() ^ 0x2112).to_be_bytes());
        response.extend(address.ip().octets().iter().zip(cookie).map(|(byte, over)| byte ^ over));
        let _ = socket.send_to(&response, from).await;
    }
}
