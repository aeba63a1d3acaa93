//! The bodies of the five log types, as shops' loggers write them: numbers as strings, booleans in
//! five spellings, fields that are null, empty or absent.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Map, Value, json};

use super::LogType;
use super::catalog::{
    ACTIONS, COUNTRIES, FAILURES, FRAUD_RULES, PATHS, PRODUCTS, REFERRERS, SEARCHES,
};
use super::customer::{Customer, pick, weighted};

/// The fields of one event without `event_id` and `timestamp`.
pub(super) fn make(
    random: &mut ChaCha8Rng,
    kind: LogType,
    customer: &Customer,
    serial: u64,
) -> Map<String, Value> {
    let mut event = envelope(random, kind, customer);
    let fields = match kind {
        LogType::Transaction => transaction(random, customer, serial),
        LogType::Error => error(random, serial),
        LogType::UserBehavior => user_behavior(random, customer, serial),
        LogType::Performance => performance(random, serial),
        LogType::FraudDetection => fraud_detection(random, customer, serial),
    };
    if let Value::Object(fields) = fields {
        event.extend(fields);
    }
    event
}

fn envelope(random: &mut ChaCha8Rng, kind: LogType, customer: &Customer) -> Map<String, Value> {
    let level = match kind {
        LogType::Error => *pick(random, &["error", "ERROR", "Error", "critical", "warn", "fatal"]),
        LogType::FraudDetection => *pick(random, &["info", "warn", "warning"]),
        LogType::Performance => "debug",
        LogType::Transaction | LogType::UserBehavior => "info",
    };
    let mut address = customer.address.clone();
    let mut forwarded = Value::Null;
    if random.random_bool(0.15) {
        // A proxy's list: the first address is the client's.
        address = format!("{address}, 10.0.0.{}", random.random_range(1..255));
        forwarded = json!(address);
    }
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
    put("log_type", json!(kind.name()));
    put("level", json!(level));
    put(
        "service",
        json!(pick(random, &["storefront", "checkout", "payments", "search", "catalog"])),
    );
    put("env", json!("prod"));
    put("host", json!(format!("web-{:02}", random.random_range(1..13))));
    let version = (random.random_range(1..12), random.random_range(0..9));
    put("version", json!(format!("2026.{}.{}", version.0, version.1)));
    put("client_ip", json!(address));
    if !forwarded.is_null() {
        put("x_forwarded_for", forwarded);
    }
    put("user_agent", json!(customer.user_agent));
    put("session_id", json!(customer.session_id));
    put("user_id", json!(customer.user_id));
    if random.random_bool(0.9) {
        put("trace_id", json!(format!("{:032x}", random.random::<u128>())));
    }
    event
}

fn transaction(random: &mut ChaCha8Rng, customer: &Customer, serial: u64) -> Value {
    let mut items = Vec::new();
    let mut total_cents = 0;
    for _ in 0..*pick(random, &[1, 1, 1, 2, 2, 3, 5, 8]) {
        let &(sku, name, category, cents) = pick(random, PRODUCTS);
        let quantity = *pick(random, &[1, 1, 1, 2, 3, 12]);
        total_cents += quantity * cents;
        items.push(json!({
            "sku": sku, "name": name, "category": category,
            "quantity": number_or_text(random, quantity), "unit_price": money(random, cents),
        }));
    }
    let statuses = ["created", "paid", "paid", "paid", "paid", "failed", "refunded", "cancelled"];
    let status = *pick(random, &statuses);
    let signed_cents = if status == "refunded" { -total_cents } else { total_cents };
    let shipping_country =
        if random.random_bool(0.7) { customer.country } else { pick(random, COUNTRIES).0 };
    let shipping_cents = *pick(random, &[0, 495, 990]);
    let first = random.random_bool(0.2);
    json!({
        "order_id": format!("ORD-{serial}"),
        "status": status,
        "amount": money(random, signed_cents),
        "currency": customer.currency,
        "tax": money(random, total_cents * 19 / 119),
        "shipping_cost": money(random, shipping_cents),
        "coupon": pick(random, &[Value::Null, Value::Null, json!("WELCOME10"), json!("")]),
        "item_count": items.len().to_string(),
        "items": items,
        "payment": {
            "method": pick(random, &["card", "paypal", "sepa", "klarna", "apple_pay"]),
            "gateway": pick(random, &["stripe", "adyen", "mollie"]),
            "card_brand": pick(random, &[json!("visa"), json!("mastercard"), Value::Null]),
            "card_last4": format!("{:04}", random.random_range(0..10_000)),
            "duration_ms": number_in(random, 80..4000),
        },
        "billing_country": customer.country,
        "shipping_country": shipping_country,
        "email": format!("user{}@mail.example", random.random_range(0..1_000_000)),
        "first_order": boolean(random, first),
    })
}

