use bus::RecordId;

use super::*;

fn transaction(number: u8, minute: i64, amount: &str) -> Transaction {
    Transaction {
        id: RecordId([number; 16]),
        shop: "default".to_owned(),
        timestamp_ms: minute * 60_000,
        amount: Amount::parse(amount),
        amount_is_unreadable: false,
        amount_text: Some(amount.to_owned()),
        currency: "EUR".to_owned(),
        user: Some("u-1".to_owned()),
        session: None,
        address: Some("192.0.2.1".to_owned()),
        order: None,
    }
}

fn past(all: &[Transaction]) -> Ring {
    let mut ring = Ring::default();
    for transaction in all {
        ring.insert(transaction, &Decision::default());
    }
    ring
}

fn fired(decision: &Decision) -> Vec<(Rule, String, String)> {
    let parts =
        |reason: &Reason| (reason.rule, reason.value.to_string(), reason.threshold.to_string());
    decision.reasons.iter().map(parts).collect()
}

#[test]
fn an_amount_above_the_cap_of_its_currency_fires() {
    let rules = RulesConfig::default();
    let high = rules.decide(&transaction(1, 0, "1000.01"), None, None);
    assert_eq!(high.score, 700);
    assert_eq!(fired(&high), [(Rule::AmountAbsolute, "1000.01".to_owned(), "1000.00".to_owned())]);
    assert_eq!(rules.decide(&transaction(1, 0, "1000.00"), None, None), Decision::default());
    let mut yen = transaction(1, 0, "12990");
    yen.currency = "JPY".to_owned();
    assert_eq!(rules.decide(&yen, None, None).score, 0);
}

#[test]
fn an_amount_far_above_the_customers_own_fires_after_enough_history() {
    let rules = RulesConfig::default();
    let history: Vec<_> =
        (1..=3).map(|number| transaction(number, i64::from(number) * 600, "20.00")).collect();
    let now = transaction(9, 6_000, "64.10");
    assert_eq!(rules.decide(&now, Some(&past(&history[..2])), None).score, 0);
    let decision = rules.decide(&now, Some(&past(&history)), None);
    assert_eq!(fired(&decision), [(Rule::AmountRatio, "3.205".to_owned(), "3.20".to_owned())]);
    let usual = transaction(9, 6_000, "64.00");
    assert_eq!(rules.decide(&usual, Some(&past(&history)), None).score, 0);
}

#[test]
fn one_earlier_fraud_does_not_make_the_next_look_usual() {
    let rules = RulesConfig::default();
    let mut history: Vec<_> =
        (1..=3).map(|number| transaction(number, i64::from(number), "20.00")).collect();
    history.push(transaction(4, 4, "900.00"));
    let decision = rules.decide(&transaction(9, 600, "500.00"), Some(&past(&history)), None);
    assert_eq!(decision.score, 600);
}

#[test]
fn the_eleventh_payment_of_a_customer_in_an_hour_fires() {
    let rules = RulesConfig::default();
    let history: Vec<_> =
        (1..=10).map(|number| transaction(number, i64::from(number), "20.00")).collect();
    let eleventh = transaction(99, 11, "20.00");
    assert_eq!(rules.decide(&eleventh, Some(&past(&history[..9])), None).score, 0);
    let decision = rules.decide(&eleventh, Some(&past(&history)), None);
    assert_eq!(
        fired(&decision),
        [(Rule::CustomerVelocity, "11.00".to_owned(), "10.00".to_owned())]
    );
    let later = transaction(99, 70, "20.00");
    assert_eq!(rules.decide(&later, Some(&past(&history)), None).score, 0);
}

#[test]
fn the_heaviest_rule_gives_the_score_and_stands_first() {
    let rules = RulesConfig::default();
    let history: Vec<_> = (1..=40).map(|number| transaction(number, 1, "20.00")).collect();
    let ring = past(&history);
    let decision = rules.decide(&transaction(99, 2, "5000"), Some(&ring), Some(&ring));
    assert_eq!(decision.score, 700);
    let order: Vec<_> = decision.reasons.iter().map(|reason| reason.rule).collect();
    assert_eq!(
        order,
        [Rule::AmountAbsolute, Rule::CustomerVelocity, Rule::AmountRatio, Rule::AddressVelocity]
    );
}
