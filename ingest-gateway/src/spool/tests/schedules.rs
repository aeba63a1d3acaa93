//! Random weather, restarts and crashes: whatever was acknowledged arrives, and the first time in its order.

use proptest::prelude::*;

use super::*;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Two senders send so many records each, at the same time.
    Send(u64),
    Weather(Weather),
    Restart,
    Crash(Crash),
}

fn weather() -> impl Strategy<Value = Weather> {
    prop_oneof![
        3 => Just(Weather::Fair),
        2 => (0..6_usize).prop_map(Weather::FairFor),
        2 => Just(Weather::Away),
        1 => Just(Weather::Mute),
        1 => Just(Weather::Silent),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let crash = prop_oneof![
        Just(Crash::OfTheProcess),
        Just(Crash::OfTheMachine),
        any::<u64>().prop_map(Crash::Torn),
    ];
    prop_oneof![
        8 => (1..6_u64).prop_map(Step::Send),
        5 => weather().prop_map(Step::Weather),
        1 => Just(Step::Restart),
        1 => crash.prop_map(Step::Crash),
    ]
}

async fn live_through(first: Weather, steps: Vec<(u64, Step)>) {
    let mut rig = Rig::start(first).await;
    let mut sent = 0;
    for (after_ms, step) in steps {
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        match step {
            Step::Send(records) => {
                let numbers = sent..sent + records;
                tokio::join!(rig.accept("a", numbers.clone()), rig.accept("b", numbers));
                sent += records;
            }
            Step::Weather(weather) => rig.far.set(weather),
            Step::Restart => {
                let (files, far) = rig.stop().await;
                rig = Rig::start_on(files, far, &settings()).await;
            }
            Step::Crash(crash) => {
                let (files, far) = rig.crash(crash).await;
                rig = Rig::start_on(files, far, &settings()).await;
            }
        }
    }
    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    let acknowledged: Vec<_> = (0..sent).collect();
    for key in ["a", "b"] {
        assert_eq!(firsts(&rig.taken(key)), acknowledged, "{key}");
    }
    rig.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_acknowledged_arrives_in_order(
        first in weather(),
        steps in prop::collection::vec((0..700_u64, step()), 1..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(live_through(first, steps));
    }
}
