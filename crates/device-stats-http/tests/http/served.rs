//! The service on a port of its own over a store of its own, and a client that sends exactly the bytes it is told to.
//! (An ordinary client would tidy paths such as `%2e%2e`, and refuse to send what the server has to refuse.)

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use device_stats_http::serve;
use device_stats_postgres::{PostgresConfig, PostgresStore, testing};
use device_stats_service::Service;
use device_stats_sqlite::SqliteStore;
use device_stats_store::Store;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Makes of each `async fn case(api: Api)` a test over each store: `case::sqlite` and `case::postgres`.
macro_rules! over_both_stores {
    ($($case:ident),+ $(,)?) => {
        $(mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                crate::served::over_sqlite(super::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                crate::served::over_postgres(super::$case).await;
            }
        })+
    };
}
pub(crate) use over_both_stores;

pub(crate) const JSON: &str = "content-type: application/json";
pub(crate) const CSV: &str = "content-type: text/csv";

/// Runs a case over a new SQLite database.
pub(crate) async fn over_sqlite(case: impl AsyncFnOnce(Api)) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("http.db"), true).unwrap();
    over(Arc::new(store), case).await;
}

/// Runs a case over a new PostgreSQL database.
pub(crate) async fn over_postgres(case: impl AsyncFnOnce(Api)) {
    let config = PostgresConfig::from_url(&testing::fresh_database()).unwrap();
    let store = PostgresStore::open(&config, true).await.unwrap();
    over(Arc::new(store), case).await;
}

async fn over(store: Arc<dyn Store>, case: impl AsyncFnOnce(Api)) {
    let served = Served::start(store).await;
    case(served.api).await;
    served.stop().await;
}

/// The service while it runs.
pub(crate) struct Served {
    pub(crate) api: Api,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn start(store: Arc<dyn Store>) -> Self {
        Self::start_with_cache(store, 16 * 1024 * 1024).await
    }

    pub(crate) async fn start_with_cache(store: Arc<dyn Store>, cache_bytes_max: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Api { address: listener.local_addr().unwrap() };
        let (stop, stopped) = oneshot::channel::<()>();
        let service = Service::new(store, cache_bytes_max, Duration::from_mins(1)).unwrap();
        let serving = tokio::spawn(async move {
            let _relay = service.join_other_nodes();
            let stop = async {
                // A case that fails drops the sender, and that is a stop as well.
                let _sent = stopped.await;
            };
            serve(listener, service.clone(), stop).await;
        });
        Self { api, stop, serving }
    }

    /// Tells the service to stop; the task ends when it has.
    pub(crate) fn begin_stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.serving
    }

    pub(crate) async fn stop(self) {
        self.begin_stop().await.unwrap();
    }
}

/// A client.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
}

impl Api {
    pub(crate) async fn get(self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub(crate) async fn delete(self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None).await
    }

    pub(crate) async fn post(self, path: &str, body: impl ToString) -> Answer {
        self.send("POST", path, &[JSON], Some(body.to_string().as_bytes())).await
    }

    pub(crate) async fn put(self, path: &str, body: impl ToString) -> Answer {
        self.send("PUT", path, &[JSON], Some(body.to_string().as_bytes())).await
    }

    pub(crate) async fn send(
        self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: Option<&[u8]>,
    ) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
        for header in headers {
            write!(request, "{header}\r\n").unwrap();
        }
        if let Some(body) = body {
            write!(request, "content-length: {}\r\n", body.len()).unwrap();
        }
        let request = [request.as_bytes(), b"\r\n", body.unwrap_or_default()].concat();
        self.send_bytes(&request, method != "HEAD").await
    }

    /// Sends bytes and reads the one answer to them.
    pub(crate) async fn send_bytes(self, request: &[u8], has_body: bool) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let (mut read, mut write) = stream.split();
        // The server may answer, and even close, before it has read everything.
        let writing = async {
            let _refused = write.write_all(request).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = Answer::read(&mut read, has_body) => answer,
            () = writing => unreachable!("it is pending"),
        }
    }

    /// Registers a device without an owner.
    pub(crate) async fn device(self, id: &str) -> Value {
        let answer = self.post("/api/v1/devices", json!({"device_id": id})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// Registers a user and returns the id.
    pub(crate) async fn user(self, name: &str) -> i64 {
        let user = json!({"username": name, "email": format!("{name}@example.com")});
        let answer = self.post("/api/v1/users", user).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_i64().unwrap()
    }

    /// All that is in a list, a page of it at most.
    pub(crate) async fn list(self, path: &str) -> Vec<Value> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json().as_array().unwrap().clone()
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Answer {
    /// Reads one answer and not a byte more.
    pub(crate) async fn read(stream: &mut (impl AsyncReadExt + Unpin), has_body: bool) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a whole head"));
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.split_terminator("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut answer = Self { status, headers, body: Vec::new() };
        if has_body && answer.header("transfer-encoding") == Some("chunked") {
            answer.body = read_chunks(stream).await.expect("a whole body");
        } else if has_body {
            let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
            answer.body = vec![0; length];
            stream.read_exact(&mut answer.body).await.unwrap();
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status and what was wrong, in a line: `404 Device not found`, `422 missing body.x, float_type body.y`.
    pub(crate) fn brief(&self) -> String {
        assert!(self.status < 500, "{self:?}");
        let detail = match self.body.as_slice() {
            [] => Value::Null,
            _ => self.json().get("detail").cloned().unwrap_or_default(),
        };
        match detail {
            Value::Array(faults) => {
                let faults: Vec<String> = faults.iter().map(brief_fault).collect();
                format!("{} {}", self.status, faults.join(", "))
            }
            Value::String(detail) => format!("{} {detail}", self.status),
            _ => self.status.to_string(),
        }
    }
}

/// Reads a body that comes in chunks; `Err` with what has come where it breaks off.
pub(crate) async fn read_chunks(stream: &mut (impl AsyncReadExt + Unpin)) -> Result<Vec<u8>, Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let Ok(byte) = stream.read_u8().await else { return Err(body) };
            line.push(byte);
        }
        let length = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim_end(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        if stream.read_exact(&mut chunk).await.is_err() {
            return Err(body);
        }
        assert!(chunk.ends_with(b"\r\n"));
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..length]);
    }
}

fn brief_fault(fault: &Value) -> String {
    assert!(fault["msg"].is_string() && fault.get("input").is_some(), "{fault}");
    let steps = fault["loc"].as_array().unwrap().iter();
    let steps: Vec<String> =
        steps.map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned)).collect();
    format!("{} {}", fault["type"].as_str().unwrap(), steps.join("."))
}