fn error(random: &mut ChaCha8Rng, serial: u64) -> Value {
    let &(class, message, frame, code) = pick(random, FAILURES);
    let message = message.replace('#', &random.random_range(1..30_000).to_string());
    let retryable = random.random_bool(0.4);
    json!({
        "error_id": format!("E{serial:08X}"),
        "message": message,
        "exception": {
            "class": class,
            "code": number_or_text(random, code),
            "stack_trace": format!(
                "{class}: {message}\n\tat {frame}\n\tat shop.web.Dispatcher.handle(Dispatcher.java:{})",
                random.random_range(20..400),
            ),
        },
        "http": {
            "method": pick(random, &["GET", "POST", "post", "PUT"]),
            "path": path(random),
            "status": number_or_text(random, code),
        },
        "retryable": boolean(random, retryable),
        "attempt": number_in(random, 1..4),
    })
}

fn user_behavior(random: &mut ChaCha8Rng, customer: &Customer, serial: u64) -> Value {
    let action = weighted(random, ACTIONS);
    let scroll = random.random_range(0..1000);
    let mut fields = json!({
        "hit": serial,
        "action": action,
        "url": format!("https://shop.example{}", path(random)),
        "referrer": pick(random, REFERRERS),
        "duration_ms": number_in(random, 10..90_000),
        "scroll_pct": match scroll % 3 {
            0 => Value::Null,
            1 => json!(format!("{}.{}", scroll / 10, scroll % 10)),
            _ => json!(scroll / 10),
        },
        "viewport": pick(random, &["390x844", "1920x1080", "412x915", "1366x768"]),
        "language": pick(random, &["de-DE", "en_US", "fr", "fa-IR", "ja-JP", "pt-BR"]),
        "is_bot": boolean(random, customer.user_agent.contains("bot")),
    });
    if matches!(action, "product_view" | "add_to_cart" | "remove_from_cart") {
        let &(sku, name, category, cents) = pick(random, PRODUCTS);
        fields["product"] = json!({
            "sku": sku, "name": name, "category": category, "price": money(random, cents),
            "quantity": number_in(random, 1..3),
        });
    }
    if action == "search" {
        fields["search"] = json!({
            "query": pick(random, SEARCHES), "results": number_in(random, 0..400),
            "filters": pick(random, &[json!([]), json!(["size:44"]), json!(["color:red", "brand:4"])]),
        });
    }
    if random.random_bool(0.3) {
        let source = pick(random, &["google", "newsletter", "instagram"]);
        fields["utm"] = json!({"source": source, "medium": "cpc", "campaign": "autumn-26"});
    }
    fields
}

