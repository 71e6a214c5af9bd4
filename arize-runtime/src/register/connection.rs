//! How requests travel: whom the connection trusts, and whether they are compressed.

use super::settings::variable;
use super::{Registration, Routes};
use crate::error::InstallError;
use crate::export::{Compression, Roots};
use crate::notice::{Notice, warn};
use crate::semconv;

impl<R: Routes> Registration<R> {
    /// Trusts the certificate authorities of this PEM as well, besides those of the system and the bundled
    /// ones: for a collector whose certificate comes from a company's own. Called again, it trusts more.
    ///
    /// The file that `OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE`, else `OTEL_EXPORTER_OTLP_CERTIFICATE`, names is
    /// trusted too. With an `http://` endpoint there is nothing to trust, and neither is looked at.
    ///
    /// ```no_run
    /// # fn f() -> Result<(), Box<dyn std::error::Error>> {
    /// let arize = arize_runtime::register_with_routing()
    ///     .endpoint("https://collector.internal:4317")
    ///     .root_certificate(std::fs::read("/etc/ssl/company.pem")?)
    ///     .install()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What is no PEM, or has no certificate in it, is an
    /// [`InstallError::RootCertificate`] when the pipeline is made.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// How requests are compressed: not at all, unless said here or by
    /// `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, else `OTEL_EXPORTER_OTLP_COMPRESSION` (`gzip` or `none`).
    ///
    /// With gzip a span of 2,500 bytes came to 750 and cost the export thread 0.1 ms instead of 0.01 (as
    /// `cargo test --release -p arize-runtime --test export -- --ignored --nocapture what_gzip_costs` measures it):
    /// for networks that are slow or dear, and agents with a core to spare.
    ///
    /// ```
    /// use arize_runtime::{Compression, register_with_routing};
    /// let registration = register_with_routing().compression(Compression::Gzip);
    /// ```
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    pub(super) fn roots(&self) -> Result<Roots, InstallError> {
        const CODE: &str = "root_certificate(..)";
        let mut roots = Roots::known();
        for pem in &self.root_certificates {
            roots
                .add(pem)
                .map_err(|reason| InstallError::RootCertificate {
                    source: CODE,
                    reason: format!("{reason}; give it a text with `-----BEGIN CERTIFICATE-----`"),
                })?;
        }
        let names = [semconv::ENV_TRACES_CERTIFICATE, semconv::ENV_CERTIFICATE];
        if let Some((source, path)) = self.first_variable(names) {
            add_file(&mut roots, path.trim())
                .map_err(|reason| InstallError::RootCertificate { source, reason })?;
        }
        Ok(roots)
    }

    /// Code, then environment.
    pub(super) fn chosen_compression(&self) -> Compression {
        let names = [semconv::ENV_TRACES_COMPRESSION, semconv::ENV_COMPRESSION];
        if let Some(compression) = self.compression {
            return compression;
        }
        let Some((name, value)) = self.first_variable(names) else {
            return Compression::None;
        };
        let all = [Compression::None, Compression::Gzip];
        let known = all
            .into_iter()
            .find(|known| known.to_string() == value.trim());
        known.unwrap_or_else(|| {
            warn(Notice::Setting, || {
                format!("`{name}={value}` is ignored; write `gzip` or `none`")
            });
            Compression::None
        })
    }

