//! Which shop a sender's certificate is of, by the names in it.
//!
//! Believes no certificate by itself: the handshake has found that an authority of the door's has signed it, names
//! included. Names are compared as they are, letter by letter.

use std::collections::BTreeMap;

use access::ShopName;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// Why a certificate is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stranger {
    /// No name in it is one that is known.
    #[error("no name in the certificate is one of tls.shops")]
    Unmapped,
    /// Its names are those of several shops.
    #[error("the names in the certificate are those of several shops")]
    Ambiguous,
}

impl Stranger {
    /// Its name in metrics.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Unmapped => "unmapped_certificate",
            Self::Ambiguous => "ambiguous_certificate",
        }
    }
}

/// The shop of a certificate (DER) by its subject's common name, and by the names of DNS and the URIs among the
/// subject's alternative names.
///
/// # Errors
/// It is no shop's, or more than one's.
pub(super) fn shop(
    certificate: &[u8],
    shops: &BTreeMap<String, ShopName>,
) -> Result<ShopName, Stranger> {
    let (_, certificate) = parse_x509_certificate(certificate).map_err(|_| Stranger::Unmapped)?;
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative.iter().flat_map(|names| &names.value.general_names);
    let alternative = alternative.filter_map(|name| match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) => Some(*name),
        _ => None,
    });
    let mut found = common.chain(alternative).filter_map(|name| shops.get(name));
    let first = found.next().ok_or(Stranger::Unmapped)?;
    if found.any(|other| other != first) {
        return Err(Stranger::Ambiguous);
    }
    Ok(first.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::{ShopName, Stranger, shop};

    /// A certificate of this common name, and these alternative ones.
    fn certificate(common: &str, dns: &[&str], uri: Option<&str>) -> Vec<u8> {
        let names: Vec<String> = dns.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        params.subject_alt_names.extend(uri.map(|uri| SanType::URI(uri.try_into().unwrap())));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_is_the_shops_whose_name_is_in_it() {
        let names = [
            ("north", "north"),
            ("shipper.north.example", "north"),
            ("spiffe://example/south", "south"),
        ];
        let shops: BTreeMap<String, ShopName> =
            names.map(|(name, shop)| (name.to_owned(), shop.parse().unwrap())).into();
        let of = |certificate: Vec<u8>| shop(&certificate, &shops).map(|shop| shop.to_string());
        let (north, south) = (Ok("north".to_owned()), Ok("south".to_owned()));
        assert_eq!(of(certificate("north", &[], None)), north);
        assert_eq!(of(certificate("x", &["a.example", "shipper.north.example"], None)), north);
        assert_eq!(of(certificate("x", &[], Some("spiffe://example/south"))), south);
        assert_eq!(of(certificate("north", &["shipper.north.example"], None)), north);

        let unmapped = Err(Stranger::Unmapped);
        assert_eq!(of(certificate("x", &["north.example"], Some("https://x.example"))), unmapped);
        assert_eq!(
            of(certificate("North", &["*.north.example"], None)),
            unmapped,
            "letter by letter"
        );
        assert_eq!(of(b"no certificate".to_vec()), unmapped);
        let both = certificate("north", &[], Some("spiffe://example/south"));
        assert_eq!(of(both), Err(Stranger::Ambiguous));
    }
}
