//! Shapes, XPaths, what is not XML, and what is meant to hurt.

use serde_json::{Value, json};

use crate::filter::{Applied, Environment};
use crate::filters::trial::Trial;

fn run(options: &str, xml: impl Into<Value>) -> Value {
    Trial::new(&format!(r#"xml {{ source => "x" {options} }}"#)).run(json!({"x": xml.into()}))
}

fn stored(options: &str, xml: &str) -> Value {
    let out = run(&format!(r#"target => "d" {options}"#), xml);
    assert_eq!(out.get("tags"), None, "{xml}");
    out["d"].clone()
}

/// What an XPath selects of a text.
fn selected(options: &str, xpath: &str, xml: &str) -> Value {
    let out = run(&format!(r#"store_xml => false xpath => ["{xpath}", "[p][q]"] {options}"#), xml);
    out["p"]["q"].clone()
}

#[test]
fn elements_have_the_shape_that_logstash_gives_them() {
    for (xml, expected) in [
        (r#"<a k="v"/>"#, json!({"k": "v"})),
        ("<a><k>1</k><k>2</k></a>", json!({"k": ["1", "2"]})),
        ("<a><b><c>v</c></b></a>", json!({"b": [{"c": ["v"]}]})),
        ("<a>text</a>", json!("text")),
        ("<a/>", Value::Null),
        ("<a> </a>", json!({})),
        ("<a><k>1</k><k></k><l/></a>", json!({"k": ["1"]})),
        (r#"<a n="1"><k/></a>"#, json!({"n": "1", "k": [null]})),
        (r#"<a><k n="1">t</k></a>"#, json!({"k": [{"n": "1", "content": "t"}]})),
        (r#"<a k="1"><k>2</k></a>"#, json!({"k": ["1", "2"]})),
        ("<p>one <b>x</b> two</p>", json!({"b": ["x"], "content": ["one ", " two"]})),
        ("<p>one <b>x</b></p>", json!({"b": ["x"], "content": "one "})),
        ("<p>\n <b>x</b>\n</p>", json!({"b": ["x"]})),
        ("<p><anon>1</anon><anon>2</anon></p>", json!(["1", "2"])),
        ("<p><q><anon>1</anon></q></p>", json!({"q": [["1"]]})),
        ("<a>&lt;&#233;&amp;<![CDATA[<&>]]></a>", json!("<é&<&>")),
        (
            r#"<h:a xmlns:h="u"><h:b h:c="1">t</h:b></h:a>"#,
            json!({"xmlns:h": "u", "b": [{"h:c": "1", "content": "t"}]}),
        ),
        (
            "\u{feff}\n <?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- c --><a><b>1</b></a>\n",
            json!({"b": ["1"]}),
        ),
        (r#"<!DOCTYPE a [<!ENTITY e "x">]><a>&e;y</a>"#, json!("xy")),
    ] {
        assert_eq!(stored("", xml), expected, "{xml}");
    }
    let all = r#"<o><x>1</x><y a="2">t</y><z/></o>"#;
    for (options, expected) in [
        ("force_array => false", json!({"x": "1", "y": {"a": "2", "content": "t"}})),
        (
            "force_array => false force_content => true",
            json!({"x": {"content": "1"}, "y": {"a": "2", "content": "t"}}),
        ),
        (
            "suppress_empty => false",
            json!({"x": ["1"], "y": [{"a": "2", "content": "t"}], "z": [{}]}),
        ),
    ] {
        assert_eq!(stored(options, all), expected, "{options}");
    }
    let out = run(r#"target => "[x]" "#, json!(["<a><b>1</b></a>"]));
    assert_eq!(out["x"], json!({"b": ["1"]}));
}

#[test]
fn xpaths_select_texts() {
    let xml = r#"<r><k a="1">v&amp;w</k><k>é</k><e><f/><!--c--></e></r>"#;
    for (xpath, expected) in [
        ("/r/k/text()", json!(["v&amp;w", "é"])),
        ("/r/k", json!([r#"<k a="1">v&amp;w</k>"#, "<k>é</k>"])),
        ("/r/k/@a", json!(["1"])),
        ("/r/e", json!(["<e>\n  <f/>\n  <!--c-->\n</e>"])),
        ("string(/r/k[1])", json!(["v&w"])),
        ("count(//k)", json!(["2.0"])),
        ("name(/*)", json!(["r"])),
        ("boolean(//k)", json!(["true"])),
        ("boolean(//none)", Value::Null),
        ("//none", Value::Null),
        ("string(//none)", json!([""])),
        ("//k[position() = last()]/text()", json!(["é"])),
    ] {
        assert_eq!(selected("", xpath, xml), expected, "{xpath}");
        let single = selected("force_array => false", xpath, xml);
        match expected.as_array().map(Vec::as_slice) {
            Some([one]) => assert_eq!(single, *one, "{xpath}"),
            _ => assert_eq!(single, expected, "{xpath}"),
        }
    }
    let mut trial = Trial::new(r#"xml { source => "x" store_xml => false xpath => ["//b", "b"] }"#);
    assert_eq!(trial.apply(json!({"x": "<a/>"})).0, Applied::NotMatched);
    assert_eq!(trial.apply(json!({"x": "<b/>"})).0, Applied::Matched);
}

#[test]
fn namespaces_are_those_of_the_root_or_of_the_options() {
    let root = r#"<foo xmlns:h="urn:h" xmlns="urn:d"><h:div>C</h:div><p/></foo>"#;
    let child = r#"<foo><h:div xmlns:h="urn:h">C</h:div></foo>"#;
    let named = r#"namespaces => { "n" => "urn:h" }"#;
    let removed = "remove_namespaces => true";
    for (options, xpath, xml, expected) in [
        ("", "//h:div", root, json!(["<h:div>C</h:div>"])),
        ("", "/xmlns:foo/xmlns:p", root, json!(["<p/>"])),
        (named, "/foo/n:div", child, json!([r#"<h:div xmlns:h="urn:h">C</h:div>"#])),
        (removed, "/foo/div", root, json!(["<div>C</div>"])),
        (
            "",
            "/foo",
            child,
            json!([r#"<foo>
  <h:div xmlns:h="urn:h">C</h:div>
</foo>"#]),
        ),
    ] {
        assert_eq!(selected(options, xpath, xml), expected, "{xpath} {xml}");
    }
    // One event's prefixes are not another's.
    let mut trial =
        Trial::new(r#"xml { source => "x" store_xml => false xpath => ["//h:div", "d"] }"#);
    assert_eq!(trial.run(json!({"x": root}))["d"], json!(["<h:div>C</h:div>"]));
    assert_eq!(trial.run(json!({"x": child}))["tags"], json!(["_xmlparsefailure"]));
}

#[test]
fn what_is_not_xml_only_tags() {
    for value in [
        json!("<foo /"),
        json!("jojoba"),
        json!("<a></b>"),
        json!("<a/><b/>"),
        json!("<a b='1' b='2'/>"),
        json!("<a>\u{0}</a>"),
        json!("<h:a/>"),
        json!([]),
        json!(["<a/>", "<b/>"]),
        json!([{"a": 1}]),
        json!({"a": 1}),
        json!(7),
    ] {
        let out = run(r#"target => "d" add_tag => "ok""#, value.clone());
        assert_eq!((&out["tags"], out.get("d")), (&json!(["_xmlparsefailure"]), None), "{value}");
    }
    for value in [json!(""), json!(" \n"), json!(null)] {
        let out = run(r#"target => "d" add_tag => "ok""#, value.clone());
        assert_eq!((out.get("tags"), out.get("d")), (None, None), "{value}");
    }
}

#[test]
fn xpaths_are_looked_up_in_what_can_be_read() {
    for (xpath, xml, expected) in [
        ("/e/f/text()", "<e><f>b</f><g>7</g><h>e<h></e>", json!(["b"])),
        ("/e/f/@a", "<e><f a='1' a='2'> <i> </f> </e>", json!(["1"])),
        (
            "/e/f/text()",
            "<e><f>a &amp; b & &eacute; &#233;</f",
            json!(["a &amp; b &amp; &amp;eacute; é"]),
        ),
        ("/e/f", "<e><f>1</f></x></e><f>2</f>", json!(["<f>1</f>"])),
        ("//n:f/text()", "<e xmlns:n='u'><n:f>1</n:f><f>2", json!(["1"])),
        ("/e", "no XML", Value::Null),
    ] {
        assert_eq!(selected("", xpath, xml), expected, "{xml}");
        let options = format!(r#"store_xml => false xpath => ["{xpath}", "p"]"#);
        assert_eq!(run(&options, xml).get("tags"), None, "{xml}");
        let out = run(&format!(r#"{options} parse_options => "strict""#), xml);
        assert_eq!((&out["tags"], out.get("p")), (&json!(["_xmlparsefailure"]), None), "{xml}");
    }
    let out = run(r#"store_xml => false parse_options => "no_error,NOWARNING""#, "<a>");
    assert_eq!(out["tags"], json!(["_xmlparsefailure"]));
    assert_eq!(run("store_xml => false", "<a>").get("tags"), None);
}

#[test]
fn entities_are_harmless() {
    let mut bomb = String::from("<!DOCTYPE a [<!ENTITY e0 \"xxxxxxxxxx\">");
    for n in 1..12 {
        bomb += &format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10));
    }
    bomb += "]><a>&e11;</a>";
    for xml in [
        bomb.as_str(),
        r#"<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>"#,
        r#"<!DOCTYPE a [<!ENTITY e "&e;">]><a>&e;</a>"#,
        "<a>&none;</a>",
    ] {
        let options = r#"target => "d" xpath => ["/a/text()", "p"]"#;
        let out = run(options, xml);
        assert_eq!(out["tags"], json!(["_xmlparsefailure"]), "{xml}");
        assert!(out["p"].to_string().len() < 100, "{xml}");
    }
}

#[test]
fn a_text_gives_what_an_event_may_hold() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    let out = run(r#"target => "d" suppress_empty => false"#, nested(10));
    assert!(out["d"].is_object());
    for depth in [60, 1_000, 100_000] {
        let out =
            run(r#"target => "d" suppress_empty => false xpath => ["//none", "p"]"#, nested(depth));
        assert_eq!((&out["tags"], out.get("d")), (&json!(["_xmlparsefailure"]), None), "{depth}");
    }
    let many = format!("<a>{}</a>", "<b>1</b>".repeat(30_000));
    assert_eq!(run(r#"target => "d""#, many.as_str())["tags"], json!(["_xmlparsefailure"]));
    let wide = format!("{}{}{}", "<a>".repeat(60), "x".repeat(200_000), "</a>".repeat(60));
    let out = run(r#"store_xml => false xpath => ["//a", "p"]"#, wide);
    assert_eq!((&out["tags"], out.get("p")), (&json!(["_xmlparsefailure"]), None));
    let mut small = Environment::default();
    small.limits.nodes_max = 3;
    let mut trial = Trial::build(r#"xml { source => "x" target => "d" }"#, &small).unwrap();
    assert_eq!(trial.run(json!({"x": "<a><b>1</b><c/></a>"}))["d"], json!({"b": ["1"]}));
    assert!(trial.run(json!({"x": "<a><b>1</b><b>2</b></a>"})).get("d").is_none());
}

#[test]
fn many_of_anything_end() {
    let attributes = (0..60_000).map(|n| format!(" a{n}=''")).collect::<String>();
    let comments = "<!---->".repeat(50_000);
    let ends = "</b></a>".repeat(50_000);
    let start = std::time::Instant::now();
    for (xml, is_tagged) in [
        (format!("<a{attributes}/>"), true),
        (format!("<a{attributes}>"), true),
        (format!("{comments}<a><b/>"), false),
        (format!("<a><b/>{ends}"), false),
        (format!("<a>{}", "<b>".repeat(100_000)), false),
        (format!("<a>{}</a>", "<b/>".repeat(100_000)), true),
        (format!("<a>{}", "&amp;".repeat(100_000)), false),
    ] {
        let out = run(r#"store_xml => false xpath => ["/a", "p", "//b", "q"]"#, xml.as_str());
        assert_eq!(out.get("tags").is_some(), is_tagged, "{xml:.40}");
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn mistakes_are_refused() {
    for (options, said) in [
        (r#"target => "d""#, "needs the option `source`"),
        (r#"source => "x""#, "`target` must be set"),
        (r#"source => "x" target => """#, "`target` must be set"),
        (r#"source => "x" target => "d" xpath => ["/a[", "b"]"#, "cannot be looked up"),
        (r#"source => "x" target => "d" xpath => ["none(1)", "b"]"#, "cannot be looked up"),
        (
            r#"source => "x" target => "d" namespaces => { "n" => "u" } xpath => ["/h:a", "b"]"#,
            "cannot be looked up",
        ),
        (r#"source => "x" target => "d" xpath => ["/a", "[b"]"#, "not a field reference"),
        (
            r#"source => "x" target => "d" parse_options => "strict,invalid0""#,
            "unsupported parse option: \"invalid0\"",
        ),
        (r#"source => "x" target => "d" parse_options => "noent""#, "unsupported parse option"),
        (r#"source => "x" target => "d" xmldata => "y""#, "no option `xmldata`"),
    ] {
        let refusal = Trial::refusal(&format!("xml {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(<[/!?]?[a-c:]{0,3}( [a-c]='[&;<a]{0,3}')?[/?]?>|[&#;x0-9a\\]]{0,4}|<!--|<!\\[CDATA\\[|-->){0,12}") {
        let options = r#"target => "d" xpath => ["//a/b | //@c", "p", "//c:a", "q"]"#;
        run(options, text);
    }
}
