//! Encryption: whether the connection text asks for it, and whom the server has to be.
//!
//! There is no encryption without a check of the server: whoever can listen in between can mostly answer as well.

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use wayfold_store::{Error, ErrorKind, Result};

use crate::config::PostgresConfig;

#[cfg(feature = "tls")]
pub(crate) use self::rustls::{Tls, refusal};

/// Without the feature, connections are in clear text.
#[cfg(not(feature = "tls"))]
pub(crate) type Tls = tokio_postgres::NoTls;

#[cfg(not(feature = "tls"))]
pub(crate) fn refusal(_: &tokio_postgres::Error) -> Option<&'static str> {
    None
}

/// Makes what connections are encrypted by. `prefer`, which a text means that says nothing, is clear text: anybody in
/// between may say that the server cannot encrypt.
pub(crate) fn tls(config: &PostgresConfig, driver: &mut Config) -> Result<Tls> {
    let is_asked = driver.get_ssl_mode() == SslMode::Require;
    if !is_asked {
        if config.root_certificates.is_some() {
            return Err(unsupported(
                "root_certificates is set, and the connection text asks for no encryption; add sslmode=require",
            ));
        }
        driver.ssl_mode(SslMode::Disable);
    }
    #[cfg(feature = "tls")]
    return rustls::connector(is_asked, config.root_certificates.as_deref());
    #[cfg(not(feature = "tls"))]
    match is_asked {
        true => Err(unsupported("TLS is asked for, and this program is built without the feature tls")),
        false => Ok(tokio_postgres::NoTls),
    }
}

fn unsupported(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unsupported, format_args!("open the log: {message}"))
}

#[cfg(feature = "tls")]
mod rustls {
    use std::error::Error as _;
    use std::io;
    use std::path::Path;
    use std::sync::Arc;

    use rustls::crypto::ring;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use rustls::{ClientConfig, RootCertStore};
    use wayfold_store::Result;

    use super::unsupported;

    pub(crate) type Tls = tokio_postgres_rustls::MakeRustlsConnect;

    /// Trusts the authorities of a file, or those that the system trusts.
    pub(super) fn connector(is_asked: bool, roots: Option<&Path>) -> Result<Tls> {
        let roots = match (is_asked, roots) {
            (false, _) => RootCertStore::empty(),
            (true, Some(file)) => of_file(file)?,
            (true, None) => of_system()?,
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unsupported("no version of TLS can be used").with_source(error))?;
        Ok(Tls::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }

    fn of_file(file: &Path) -> Result<RootCertStore> {
        let shown = file.display();
        let unreadable = || format!("root_certificates {shown} cannot be read as certificates in PEM");
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(file);
        for certificate in certificates.map_err(|error| unsupported(unreadable()).with_source(error))? {
            let certificate = certificate.map_err(|error| unsupported(unreadable()).with_source(error))?;
            roots.add(certificate).map_err(|error| unsupported(unreadable()).with_source(error))?;
        }
        match roots.is_empty() {
            true => Err(unsupported(format_args!("root_certificates {shown} holds no certificate"))),
            false => Ok(roots),
        }
    }

    fn of_system() -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let (trusted, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        match trusted {
            0 => Err(unsupported("the system trusts no certificates; name a file in root_certificates")),
            _ => Ok(roots),
        }
    }

    /// Why a server is not who it has to be, if that is what an error says.
    pub(crate) fn refusal(error: &tokio_postgres::Error) -> Option<&'static str> {
        let inner = error.source()?.downcast_ref::<io::Error>()?.get_ref()?;
        match inner.downcast_ref::<rustls::Error>()? {
            rustls::Error::InvalidCertificate(_) => Some(
                "the server's certificate is of no authority that is trusted, of another host, or not valid now; name \
                 its authority in root_certificates, and connect by the name that the certificate has",
            ),
            _ => None,
        }
    }
}