fn performance(random: &mut ChaCha8Rng, serial: u64) -> Value {
    // Most answers are quick and a few are very slow: a product of two uniform draws.
    let tenths = random.random_range(5..2_000u64) * random.random_range(1..20u64) / 4;
    let millis = format!("{}.{}", tenths / 10, tenths % 10);
    let seconds = format!("{}.{:03}", tenths / 10_000, tenths / 10 % 1000);
    let status = *pick(random, &[200, 200, 200, 200, 200, 304, 301, 404, 500, 502, 499]);
    let load = random.random_range(0..1000);
    json!({
        "span_id": format!("{serial:016x}"),
        "method": pick(random, &["GET", "GET", "GET", "POST", "HEAD"]),
        "endpoint": path(random),
        "status": number_or_text(random, status),
        "response_time_ms": match tenths % 3 {
            0 => json!(format!("{millis}00")),
            1 => json!(tenths as f64 / 10.0),
            _ => json!(millis),
        },
        "response_time": seconds,
        "db_time_ms": number_in(random, 0..900),
        "bytes_sent": number_in(random, 0..900_000),
        "cache": pick(random, &["HIT", "MISS", "BYPASS", "-"]),
        "cpu_pct": format!("{}.{}", load / 10, load % 10),
        "memory_mb": number_in(random, 80..4096),
        "upstream": {
            "addr": format!("10.0.{}.{}:8080", random.random_range(0..4), random.random_range(1..30)),
            "time": pick(random, &[json!("-"), json!(seconds)]),
        },
        "vitals": if random.random_bool(0.5) { Value::Null } else { json!({
            "lcp_ms": number_in(random, 400..9000), "inp_ms": number_in(random, 8..900),
            "cls": format!("0.{:03}", random.random_range(0..400)),
        }) },
    })
}

fn fraud_detection(random: &mut ChaCha8Rng, customer: &Customer, serial: u64) -> Value {
    let score = random.random_range(0..10_000u32) * random.random_range(1..10_000u32) / 10_000;
    let fraction = format!("0.{score:04}");
    let proxy = random.random_bool(0.08);
    let amount_cents = random.random_range(500..250_000);
    let other = pick(random, COUNTRIES).0;
    let (first, second) = (pick(random, FRAUD_RULES), pick(random, FRAUD_RULES));
    json!({
        "case_id": format!("FC-{serial}"),
        "order_id": format!("ORD-{}", random.random_range(0..10_000_000)),
        "risk_score": match score % 4 {
            0 => json!(f64::from(score) / 10_000.0),
            1 => json!(fraction),
            2 => json!(score / 100),
            _ => json!(format!("{}%", score / 100)),
        },
        "decision": match score { 7001.. => "block", 4501.. => "review", _ => "allow" },
        "rules": pick(random, &[json!([]), json!([first]), json!([first, second])]),
        "model_version": "fd-2026.10",
        "amount": money(random, amount_cents),
        "currency": customer.currency,
        "card_bin": random.random_range(400_000..559_999).to_string(),
        "card_fingerprint": format!("{:016x}", random.random::<u64>()),
        "billing_country": customer.country,
        "ip_country": pick(random, &[json!(customer.country), json!(other), Value::Null, json!("")]),
        "velocity": {
            "orders_1h": number_in(random, 0..9),
            "cards_24h": number_in(random, 0..5),
            "failed_24h": random.random_range(0..12).to_string(),
        },
        "device_id": customer.device_id,
        "is_proxy": boolean(random, proxy),
        "account_age_days": number_in(random, 0..3000),
    })
}

/// An amount as shops log it: mostly text with two decimals, at times a number.
fn money(random: &mut ChaCha8Rng, cents: i64) -> Value {
    let sign = if cents < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
    match random.random_range(0..100) {
        0..80 => json!(text),
        80..93 => json!(cents as f64 / 100.0),
        93..97 => json!(format!("{text}0")),
        _ => json!(cents),
    }
}

fn boolean(random: &mut ChaCha8Rng, value: bool) -> Value {
    let spellings = if value {
        [json!(true), json!("true"), json!("1"), json!("yes")]
    } else {
        [json!(false), json!("false"), json!("0"), json!("no")]
    };
    pick(random, &spellings).clone()
}

fn number_or_text<T: Into<Value> + ToString>(random: &mut ChaCha8Rng, value: T) -> Value {
    if random.random_bool(0.33) { value.into() } else { json!(value.to_string()) }
}

fn number_in(random: &mut ChaCha8Rng, range: std::ops::Range<u32>) -> Value {
    let value = random.random_range(range);
    number_or_text(random, value)
}

fn path(random: &mut ChaCha8Rng) -> String {
    weighted(random, PATHS).replace('#', &random.random_range(1..99_999).to_string())
}
