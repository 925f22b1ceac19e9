//! Chromium without a window, steered by its protocol over a pipe: one process, no port, no driver.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// A browser, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Chromium {
    process: Arc<Mutex<Child>>,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    calls: u64,
}

/// How long a test may have a browser, also on a machine that does much else.
const ENDED_AFTER: Duration = Duration::from_secs(300);

/// The protocol wants two more files than a process is given: they are made of the usual ones.
const WITH_PIPES: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;

impl Chromium {
    /// What to do where none is installed.
    pub(crate) const MISSING: &str = "Chromium is not installed; install it (Debian and Ubuntu: apt-get install chromium; Fedora: dnf install chromium)";

    pub(crate) fn installed() -> Option<PathBuf> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
        names
            .iter()
            .find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.exists()))
    }

    /// Starts it with a profile of its own. Without a sandbox, as that cannot be had as root; it opens our file alone.
    pub(crate) fn start(program: &Path, profile: &Path) -> Self {
        let mut process = Command::new("sh")
            .args(["-c", WITH_PIPES, "sh"])
            .arg(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-dev-shm-usage",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(["--remote-debugging-pipe", "about:blank"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let process = Arc::new(Mutex::new(process));
        // One that says nothing any more is ended, which whoever waits for it notices.
        let late = Arc::downgrade(&process);
        std::thread::spawn(move || {
            std::thread::sleep(ENDED_AFTER);
            late.upgrade().map(|process| process.lock().unwrap().kill())
        });
        Self { process, to, from, calls: 0 }
    }

    /// A new, empty page.
    pub(crate) fn page(&mut self) -> Page<'_> {
        let mut page = Page { chromium: self, session: None, events: Vec::new() };
        let target = page.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached =
            page.call("Target.attachToTarget", &json!({ "targetId": target["targetId"], "flatten": true }));
        page.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Network", "Runtime", "Log"] {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        page
    }

    fn send(&mut self, message: &Value) {
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut message = Vec::new();
        self.from.read_until(0, &mut message).unwrap();
        assert_eq!(message.pop(), Some(0), "the browser has ended");
        let message: Value = serde_json::from_slice(&message).unwrap();
        assert_ne!(message["method"], "Page.javascriptDialogOpening", "a script of the data ran");
        message
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It may have ended by itself.
        let mut process = self.process.lock().unwrap();
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// A page of the browser, and what it told so far.
pub(crate) struct Page<'a> {
    chromium: &'a mut Chromium,
    session: Option<String>,
    events: Vec<Value>,
}

impl Page<'_> {
    /// Calls a method of the protocol and gives its result.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.chromium.calls += 1;
        let id = self.chromium.calls;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.chromium.send(&message);
        loop {
            let mut answer = self.chromium.receive();
            if answer["id"] == id {
                assert_eq!(answer["error"], Value::Null, "{method}");
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    /// Opens an address and waits until it is loaded.
    pub(crate) fn open(&mut self, address: &str) {
        self.call("Page.navigate", &json!({ "url": address }));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.chromium.receive();
            self.events.push(event);
        }
    }

    /// The value of an expression, as JSON.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "replMode": true });
        let mut result = self.call("Runtime.evaluate", &parameters);
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].take()
    }

    /// Presses a key and lets it go.
    pub(crate) fn press(&mut self, key: &str, code: u32) {
        let text = if key == "Enter" { "\r" } else { "" };
        let down = json!({ "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
        self.call("Input.dispatchKeyEvent", &down);
        self.call(
            "Input.dispatchKeyEvent",
            &json!({ "type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code }),
        );
    }

    /// What was asked for, of anybody.
    pub(crate) fn requests(&self) -> Vec<String> {
        let asked = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let addresses = asked.filter_map(|event| event["params"]["request"]["url"].as_str());
        addresses.filter(|address| !address.starts_with("data:")).map(str::to_owned).collect()
    }

    /// Errors, warnings and messages of the console, of the policy, and of scripts.
    pub(crate) fn complaints(&self) -> Vec<String> {
        const METHODS: [&str; 3] = ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"];
        let said = self.events.iter().filter(|event| METHODS.iter().any(|method| event["method"] == *method));
        said.map(Value::to_string).collect()
    }
}
