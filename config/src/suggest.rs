//! "Did you mean": the known word that is nearest to a mistyped one.

/// Similarity (Jaro-Winkler, 0 to 1) below which a word is not worth suggesting.
const NEAR: f64 = 0.8;

/// What other tools call it, and what it is called here; asked only when nothing known is spelled alike.
const SYNONYMS: [(&str, &str); 12] = [
    ("gateway", "via"),
    ("nexthop", "via"),
    ("next_hop", "via"),
    ("interface", "dev"),
    ("oif", "dev"),
    ("destination", "to"),
    ("prefix", "to"),
    ("ip", "addresses"),
    ("ip", "address"),
    ("lladdr", "mac"),
    ("ethernet", "mac"),
    ("file", "input"),
];

/// The nearest of `known`, when there is one near enough.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase();
    let synonym = || {
        let called_here = SYNONYMS.iter().filter(|(other, _)| *other == word).map(|(_, here)| here);
        called_here.flat_map(|here| known.iter().copied().find(|candidate| candidate == here)).next()
    };
    let scored = known.iter().map(|&candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate));
    let best = scored.filter(|(score, _)| *score >= NEAR).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, candidate)| candidate).or_else(synonym)
}

/// `; did you mean ...?`, or nothing.
pub(crate) fn suggestion(word: &str, known: &[&str]) -> String {
    nearest(word, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}

/// `expected one of: ...`, with a suggestion when there is one.
pub(crate) fn one_of(word: &str, known: &[&str]) -> String {
    format!("expected one of: {}{}", known.join(", "), suggestion(word, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_error_finds_its_word() {
        let keys = ["name", "addresses", "mtu"];
        assert_eq!(nearest("adresses", &keys), Some("addresses"));
        assert_eq!(nearest("MTU", &keys), Some("mtu"));
        assert_eq!(nearest("gateway", &keys), None);
    }

    #[test]
    fn word_of_another_tool_finds_ours() {
        assert_eq!(nearest("gateway", &["to", "via", "dev"]), Some("via"));
        assert_eq!(nearest("ip", &["mtu", "address"]), Some("address"));
    }

    #[test]
    fn hint_lists_all_and_suggests_one() {
        assert_eq!(one_of("nmae", &["name", "mtu"]), "expected one of: name, mtu; did you mean `name`?");
        assert_eq!(one_of("zzz", &["name", "mtu"]), "expected one of: name, mtu");
    }
}
