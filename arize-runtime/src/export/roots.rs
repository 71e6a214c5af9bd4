//! The authorities that a collector's certificate may come from.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};

/// None, or the bundled ones, the system's and the user's own.
#[derive(Debug)]
pub(crate) struct Roots(Arc<RootCertStore>);

impl Roots {
    /// For connections without TLS.
    pub(crate) fn none() -> Self {
        Self(Arc::new(RootCertStore::empty()))
    }

    /// Those of the system, which may have none (a bare container), and the bundled ones. Reads files.
    pub(crate) fn known() -> Self {
        let mut store = RootCertStore::empty();
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self(Arc::new(store))
    }

    /// Adds each certificate of `pem`. An error says what is wrong with it and nothing of what is in it, which
    /// may be a key.
    pub(crate) fn add(&mut self, pem: &[u8]) -> Result<(), &'static str> {
        let store = Arc::make_mut(&mut self.0);
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| match error {
                pem::Error::MissingSectionEnd { .. } => "breaks off",
                _ => "is no PEM",
            })?;
            store
                .add(certificate)
                .map_err(|_| "has a certificate that cannot be read")?;
            found = true;
        }
        if found {
            Ok(())
        } else {
            Err("has no certificate in it")
        }
    }

    pub(super) fn store(&self) -> Arc<RootCertStore> {
        self.0.clone()
    }
}
