//! An application with steps in Rust: a process of its own, which can be killed.

use limbeck::{Migrator, RustStep};

/// Run by [`super::bed::Bed`], not by hand.
pub(crate) const TEST: &str = "kill_cases::application::upgrades";

#[test]
#[ignore = "the application that other tests start"]
fn upgrades() {
    let url = std::env::var("LIMBECK_URL").expect("another test starts this one");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let migrator = Migrator::from_dir("versions").unwrap().with_step("k1", noting()).with_step("k2", doing());
    if let Err(error) = runtime.block_on(migrator.upgrade(url.as_str())) {
        eprintln!("{error:#}");
        std::process::exit(1);
    }
}

/// Done twice, it would show.
fn noting() -> RustStep {
    RustStep::transaction(|connection| {
        Box::pin(async move {
            let sql = "UPDATE things SET hits = hits + 100, note = 'noted'";
            sqlx::query(sql).execute(&mut *connection).await?;
            sqlx::query("UPDATE things SET note = note || ' twice'").execute(connection).await?;
            Ok(())
        })
    })
}

fn doing() -> RustStep {
    RustStep::batches(|connection| {
        Box::pin(async move {
            let sql = "UPDATE things SET done = true, hits = hits + 1 WHERE id IN \
                       (SELECT id FROM things WHERE done IS NULL ORDER BY id LIMIT 3)";
            Ok(sqlx::query(sql).execute(connection).await?.rows_affected())
        })
    })
}