    /// The first of these variables that is set and not blank.
    pub(super) fn first_variable(
        &self,
        names: [&'static str; 2],
    ) -> Option<(&'static str, String)> {
        names
            .into_iter()
            .find_map(|name| Some((name, variable(&self.environment, name)?)))
    }
}

/// An error names the path, and nothing of what is in the file.
fn add_file(roots: &mut Roots, path: &str) -> Result<(), String> {
    const REMEDY: &str = "name a PEM file with certificates that this process may read";
    if path.contains("-----BEGIN") {
        return Err(format!("is PEM and not the path of a file; {REMEDY}"));
    }
    let pem = std::fs::read(path)
        .map_err(|error| format!("cannot be read from `{path}` ({error}); {REMEDY}"))?;
    roots
        .add(&pem)
        .map_err(|reason| format!("{reason}: `{path}`; {REMEDY}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RegisterWithRouting, register_with_routing};

    fn with(variables: Vec<(&'static str, String)>) -> RegisterWithRouting {
        register_with_routing().with_environment(move |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.clone())
        })
    }

    fn refused(registration: &RegisterWithRouting) -> String {
        registration.roots().expect_err("no roots").to_string()
    }

    #[test]
    fn what_is_no_root_certificate_is_told_without_what_is_in_it() {
        let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        let certificate = "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n";
        for (pem, reason) in [
            ("", "has no certificate in it"),
            ("secret", "has no certificate in it"),
            (key, "has no certificate in it"),
            ("-----BEGIN CERTIFICATE-----\nc2VjcmV0\n", "breaks off"),
            ("-----BEGIN secret\n", "is no PEM"),
            (certificate, "has a certificate that cannot be read"),
        ] {
            let told = refused(&with(vec![]).root_certificate(pem));
            for part in [reason, "`root_certificate(..)`", "BEGIN CERTIFICATE"] {
                assert!(told.contains(part), "{pem}: {told}");
            }
            assert!(!told.contains("secret") && !told.contains("c2Vj"), "{told}");
        }
    }

    #[test]
    fn a_file_of_certificates_is_told_with_its_variable_and_path() {
        let this = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for (path, reason) in [
            ("/no/such.pem", "cannot be read from `/no/such.pem`"),
            (this, "has no certificate in it"),
        ] {
            let told = refused(&with(vec![(
                "OTEL_EXPORTER_OTLP_CERTIFICATE",
                path.to_owned(),
            )]));
            for part in [reason, "`OTEL_EXPORTER_OTLP_CERTIFICATE`", path] {
                assert!(told.contains(part), "{told}");
            }
            assert!(!told.contains("[package]"), "{told}");
        }
        let both = with(vec![
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/other".to_owned()),
            (
                "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
                "/traces".to_owned(),
            ),
        ]);
        let told = refused(&both);
        assert!(told.contains("`/traces`"), "{told}");
        let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0".to_owned();
        let told = refused(&with(vec![("OTEL_EXPORTER_OTLP_CERTIFICATE", key)]));
        assert!(told.contains("is PEM") && !told.contains("c2Vj"), "{told}");
    }

    #[test]
    fn without_tls_no_certificate_is_looked_at() {
        let unread = with(vec![(
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "/no/such".to_owned(),
        )])
        .endpoint("http://localhost:4317")
        .root_certificate("no PEM");
        assert!(unread.settings().is_ok());
        assert!(
            unread
                .endpoint("https://localhost:4317")
                .settings()
                .is_err()
        );
    }

    #[test]
    fn the_compression_is_of_the_code_then_of_the_environment() {
        let (general, traces) = (
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        );
        let of = |variables: &[(&'static str, &str)]| {
            let owned = variables.iter().map(|(k, v)| (*k, (*v).to_owned()));
            with(owned.collect())
        };
        for (variables, compression) in [
            (&[][..], Compression::None),
            (&[(general, "gzip")], Compression::Gzip),
            (&[(general, " gzip ")], Compression::Gzip),
            (&[(general, "none")], Compression::None),
            (&[(general, "zstd")], Compression::None),
            (&[(general, "none"), (traces, "gzip")], Compression::Gzip),
            (&[(general, "gzip"), (traces, "none")], Compression::None),
        ] {
            let chosen = of(variables).chosen_compression();
            assert_eq!(chosen, compression, "{variables:?}");
        }
        let code = of(&[(traces, "gzip")]).compression(Compression::None);
        assert_eq!(code.chosen_compression(), Compression::None);
    }
}
