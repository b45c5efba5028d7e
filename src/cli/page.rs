//! `p2pcall page`: the page for somebody who has only a browser.

use std::{
    convert::Infallible,
    io::{self, IsTerminal, Write},
    net::Ipv4Addr,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use super::{
    Exit, Refusal,
    args::{OutputArgs, PageArgs},
    interrupt::Signals,
    say, stage,
};

/// All of it: it needs nothing else.
const PAGE: &str = include_str!("../../web/index.html");

/// Asked for first: what the page keeps in a browser belongs to its address, port included.
const PORT: u16 = 47_100;

pub(super) fn run(args: PageArgs, output: &OutputArgs) -> Result<Exit, Refusal> {
    if args.open {
        return stage::runtime()?.block_on(serve(output.quiet));
    }
    let written = match &args.output {
        Some(path) => std::fs::write(path, PAGE).map_err(|error| (path.display().to_string(), error)),
        None if io::stdout().is_terminal() => {
            return Err(Refusal {
                exit: Exit::Usage,
                what: "The page is a file of many lines. Write it to one with --out FILE, or open it with --open."
                    .into(),
            });
        }
        None => print().map_err(|error| ("standard output".into(), error)),
    };
    match written {
        Ok(()) => Ok(Exit::Success),
        Err((_, error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Success),
        Err((place, error)) => {
            Err(Refusal { exit: Exit::CallFailed, what: format!("The page cannot be written to {place}: {error}.") })
        }
    }
}

fn print() -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(PAGE.as_bytes())?;
    out.flush()
}

/// Serves the page on this machine until the person has enough: browsers give cameras to pages from here,
/// while those from files have to ask each time.
async fn serve(quiet: bool) -> Result<Exit, Refusal> {
    let refused = |error: io::Error| Refusal {
        exit: Exit::CallFailed,
        what: format!("The page cannot be served on this machine: {error}."),
    };
    let mut signals = Signals::new().map_err(refused)?;
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(refused)?,
    };
    let address = format!("http://{}/", listener.local_addr().map_err(refused)?);
    if !quiet {
        say("The page is here until you press Ctrl-C:");
    }
    let printed = writeln!(io::stdout(), "{address}");
    if let Err(error) = open::that_detached(&address)
        && (!quiet || printed.is_err())
    {
        say(&format!("No browser could be opened ({error}). Open the page yourself: {address}"));
    }
    tokio::select! {
        accepted = accept(listener) => match accepted {
            Ok(never) => match never {},
            Err(error) => Err(refused(error)),
        },
        _ = signals.next() => Ok(Exit::Success),
    }
}

async fn accept(listener: TcpListener) -> io::Result<Infallible> {
    loop {
        let (stream, _) = listener.accept().await?;
        let connection =
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "somebody asked for the page");
            }
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let asked = matches!(*request.method(), Method::GET | Method::HEAD) && request.uri().path() == "/";
    let mut response = Response::new(Full::from(if asked { PAGE } else { "There is only one page here: /\n" }));
    *response.status_mut() = if asked { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let kind = if asked { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // Another version may be here next time.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
