//! Which server it is, by what it calls its version.

/// Which of the servers that are much alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    MariaDb,
    /// By its version.
    Mysql(u32, u32, u32),
}

impl Flavour {
    /// Reads what a server says when it greets, such as `8.0.36-28` or `5.5.5-10.11.6-MariaDB`.
    pub fn of(version: &str) -> Self {
        if version.to_ascii_lowercase().contains("mariadb") {
            return Self::MariaDb;
        }
        let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
        let mut next = || numbers.next().and_then(Result::ok).unwrap_or(0);
        Self::Mysql(next(), next(), next())
    }

    /// Whether it is MySQL of this version or later.
    pub fn is_from(self, version: (u32, u32, u32)) -> bool {
        matches!(self, Self::Mysql(major, minor, patch) if (major, minor, patch) >= version)
    }
}

/// The version without what old clients of MariaDB want to read first.
pub fn shown(version: &str) -> String {
    version.strip_prefix("5.5.5-").unwrap_or(version).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_write_them() {
        for (version, flavour) in [
            ("9.7.4", Flavour::Mysql(9, 7, 4)),
            ("8.0.36-28", Flavour::Mysql(8, 0, 36)),
            ("5.6.24-log", Flavour::Mysql(5, 6, 24)),
            ("8.4.0-commercial", Flavour::Mysql(8, 4, 0)),
            ("5.5.5-10.11.6-MariaDB-0+deb12u1", Flavour::MariaDb),
            ("11.4.2-mariadb", Flavour::MariaDb),
            ("", Flavour::Mysql(0, 0, 0)),
            ("8.0.99999999999", Flavour::Mysql(8, 0, 0)),
        ] {
            assert_eq!(Flavour::of(version), flavour, "{version}");
        }
        assert!(Flavour::Mysql(8, 0, 22).is_from((8, 0, 22)));
        assert!(!Flavour::Mysql(8, 0, 21).is_from((8, 0, 22)));
        assert!(!Flavour::MariaDb.is_from((5, 6, 0)));
        assert_eq!(shown("5.5.5-10.11.6-MariaDB"), "10.11.6-MariaDB");
    }
}
