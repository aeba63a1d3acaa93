//! What becomes of an event's secrets.

use serde_json::json;

use crate::filters::trial::Trial;

#[test]
fn card_numbers_and_addresses_are_masked_wherever_they_stand() {
    let event = json!({
        "message": "charged 4111 1111 1111 1111 of user42@mail.example",
        "shop": {"extra": {"card": 4_111_111_111_111_111u64, "list": ["x", {"pan": "4111111111111111"}]}},
        "escaped": "\n\u{1f600}4111111111111111\t\"a@b.example\"",
    });
    let document = Trial::new("redact { }").run(event);
    assert_eq!(document["message"], "charged 4111 11** **** 1111 of ***@mail.example");
    assert_eq!(
        document["shop"]["extra"],
        json!({"card": "411111******1111", "list": ["x", {"pan": "411111******1111"}]})
    );
    assert_eq!(document["escaped"], "\n\u{1f600}411111******1111\t\"***@b.example\"");
}

#[test]
fn names_are_masked_and_no_value_is_lost() {
    let event = json!({
        "shop": {"extra": {"attempts": {"4111111111111111": 3, "411111******1111": 4}}},
        "by_user": {"max@shop.example": 1, "eva@shop.example": 2, "b@c.d": {"x@y.example": "z"}},
    });
    let document = Trial::new("redact { }").run(event);
    assert_eq!(
        document["shop"]["extra"]["attempts"],
        json!({"411111******1111#1": 3, "411111******1111": 4})
    );
    assert_eq!(
        document["by_user"],
        json!({"***@shop.example#2": 1, "***@shop.example#3": 2, "b@c.d": {"***@y.example#4": "z"}})
    );
}

#[test]
fn a_masked_name_takes_no_name_that_the_sender_gave() {
    let event =
        json!({"a": {"4111111111111111": 3, "411111******1111": 4, "411111******1111#1": 5}});
    let document = Trial::new("redact { }").run(event);
    let mut values: Vec<_> = document["a"].as_object().unwrap().values().cloned().collect();
    values.sort_by_key(serde_json::Value::as_u64);
    assert_eq!(values, [3, 4, 5], "{document}");
}

#[test]
fn digits_hidden_by_escapes_are_seen() {
    let event = serde_json::from_str(r#"{"a": "\u0034111111111111111", "b": "a\u0040b.example"}"#);
    let document = Trial::new("redact { }").run(event.unwrap());
    assert_eq!(document["a"], "411111******1111");
    assert_eq!(document["b"], "***@b.example");
}

#[test]
fn fields_of_numbers_stay_numbers() {
    let event = json!({
        "event": {"duration": 4_111_111_111_111_111u64, "sequence": 4_111_111_111_111_111u64},
        "shop": {"order": {"items": [{"quantity": 4_111_111_111_111_111u64}]}},
        "@timestamp": "2026-11-20T08:00:00.000Z",
    });
    assert_eq!(Trial::new("redact { }").run(event.clone()), event);
}

#[test]
fn values_under_names_of_secrets_are_replaced() {
    let event = json!({
        "password": "hunter2", "headers": {"Authorization": "Bearer x", "Set-Cookie": ["a", "b"], "Accept": "*"},
        "api_key": 12345, "token": null, "has_password": true, "cvv": "123",
    });
    let document = Trial::new("redact { }").run(event);
    for (name, expected) in [
        ("password", json!("[redacted]")),
        ("api_key", json!("[redacted]")),
        ("cvv", json!("[redacted]")),
        ("token", json!(null)),
        ("has_password", json!(true)),
        (
            "headers",
            json!({"Authorization": "[redacted]", "Set-Cookie": "[redacted]", "Accept": "*"}),
        ),
    ] {
        assert_eq!(document[name], expected, "{name}");
    }
}

#[test]
fn secrets_behind_their_names_in_a_text_are_replaced() {
    let event = json!({
        "message": "login of 7 password=hunter2 failed", "escaped": "a\tpassword=\"x y\"\n",
        "url": {"query": "page=2&access_token=abc"}, "list": ["api_key=k", "password: x y"],
        "@timestamp": "2026-11-20T08:00:00.000Z",
    });
    let document = Trial::new("redact { }").run(event.clone());
    assert_eq!(document["message"], "login of 7 password=[redacted] failed");
    assert_eq!(document["escaped"], "a\tpassword=\"[redacted]\"\n");
    assert_eq!(document["url"]["query"], "page=2&access_token=[redacted]");
    assert_eq!(document["list"], json!(["api_key=[redacted]", "password: [redacted] y"]));
    assert_eq!(Trial::new("redact { secrets => false }").run(event.clone()), event);
    let hidden = serde_json::from_str(r#"{"a": "password\u003dhunter2"}"#).unwrap();
    assert_eq!(Trial::new("redact { }").run(hidden)["a"], "password=[redacted]");
}

#[test]
fn each_kind_can_be_switched_off() {
    let event = json!({"message": "4111111111111111 a@b.example", "password": "p"});
    let run = |options: &str| Trial::new(&format!("redact {{ {options} }}")).run(event.clone());
    assert_eq!(run("cards => false")["message"], "4111111111111111 ***@b.example");
    assert_eq!(run("emails => false")["message"], "411111******1111 a@b.example");
    assert_eq!(run("secrets => false")["password"], "p");
    assert!(Trial::refusal("redact { card => true }").contains("did you mean `cards`"));
}

#[test]
fn an_event_without_secrets_is_left_alone() {
    let event = json!({
        "@timestamp": "2026-11-20T08:00:00.000Z", "event": {"id": "7-12345", "action": "page_view"},
        "user_agent": {"original": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"},
        "url": {"full": "https://shop.example/filter/b41,p53"}, "trace": {"id": "0af7651916cd43dd8448eb211c80319c"},
        "tags": ["a"], "message": "at com.shop.pay.GatewayClient.charge(GatewayClient.java:212)\n\tat x",
    });
    assert_eq!(Trial::new("redact { }").run(event.clone()), event);
}
