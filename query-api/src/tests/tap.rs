//! Looking on at filters: for admins of all shops, where a pipeline runs in the process.

use access::{Role, Shops};
use reqwest::Method;

use super::rig::{Rig, answer};

#[tokio::test]
async fn only_who_may_see_all_shops_looks_on_and_is_told_where_no_pipeline_runs() {
    let rig = Rig::start().await;
    let one_shop = Shops::Only(["north".to_owned()].into());
    for path in ["/api/tap/filters", "/api/tap?filter=1"] {
        let ask = |shops: &Shops| {
            let token = rig.token_for(Role::Admin, shops);
            answer(rig.request(Method::GET, path).bearer_auth(token))
        };
        assert_eq!(ask(&one_shop).await.status, 403, "{path}");
        let nowhere = ask(&Shops::All).await;
        assert_eq!(nowhere.status, 404, "{path}");
        let said = nowhere.body["detail"].as_str().unwrap();
        assert!(said.contains("millrace up"), "{said}");
    }
    rig.stop().await;
}
