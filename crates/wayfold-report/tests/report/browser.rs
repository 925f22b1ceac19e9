//! A report in a browser: nothing is asked for, nothing is cut, and the keyboard reaches everything.

use std::path::Path;

use serde_json::{Value, json};
use wayfold_testkit::{Scratch, skip};

use crate::chromium::{Chromium, Page};
use crate::support::report;

/// Opens a report in a window of a width, in light or dark.
fn open<'a>(chromium: &'a mut Chromium, file: &Path, width: u32, scheme: &str) -> Page<'a> {
    let mut page = chromium.page();
    page.call(
        "Emulation.setDeviceMetricsOverride",
        &json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false }),
    );
    page.call(
        "Emulation.setEmulatedMedia",
        &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
    );
    page.open(&format!("file://{}", file.display()));
    page
}

/// Names that are long, in other scripts, and would run if they could.
fn unruly(name: &str) -> String {
    format!(
        "{name} 客户关系管理业务流程 Kundenbeziehungsmanagementgeschäftsprozess <img src=x onerror=alert(1)><script>alert(1)</script>"
    )
}

#[test]
fn a_report_is_read_in_a_browser() {
    let Some(program) = Chromium::installed() else {
        return skip("a_report_is_read_in_a_browser", Chromium::MISSING);
    };
    let folder = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "browser");
    let file = folder.folder().join("report.html");
    let mut chromium = Chromium::start(&program, &folder.folder().join("profile"));
    for named in [str::to_owned, unruly] {
        std::fs::write(&file, report(named).html()).unwrap();
        for (width, scheme) in [(1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")] {
            let mut page = open(&mut chromium, &file, width, scheme);
            assert_eq!(page.evaluate("document.title"), named("The shop"));
            let none: [String; 0] = [];
            let cut = page.evaluate(CUT);
            assert_eq!(cut, json!(none), "texts that are cut or lie upon each other, {width} wide");
            let fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth");
            assert_eq!(fits, true, "the page is no wider than {width}");
            let paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
            assert_eq!(paper == "rgb(253, 252, 249)", scheme == "light", "{paper} in {scheme}");
            // What is reached does not depend on colours.
            if (width == 1280) == (scheme == "light") {
                walk(&mut page);
            }
            assert_eq!(page.requests(), [format!("file://{}", file.display())], "nothing else is asked for");
            assert_eq!(page.complaints(), none, "neither the console nor the policy complains");
        }
    }
}

/// Texts of pictures that reach beyond their picture or lie upon another text.
const CUT: &str = r#"
    [...document.querySelectorAll("svg.chart")].filter((svg) => svg.checkVisibility()).flatMap((svg) => {
        const edge = svg.viewBox.baseVal;
        const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBBox()]);
        const beyond = texts.filter(([, box]) => box.x < -1 || box.y < -1 || box.x + box.width > edge.width + 1 || box.y + box.height > edge.height + 1);
        const upon = (a, b) => a.x + 1 < b.x + b.width && b.x + 1 < a.x + a.width && a.y + 4 < b.y + b.height && b.y + 4 < a.y + a.height;
        const pairs = texts.flatMap(([one, a], place) => texts.slice(place + 1).filter(([, b]) => upon(a, b)).map(([other]) => one + " | " + other));
        return [...beyond.map(([text]) => text), ...pairs].map((text) => svg.firstChild.textContent + ": " + text);
    })
"#;

/// What can be reached by the keyboard, in the order of the document, and what has been reached.
const REACHABLE: &str = r#"
    [...document.querySelectorAll("a[href], summary, button, [tabindex='0']")].filter((one) => one.checkVisibility()).length
"#;

/// Goes through the page by Tab alone, opens a table by Enter, and sorts it.
fn walk(page: &mut Page<'_>) {
    let reachable = page.evaluate(REACHABLE).as_u64().unwrap();
    page.evaluate("window.reached = new Set(); document.addEventListener('focusin', (event) => reached.add(event.target)); 0");
    page.press("Tab", 9);
    assert_eq!(
        page.evaluate("document.activeElement.className"),
        "skip",
        "the way past the sections comes first"
    );
    for _ in 1..reachable {
        page.press("Tab", 9);
    }
    assert_eq!(page.evaluate("reached.size"), reachable, "Tab reaches everything");

    page.evaluate(
        "document.querySelector('#lifecycle details:not([open]) summary, #rfm details summary').focus(); 0",
    );
    page.press("Enter", 13);
    assert_eq!(page.evaluate("document.activeElement.parentElement.open"), true, "Enter opens a table");
    page.evaluate("document.activeElement.parentElement.querySelectorAll('th button')[1].focus(); 0");
    page.press("Enter", 13);
    let order = "const table = document.activeElement.closest('table'); \
        const keys = [...table.tBodies[0].rows].map((row) => Number(row.cells[1].dataset.k)); \
        [document.activeElement.parentElement.ariaSort, keys.every((key, place) => !place || keys[place - 1] <= key)]";
    assert_eq!(page.evaluate(order), Value::from(vec![json!("ascending"), json!(true)]), "and sorts it");
}
