//! What schemathesis makes of the API's own description: hundreds of requests, good and bad. No answer is a server's
//! error, and each is as the description says.

use std::env;
use std::process::Command;

use crate::service::{ADMIN_KEY, Service};

const MISSING: &str = "LIMBECK_TEST_SCHEMATHESIS is not set: `cargo xtask test` installs schemathesis and sets it; or install \
                       it (pip install schemathesis) and let the variable name the program";

const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

#[tokio::test]
async fn every_answer_is_as_described_and_none_is_a_servers_error() {
    let program = env::var_os("LIMBECK_TEST_SCHEMATHESIS").expect(MISSING);
    let service = Service::start(&[("ADAPTER_RATE_LIMIT", "0")]).await;
    let tenant = service.create("Schemathesis").await;
    let folder = tempfile::tempdir().unwrap();
    let examples = env::var("LIMBECK_TEST_EXAMPLES").unwrap_or_else(|_| "15".to_owned());
    let output = Command::new(program)
        .current_dir(folder.path())
        .args(["run", &format!("http://{}/openapi.json", service.adapter.address)])
        .args(["--phases", "examples,coverage,fuzzing", "--checks", CHECKS, "--max-examples", &examples])
        .args(["--generation-deterministic", "--no-color", "--warnings", "off"])
        .args([
            "--header",
            &format!("X-API-Key:{}", tenant.key),
            "--header",
            &format!("X-Admin-Key:{ADMIN_KEY}"),
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // It has really asked.
    assert!(said.contains("generated"), "{said}");
}
