//! The request that an input `http` puts into its events: what its door tells of it, and the fields that it goes to.

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::doors::Door;
use crate::logstash_settings::plugin::PluginReader;

const OPTION: &str = "request_headers_target_field";
/// Where Logstash puts it, without ECS and with it.
const LEGACY: &str = "headers";
const ECS: &str = "[@metadata][input][http][request][headers]";

/// Reads where the request goes, and lets it stand for the settings of the door and of its events. Words of the
/// platform that nobody asks for are left out.
pub(super) fn read(reader: &mut PluginReader<'_>, door: Option<&Door>) {
    let named = reader.options.text(OPTION);
    let is_ecs = reader.is_ecs();
    let Some(door) = door else { return };
    let option = if named.is_some() { OPTION } else { "ecs_compatibility" };
    let usual = if is_ecs { ECS } else { LEGACY };
    let object = named.unwrap_or_else(|| usual.to_owned());
    let is_seen = !object.starts_with("[@metadata]");
    let is_seen = is_seen || reader.options.pipeline_mentions("@metadata");
    let is_variable = reader.has_variables(OPTION);
    if is_seen && is_variable {
        let way_out = "write where the request goes in `request_headers` of the door's table in `enricher.inputs`, and \
                       set `request_headers` of the door";
        reader.leave_variable(OPTION, way_out);
    }
    let is_carried = is_seen && !is_variable;
    if is_ecs || is_carried {
        reader.carry(option, &door.path(&["request_headers"]), SettingValue::Flag(true));
    }
    if is_ecs {
        let path = ["enricher", "inputs", door.name(), "request_fields"];
        reader.carry("ecs_compatibility", &path, SettingValue::Flag(true));
    }
    if is_carried {
        let path = ["enricher", "inputs", door.name(), "request_headers"];
        reader.carry(option, &path, SettingValue::Text(object));
    }
}
