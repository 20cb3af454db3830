//! Lists of actions: pages, filters, and whose they are.

use crate::client::{Answer, OTHER_KEY, OTHER_TENANT, TENANT, add_other_tenant, run};
use crate::run::{Service, action, service};

/// Whether an entry, by its number, fits a filter.
type Fits = fn(i64) -> bool;

/// Entries of one tenant, ten minutes apart and the last three at the same moment, and some of another tenant.
async fn fill(service: &Service) {
    let mut connection = service.db.connect().await;
    add_other_tenant(&mut connection).await;
    let sql = format!(
        "INSERT INTO action_logs (id, tenant_id, action_type, provider_name, status, execution_time_ms, metadata, created_at)
         SELECT gen_random_uuid(), tenant::uuid,
                (CASE n % 2 WHEN 0 THEN 'crm_get' ELSE 'email_send' END)::action_type_enum,
                (ARRAY['hub', 'desk', 'mail'])[1 + n % 3],
                (CASE n % 5 WHEN 0 THEN 'failure' ELSE 'success' END)::action_status_enum, n,
                jsonb_build_object('user_id', 'u-' || n % 4, 'resource_type', 'lead', 'resource_id', 'r-' || n),
                timestamptz '2026-01-01 00:00Z' + least(n, 23) * interval '10 minutes'
         FROM generate_series(0, 25) n, unnest(ARRAY['{TENANT}', '{OTHER_TENANT}']) tenant"
    );
    run(&mut connection, sql).await;
}

fn numbers(page: &Answer) -> Vec<i64> {
    assert_eq!(page.status, 200, "{}", page.text);
    page.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["execution_time_ms"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn pages_hold_every_entry_of_the_tenant_once_newest_first() {
    let service = service(&["--rate-limit", "0"]).await;
    fill(&service).await;
    for limit in [1, 2, 7, 26, 200] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = service.api.get(&format!("/api/v1/actions?limit={limit}{cursor}")).await;
            seen.extend(numbers(&page));
            let Some(next) = page.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let moments: Vec<_> = seen.iter().map(|n| *n.min(&23)).collect();
        assert!(moments.is_sorted_by(|one, two| one >= two), "{limit}: {seen:?}");
        seen.sort_unstable();
        assert_eq!(seen, (0..=25).collect::<Vec<_>>(), "{limit}");
    }
}

#[tokio::test]
async fn filters_narrow_the_list_to_what_fits_all_of_them() {
    let service = service(&["--rate-limit", "0"]).await;
    fill(&service).await;
    let cases: [(&str, Fits); 9] = [
        ("action_type=crm_get", |n| n % 2 == 0),
        ("status=failure", |n| n % 5 == 0),
        ("provider=desk", |n| n % 3 == 1),
        ("user_id=u-3", |n| n % 4 == 3),
        ("resource_type=lead&resource_id=r-7", |n| n == 7),
        ("from=2026-01-01T01:00:00Z&to=2026-01-01T02:00:00Z", |n| (6..12).contains(&n)),
        ("status=success&provider=hub&action_type=email_send", |n| n % 5 != 0 && n % 3 == 0 && n % 2 == 1),
        ("provider=nobody", |_| false),
        ("user_id=u-3%27%20OR%20true--", |_| false),
    ];
    for (query, fits) in cases {
        let mut found = numbers(&service.api.get(&format!("/api/v1/actions?{query}")).await);
        found.sort_unstable();
        assert_eq!(found, (0..=25).filter(|n| fits(*n)).collect::<Vec<_>>(), "{query}");
    }
    let bad = [
        "action_type=crm",
        "status=ok",
        "limit=0",
        "limit=201",
        "cursor=x",
        "from=yesterday",
        "colour=red",
        "user_id=%00",
    ];
    for query in bad {
        let answer = service.api.get(&format!("/api/v1/actions?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        answer.detail();
    }
}

#[tokio::test]
async fn a_tenant_finds_its_own_actions_only() {
    let service = service(&["--rate-limit", "0"]).await;
    fill(&service).await;
    let other = service.api.with_key(OTHER_KEY);
    let mine = service.api.act(&action("echo")).await;
    let path = format!("/api/v1/actions/{}", mine.body["id"].as_str().unwrap());
    assert_eq!(service.api.get(&path).await.status, 200);
    assert_eq!(other.get(&path).await.status, 404);
    assert_eq!(service.api.get("/api/v1/actions/nonsense").await.status, 404);
    assert_eq!(numbers(&other.get("/api/v1/actions").await).len(), 26);
    assert_eq!(numbers(&service.api.get("/api/v1/actions").await).len(), 27);
}
