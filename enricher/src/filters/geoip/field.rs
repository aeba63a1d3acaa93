//! The fields of a place: their names in options, in Logstash's old events and in ECS.

use crate::filter::EcsCompatibility;

/// What a database may tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    AutonomousSystemNumber,
    AutonomousSystemOrganization,
    CityName,
    ContinentCode,
    ContinentName,
    CountryCode2,
    CountryCode3,
    CountryName,
    DmaCode,
    Domain,
    Ip,
    Isp,
    Latitude,
    Location,
    Longitude,
    Organization,
    PostalCode,
    RegionCode,
    RegionName,
    Timezone,
}

/// A field's name in options and in old events, and its path in ECS, where it has one.
type Names = (Field, &'static str, &'static [&'static str]);

const NAMES: [Names; 20] = [
    (Field::AutonomousSystemNumber, "asn", &["as", "number"]),
    (Field::AutonomousSystemOrganization, "as_org", &["as", "organization", "name"]),
    (Field::CityName, "city_name", &["geo", "city_name"]),
    (Field::ContinentCode, "continent_code", &["geo", "continent_code"]),
    (Field::ContinentName, "continent_name", &["geo", "continent_name"]),
    (Field::CountryCode2, "country_code2", &["geo", "country_iso_code"]),
    (Field::CountryCode3, "country_code3", &[]),
    (Field::CountryName, "country_name", &["geo", "country_name"]),
    (Field::DmaCode, "dma_code", &["mmdb", "dma_code"]),
    (Field::Domain, "domain", &["domain"]),
    (Field::Ip, "ip", &["ip"]),
    (Field::Isp, "isp", &["mmdb", "isp"]),
    (Field::Latitude, "latitude", &["geo", "location", "lat"]),
    (Field::Location, "location", &["geo", "location"]),
    (Field::Longitude, "longitude", &["geo", "location", "lon"]),
    (Field::Organization, "organization", &["mmdb", "organization"]),
    (Field::PostalCode, "postal_code", &["geo", "postal_code"]),
    (Field::RegionCode, "region_code", &["geo", "region_iso_code"]),
    (Field::RegionName, "region_name", &["geo", "region_name"]),
    (Field::Timezone, "timezone", &["geo", "timezone"]),
];

/// Other names that `fields` takes.
const ALIASES: [(&str, Field); 4] = [
    ("autonomous_system_number", Field::AutonomousSystemNumber),
    ("autonomous_system_organization", Field::AutonomousSystemOrganization),
    ("country_iso_code", Field::CountryCode2),
    ("region_iso_code", Field::RegionCode),
];

/// The top-level members of a target in ECS.
const ECS_MEMBERS: [&str; 4] = ["geo", "as", "mmdb", "domain"];

impl Field {
    /// The field that `fields` names; case does not matter.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, field)| *field);
        alias.or_else(|| NAMES.iter().find(|(_, own, _)| *own == name).map(|(field, ..)| *field))
    }

    /// All names that `fields` takes.
    pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
        NAMES.iter().map(|(_, name, _)| *name).chain(ALIASES.iter().map(|(alias, _)| *alias))
    }
}

/// Which fields are wanted, and under which names.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) is_ecs: bool,
    wanted: Vec<Field>,
}

impl Selection {
    /// These fields, or the usual ones.
    pub(super) fn new(ecs: EcsCompatibility, wanted: Option<Vec<Field>>) -> Self {
        let is_ecs = ecs != EcsCompatibility::Disabled;
        let usual = |field: &Field| match field {
            // In ECS both are within `geo.location`.
            Field::Latitude | Field::Longitude | Field::CountryCode3 => !is_ecs,
            Field::ContinentName => is_ecs,
            _ => true,
        };
        let all = || NAMES.iter().map(|(field, ..)| *field).filter(usual).collect();
        Self { is_ecs, wanted: wanted.unwrap_or_else(all) }
    }

    pub(super) fn wants(&self, field: Field) -> bool {
        self.wanted.contains(&field)
    }

    /// The path of a field within the target.
    pub(super) fn path(&self, field: Field) -> &'static [&'static str] {
        let names = NAMES.iter().find(|(other, ..)| *other == field);
        match names {
            Some((_, _, ecs)) if self.is_ecs => ecs,
            Some((_, legacy, _)) => std::slice::from_ref(legacy),
            None => &[],
        }
    }

    /// The first steps of all paths, in the order in which fragments are numbered.
    pub(super) fn members(&self) -> Vec<&'static str> {
        if self.is_ecs {
            ECS_MEMBERS.to_vec()
        } else {
            NAMES.iter().map(|(_, legacy, _)| *legacy).collect()
        }
    }
}
