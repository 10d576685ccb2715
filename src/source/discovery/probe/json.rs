//! What administrators write into the metadata as JSON: tags of instances, options for routers.

use serde_json::Value;

use crate::config::is_zone;
use crate::source::discovery::opinion::{QuorumTraffic, ReadOnlyTargets, RouterOptions, Tags};

/// What an instance's attributes say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes {
    pub is_hidden: bool,
    pub is_read_replica: bool,
    pub tags: Tags,
}

/// JSON that cannot be read says nothing.
pub fn attributes(text: &[u8]) -> Attributes {
    let json: Value = serde_json::from_slice(text).unwrap_or_default();
    let tag = |name: &str| json.get("tags").and_then(|tags| tags.get(name));
    let weight = tag("weight").and_then(|weight| match weight {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    });
    let weight = weight.filter(|weight| weight.is_finite() && *weight >= 0.0);
    let zone = tag("zone").and_then(Value::as_str).filter(|zone| is_zone(zone));
    let kind = json.get("instance_type").and_then(Value::as_str);
    Attributes {
        is_hidden: tag("_hidden").and_then(Value::as_bool).unwrap_or(false),
        is_read_replica: kind == Some("read-replica"),
        tags: Tags { weight, zone: zone.map(str::to_owned) },
    }
}

/// The options of a cluster, or of a ClusterSet. Values that are unknown count as the default.
pub fn router_options(text: &[u8]) -> RouterOptions {
    let json: Value = serde_json::from_slice(text).unwrap_or_default();
    let word = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
    let target = word("target_cluster");
    RouterOptions {
        read_only_targets: match word("read_only_targets") {
            "read_replicas" => ReadOnlyTargets::ReadReplicas,
            "all" => ReadOnlyTargets::All,
            _ => ReadOnlyTargets::Secondaries,
        },
        unreachable_quorum_allowed_traffic: match word("unreachable_quorum_allowed_traffic") {
            "read" => QuorumTraffic::Read,
            "all" => QuorumTraffic::All,
            _ => QuorumTraffic::None,
        },
        use_replica_primary_as_rw: json.get("use_replica_primary_as_rw")
            == Some(&Value::Bool(true)),
        target_cluster: (!["", "primary"].contains(&target)).then(|| target.to_owned()),
        invalidated_accepts_reads: word("invalidated_cluster_policy") == "accept_ro",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_odd_ones_say_nothing() {
        for (text, hidden, replica, weight) in [
            (r#"{"tags": {"_hidden": true, "weight": 2.5}}"#, true, false, Some(2.5)),
            (r#"{"tags": {"_hidden": "true", "weight": "0"}}"#, false, false, Some(0.0)),
            (r#"{"instance_type": "read-replica", "tags": {"weight": -1}}"#, false, true, None),
            (r#"{"tags": {"weight": "NaN"}, "instance_type": 7}"#, false, false, None),
            (r#"{"tags": []}"#, false, false, None),
            ("", false, false, None),
            ("no JSON", false, false, None),
        ] {
            let tags = Tags { weight, zone: None };
            let expected = Attributes { is_hidden: hidden, is_read_replica: replica, tags };
            assert_eq!(attributes(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_zone_is_a_text_of_a_sane_length() {
        for (tag, zone) in [
            (r#""eu-west-1a""#, Some("eu-west-1a")),
            (r#""Z\u00fcrich""#, Some("Z\u{fc}rich")),
            ("\"\"", None),
            (r#""a\u0000b""#, None),
            (r#""a\nb""#, None),
            ("7", None),
            ("null", None),
            (r#"["a"]"#, None),
            (&format!("\"{}\"", "x".repeat(65)), None),
        ] {
            let text = format!(r#"{{"tags": {{"zone": {tag}, "weight": 2}}}}"#);
            let expected = Tags { weight: Some(2.0), zone: zone.map(str::to_owned) };
            assert_eq!(attributes(text.as_bytes()).tags, expected, "{tag}");
        }
    }

    #[test]
    fn unknown_values_of_options_are_the_default() {
        let all = router_options(
            br#"{"read_only_targets": "all", "unreachable_quorum_allowed_traffic": "read",
                 "use_replica_primary_as_rw": true, "target_cluster": "rome",
                 "invalidated_cluster_policy": "accept_ro"}"#,
        );
        let expected = RouterOptions {
            read_only_targets: ReadOnlyTargets::All,
            unreachable_quorum_allowed_traffic: QuorumTraffic::Read,
            use_replica_primary_as_rw: true,
            target_cluster: Some("rome".into()),
            invalidated_accepts_reads: true,
        };
        assert_eq!(all, expected);
        for odd in [
            r#"{"read_only_targets": "some", "target_cluster": "primary", "use_replica_primary_as_rw": 1}"#,
            r#"{"read_only_targets": 7, "unreachable_quorum_allowed_traffic": null}"#,
            "{",
            "",
        ] {
            assert_eq!(router_options(odd.as_bytes()), RouterOptions::default(), "{odd}");
        }
    }
}
