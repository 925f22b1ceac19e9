//! Asks the service everything that it can answer, and holds each answer against what it must be.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::{Value, json};
use wayfold::Timestamp;

use crate::client::send;

const EVENTS: &str = r#"{"id":"00000000-0000-0000-0000-000000000001","customer":"ada","occurred_at":"2024-02-20T10:00:00Z","kind":"order_placed","schema_version":1,"fields":{"amount":{"amount":"40","currency":"EUR"}},"tags":["order:o1"]}
{"id":"00000000-0000-0000-0000-000000000002","customer":"ada","occurred_at":"2024-02-20T10:00:00Z","kind":"points_earned","schema_version":1,"fields":{"points":120}}
{"id":"00000000-0000-0000-0000-000000000003","customer":"bob","occurred_at":"2024-02-01T10:00:00Z","kind":"order_placed","schema_version":1,"fields":{"amount":{"amount":"90","currency":"EUR"}},"tags":["order:o2"]}
"#;

/// One event, over several lines.
const REGISTERED: &str = r#"{
    "id": "00000000-0000-0000-0000-000000000004",
    "customer": "eve",
    "occurred_at": "2024-06-01T00:00:00Z",
    "kind": "registered",
    "schema_version": 1
}"#;

/// Ada buys again.
const BOUGHT_AGAIN: &str = r#"{"id":"00000000-0000-0000-0000-000000000005","customer":"ada","occurred_at":"2024-08-01T10:00:00Z","kind":"order_placed","schema_version":1,"fields":{"amount":{"amount":"5","currency":"EUR"}},"tags":["order:o3"]}"#;

/// Asks; `advance_to` moves the time of the service.
pub(crate) fn everything(
    address: SocketAddr,
    advance_to: impl Fn(Timestamp) -> wayfold::Result<()>,
) -> Result<()> {
    let caller = Caller { address };
    caller.events()?;
    caller.customers()?;
    caller.churn_risks()?;
    caller.redeem()?;
    caller.notices(|date| Ok(advance_to(Timestamp::parse(date)?)?))
}

struct Caller {
    address: SocketAddr,
}

impl Caller {
    fn ask(&self, line: &str) -> Result<(u16, Value)> {
        told(line, send(self.address, line, "", "")?)
    }

    fn tell(&self, line: &str, kind: &str, body: &str) -> Result<(u16, Value)> {
        told(line, send(self.address, line, &format!("content-type: {kind}\r\n"), body)?)
    }

    fn events(&self) -> Result<()> {
        let lines = |body: &str| self.tell("POST /events", "application/x-ndjson", body);
        assert_eq!(lines(EVENTS)?, (200, json!({ "new": 3 })));
        assert_eq!(lines(EVENTS)?, (200, json!({ "new": 0 })), "the same again changes nothing");
        let one = || self.tell("POST /events", "application/json", REGISTERED);
        assert_eq!((one()?, one()?), ((200, json!({ "new": 1 })), (200, json!({ "new": 0 }))));

        // What is bad is named, and nothing of the body is written.
        let two = format!("{BOUGHT_AGAIN}\n{}", BOUGHT_AGAIN.replace("EUR", "euro"));
        let (status, error) = lines(&two)?;
        assert!(status == 400 && error["error"].as_str().is_some_and(|text| text.contains("line 2")));
        let (status, _) = self.tell("POST /events", "application/json", "{")?;
        assert_eq!(status, 400);
        // An id is taken once: another content under it is a conflict.
        assert_eq!(lines(&EVENTS.replace("\"points\":120", "\"points\":7"))?.0, 409);
        Ok(())
    }

    fn customers(&self) -> Result<()> {
        let (status, ada) = self.ask("GET /customers/ada")?;
        assert_eq!(
            (status, &ada["lifecycle"]["stage"], &ada["events"]),
            (200, &json!("first_time"), &json!(2))
        );
        assert_eq!(self.ask("GET /customers/nobody")?.0, 404);
        let (status, told) = self.ask("GET /customers/ada/explain")?;
        let changes = told["steps"][0]["changes"].as_array().expect("the order changed something");
        assert_eq!(status, 200);
        assert!(changes.iter().any(|change| change["field"] == "lifecycle.stage"));
        Ok(())
    }

    /// Both have been silent for more than 90 days; bob is worth more.
    fn churn_risks(&self) -> Result<()> {
        let (_, first) = self.ask("GET /churn-risks?limit=1")?;
        assert_eq!(
            (&first["customers"][0]["key"]["customer"], &first["matching"]),
            (&json!("bob"), &json!(2))
        );
        let next = first["next"].as_str().expect("there is a second page");
        let (_, second) = self.ask(&format!("GET /churn-risks?limit=1&after={next}"))?;
        assert_eq!(
            (&second["customers"][0]["key"]["customer"], &second["next"]),
            (&json!("ada"), &Value::Null)
        );
        assert_eq!(self.ask("GET /churn-risks?after=nowhere")?.0, 400);
        Ok(())
    }

    fn redeem(&self) -> Result<()> {
        let redeem = |request: &str, points: u32| {
            let wish = json!({ "request": request, "points": points, "reward": "coffee" });
            self.tell("POST /customers/ada/redeem", "application/json", &wish.to_string())
        };
        assert_eq!(redeem("r1", 100)?, (200, json!({ "points": 20 })));
        assert_eq!(redeem("r1", 100)?, (200, json!({ "points": 20 })), "the same request");
        let (status, refused) = redeem("r2", 100)?;
        assert_eq!((status, &refused["error"]), (409, &json!("the customer has only 20 points")));
        Ok(())
    }

    /// A listener hears of time and of an event, goes away, and hears behind the last position what came meanwhile.
    fn notices(&self, advance_to: impl Fn(&str) -> Result<()>) -> Result<()> {
        let listen = |head: &str| send(self.address, "GET /notices", head, "");
        let mut stream = listen("")?;
        advance_to("2024-07-31")?;
        let (_, told) = stream.next_event()?.expect("bob is lost");
        println!("a listener of /notices hears {:?}", stages(&told));
        assert_eq!(stages(&told), [("bob", "churned")]);
        advance_to("2024-08-02")?;
        self.tell("POST /events", "application/x-ndjson", BOUGHT_AGAIN)?;
        let (last, told) = stream.next_event()?.expect("ada bought again");
        println!("a listener of /notices hears {:?}", stages(&told));
        assert_eq!(stages(&told), [("ada", "repeat")]);
        drop(stream);

        advance_to("2025-03-01")?;
        let mut stream = listen(&format!("last-event-id: {last}\r\n"))?;
        let (_, told) = stream.next_event()?.expect("ada is lost");
        println!("one who comes back hears {:?}", stages(&told));
        assert_eq!(stages(&told), [("ada", "churned")]);
        assert_eq!(listen("last-event-id: x\r\n")?.status, 400);
        Ok(())
    }
}

/// The stages of the lifecycle that a delivery tells as facts.
fn stages(told: &Value) -> Vec<(&str, &str)> {
    let facts = told.as_array().into_iter().flatten().filter_map(|told| told.get("fact"));
    facts
        .filter_map(|fact| {
            let to = fact["transition"]["lifecycle_stage"]["to"].as_str()?;
            Some((fact["customer"]["customer"].as_str()?, to))
        })
        .collect()
}

/// Prints what was asked and the beginning of the answer.
fn told(line: &str, response: crate::client::Response) -> Result<(u16, Value)> {
    let status = response.status;
    let answer = response.json()?;
    let text: String = answer.to_string().chars().take(70).collect();
    println!("{line:34.34} {status} {text}");
    Ok((status, answer))
}
