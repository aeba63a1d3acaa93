//! What a made-up shop sells, to whom, and what goes wrong there. Facts only, never logic.

/// Articles: stock-keeping unit, name, category, price in cents.
pub(super) const PRODUCTS: &[(&str, &str, &str, i64)] = &[
    ("MR-1001", "Enamel mug \u{201c}Mill\u{201d} 350 ml", "kitchen", 1450),
    ("MR-1002", "Cafeti\u{e8}re 1 L", "kitchen", 3450),
    ("MR-1017", "Linen apron", "kitchen", 2990),
    ("MR-2040", "Kinderfahrrad 16\u{2033} rot", "toys", 18900),
    ("MR-2041", "Wooden train, 24 parts", "toys", 4495),
    ("MR-3100", "Running shoes, men's 44", "shoes", 7995),
    ("MR-3101", "\u{30b9}\u{30cb}\u{30fc}\u{30ab}\u{30fc} 27cm", "shoes", 8900),
    ("MR-4007", "USB-C cable 2 m", "electronics", 899),
    ("MR-4010", "Headphones, wireless", "electronics", 12990),
    ("MR-4099", "Laptop 14\" 16 GB", "electronics", 104_900),
    ("MR-5000", "Gift card", "gift", 5000),
    ("MR-6012", "Espresso beans 1 kg", "food", 1899),
];

/// Countries of customers with the currency they pay in.
pub(super) const COUNTRIES: &[(&str, &str)] = &[
    ("DE", "EUR"),
    ("US", "USD"),
    ("GB", "GBP"),
    ("FR", "EUR"),
    ("NL", "EUR"),
    ("SE", "SEK"),
    ("BR", "BRL"),
    ("IN", "INR"),
    ("JP", "JPY"),
    ("PL", "PLN"),
    ("ES", "EUR"),
    ("AU", "AUD"),
];

/// Networks of 65,536 addresses that providers announce, so that a place is found for them.
pub(super) const NETWORKS: &[&str] = &[
    "66.249", "46.105", "130.237", "75.97", "74.125", "180.180", "208.115", "80.91", "65.39",
    "84.208", "94.242", "144.76", "119.252", "180.76", "50.16", "137.117", "65.55", "68.180",
    "209.85", "148.251", "5.9", "31.220", "54.165", "207.46", "37.187", "172.245", "195.154",
    "91.99", "86.76", "14.160", "193.30", "89.47", "62.210", "93.17", "183.179", "24.11", "88.3",
    "219.64", "101.119", "61.140", "79.136", "82.80", "200.28", "222.14",
];

/// Prefixes of IPv6 networks that providers announce.
pub(super) const NETWORKS_V6: &[&str] =
    &["2a01:4f8:", "2001:41d0:8:", "2600:3c01:0:", "2003:cd:7f0:", "2804:14c:5b:", "2405:201:5:"];

/// User agents with their weights.
pub(super) const USER_AGENTS: &[(u32, &str)] = &[
    (
        900,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/141.0.0.0 Safari/537.36",
    ),
    (
        800,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
         like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    ),
    (
        600,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/141.0.0.0 Mobile Safari/537.36",
    ),
    (150, "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"),
    (
        200,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like \
         Gecko) Version/18.6 Safari/605.1.15",
    ),
    (120, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    (60, "ShopApp/7.4.1 (Android 15; Pixel 8 Pro; build 70412)"),
    (40, "okhttp/4.12.0"),
    (25, "curl/8.10.1"),
    (20, "-"),
];

/// Paths of pages with their weights; `#` stands for a number.
pub(super) const PATHS: &[(u32, &str)] = &[
    (30, "/product/#"),
    (20, "/image/#/small.webp"),
    (14, "/filter/b#,p53"),
    (7, "/cart"),
    (5, "/checkout/shipping"),
    (4, "/checkout/payment"),
    (3, "/search?q=shoes&page=#"),
    (3, "/"),
    (2, "/account/orders/#"),
    (2, "/api/v2/cart/#/items"),
];

/// Pages that visitors come from; `-` and nothing are what browsers send at times.
pub(super) const REFERRERS: &[&str] =
    &["-", "", "https://www.google.com/", "https://www.instagram.com/", "https://shop.example/"];

/// What visitors do, with weights.
pub(super) const ACTIONS: &[(u32, &str)] = &[
    (3, "page_view"),
    (2, "product_view"),
    (1, "search"),
    (1, "add_to_cart"),
    (1, "remove_from_cart"),
    (1, "checkout_start"),
    (1, "click"),
];

/// What visitors look for.
pub(super) const SEARCHES: &[&str] = &[
    "laufschuhe 44",
    "cafeti\u{e8}re",
    "usb-c kabel 2m",
    "\u{8155}\u{6642}\u{8a08}",
    "' OR 1=1--",
    "\u{441}\u{443}\u{43c}\u{43a}\u{430}",
    "gift card",
];

/// Failures: class, message (`#` stands for a number), frame, status code.
pub(super) const FAILURES: &[(&str, &str, &str, u32)] = &[
    (
        "PaymentGatewayTimeout",
        "payment gateway timeout after # ms",
        "shop.pay.Gateway.charge(Gateway.java:212)",
        504,
    ),
    (
        "java.lang.NullPointerException",
        "Cannot invoke \"Cart.items()\" because \"cart\" is null",
        "shop.cart.CartService.total(CartService.java:88)",
        500,
    ),
    (
        "PDOException",
        "SQLSTATE[40001]: Serialization failure: deadlock while taking lock #",
        "/srv/shop/src/Order/Repository.php(141)",
        500,
    ),
    ("StockUnavailable", "only # left of MR-4010", "inventory.reserve (inventory.py:67)", 409),
    ("UpstreamError", "upstream closed the connection after # bytes", "nginx", 502),
    (
        "ValidationError",
        "postal code \u{201c}#\u{201d} does not match country",
        "checkout/validate.ts:33:17",
        422,
    ),
];

/// Rules that a shop's own fraud check names.
pub(super) const FRAUD_RULES: &[&str] = &[
    "velocity_1h",
    "geo_mismatch",
    "bin_country_mismatch",
    "proxy_or_vpn",
    "new_device_high_amount",
    "card_testing",
];
