//! TLS towards etcd: files, verification, and what a failed handshake means
//! in words.
//!
//! Promises that every failure names the file or the certificate's fault.
//! Deliberately knows no system trust store: etcd's authority is always the
//! user's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

/// Which certificates are used and trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// PEM bundle of the authorities that are trusted.
    pub ca: Option<PathBuf>,
    /// PEM certificate chain that we show.
    pub cert: Option<PathBuf>,
    /// PEM private key to it.
    pub key: Option<PathBuf>,
    /// Accept any server certificate.
    pub insecure_skip_verify: bool,
}

/// Why the TLS settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("cannot read the {what} `{path}`: {reason}")]
    Read {
        /// What the file is for.
        what: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A file holds something else.
    #[error("`{path}` holds no {what} in PEM form")]
    Content {
        /// What was looked for.
        what: &'static str,
        /// The file.
        path: String,
    },
    /// Nothing says whom to trust.
    #[error("TLS needs a certificate authority to trust: give its file, or accept any certificate")]
    NoAuthority,
    /// The files do not work together.
    #[error("{0}")]
    Unusable(String),
}

/// Part of every error where no authority that is trusted has signed the
/// server's certificate.
pub const RIGHT_CA: &str = "give the right CA file";
/// Part of every error where the server asked for a client certificate.
pub const DEMANDS_CERTIFICATE: &str = "the server demands a client certificate";
/// The same where it only may be so: it has said nothing.
pub const MAY_DEMAND_CERTIFICATE: &str = "it may demand a client certificate";

const CA: &str = "certificate authority";
const CERTIFICATE: &str = "client certificate";
const KEY: &str = "private key";

impl TlsSettings {
    /// Reads all files and checks that they fit together.
    pub fn check(&self) -> Result<(), TlsError> {
        self.client_config().map(drop)
    }

    /// Whether a client certificate is shown.
    pub(super) fn shows_certificate(&self) -> bool {
        self.cert.is_some()
    }

    pub(super) fn client_config(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        let builder = match self.insecure_skip_verify {
            true => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate(provider))),
            false => builder.with_root_certificates(self.roots()?),
        };
        let mut config = match self.identity()? {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| self.identity_mismatch(&error))?,
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let Some(path) = &self.ca else {
            return Err(TlsError::NoAuthority);
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(CA, path)? {
            roots.add(certificate).map_err(|error| {
                TlsError::Unusable(format!("`{}`: {}", path.display(), describe(&error, true)))
            })?;
        }
        Ok(roots)
    }

    fn identity(&self) -> Result<Option<Identity>, TlsError> {
        match (&self.cert, &self.key) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => {
                let chain = certificates(CERTIFICATE, cert)?;
                let key_bytes = read(KEY, key)?;
                let key =
                    PrivateKeyDer::from_pem_slice(&key_bytes).map_err(|_| TlsError::Content {
                        what: KEY,
                        path: shown(key),
                    })?;
                Ok(Some((chain, key)))
            }
            (Some(_), None) => Err(alone("a client certificate", "its private key")),
            (None, Some(_)) => Err(alone("a private key", "its certificate")),
        }
    }

    fn identity_mismatch(&self, error: &Error) -> TlsError {
        let path = |path: &Option<PathBuf>| path.as_deref().map(shown).unwrap_or_default();
        let (cert, key) = (path(&self.cert), path(&self.key));
        TlsError::Unusable(format!(
            "`{cert}` and `{key}` do not belong together: {error}"
        ))
    }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn alone(given: &str, missing: &str) -> TlsError {
    TlsError::Unusable(format!(
        "{given} is given without {missing}: give both or none"
    ))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Read {
        what,
        path: shown(path),
        reason: error.to_string(),
    })
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(what, path)?;
    let wrong = || TlsError::Content {
        what,
        path: shown(path),
    };
    let found: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong())?;
    match found.is_empty() {
        true => Err(wrong()),
        false => Ok(found),
    }
}

/// What a failed handshake means, and what to do about it.
pub(super) fn describe(error: &Error, shows_certificate: bool) -> String {
    match error {
        Error::InvalidCertificate(fault) => describe_certificate(fault),
        Error::AlertReceived(alert) => describe_alert(*alert, shows_certificate),
        Error::InvalidMessage(_) => {
            "what answers does not speak TLS: write `http://` for a plain connection".to_owned()
        }
        other => format!("TLS failed: {other}"),
    }
}

fn describe_certificate(fault: &CertificateError) -> String {
    use CertificateError::*;
    match fault {
        Expired | ExpiredContext { .. } => "the server's certificate has expired".to_owned(),
        NotValidYet | NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: compare the clocks".to_owned()
        }
        // Another authority of the same name fails at the signature.
        UnknownIssuer | BadSignature => {
            format!("the server's certificate is signed by an unknown authority: {RIGHT_CA}")
        }
        NotValidForName | NotValidForNameContext { .. } => {
            format!("the server's certificate is for another name: {fault}")
        }
        Revoked => "the server's certificate is revoked".to_owned(),
        other => format!("the server's certificate is not accepted: {other}"),
    }
}

fn describe_alert(alert: AlertDescription, shows_certificate: bool) -> String {
    use AlertDescription::*;
    match alert {
        CertificateRequired => DEMANDS_CERTIFICATE.to_owned(),
        BadCertificate | HandshakeFailure if !shows_certificate => DEMANDS_CERTIFICATE.to_owned(),
        CertificateExpired => "the server says that our client certificate has expired".to_owned(),
        UnknownCA => "the server does not know the authority of our client certificate".to_owned(),
        BadCertificate | CertificateUnknown | UnsupportedCertificate | CertificateRevoked => {
            "the server does not accept our client certificate".to_owned()
        }
        other => format!("the server refused the TLS handshake: {other:?}"),
    }
}

/// Verifies nothing of who the server is; the handshake's signatures must
/// still be right.
#[derive(Debug)]
struct AcceptAnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
