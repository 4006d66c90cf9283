//! The token that whoever orders something must have: a file, read anew for
//! each order.
//!
//! Promises that the token is in no message and no log, and that comparing
//! tells nothing by the time it takes. Deliberately keeps nothing in memory:
//! a mounted Secret may change at any time.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Shorter ones can be guessed.
const LEAST: usize = 16;

/// Far more than any token has.
const MOST: u64 = 64 << 10;

/// `--admin-token-file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFile(PathBuf);

impl TokenFile {
    /// Looks whether there is a token in it that can be used; the error says
    /// what is wrong with it.
    pub fn new(path: PathBuf) -> Result<TokenFile, String> {
        let file = TokenFile(path);
        file.read()?;
        Ok(file)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether `given` is the token, as the file has it now.
    pub(super) fn is(&self, given: &[u8]) -> Result<bool, String> {
        let token = self.read()?;
        // Hashes are of one length: not even the token's is told.
        let (token, given) = (Sha256::digest(token.as_slice()), Sha256::digest(given));
        Ok(token.as_slice().ct_eq(given.as_slice()).into())
    }

    fn read(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let size = std::fs::metadata(&self.0).map_err(|error| error.to_string())?;
        if size.len() > MOST {
            return Err("it is too long for a token".to_owned());
        }
        let bytes = std::fs::read(&self.0).map_err(|error| error.to_string())?;
        let mut bytes = Zeroizing::new(bytes);
        while bytes
            .last()
            .is_some_and(|last| matches!(last, b'\n' | b'\r'))
        {
            bytes.pop();
        }
        if bytes.is_empty() {
            return Err("it is empty".to_owned());
        }
        if !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(
                "a token has letters, digits and signs of ASCII only, in one line".to_owned(),
            );
        }
        if bytes.len() < LEAST {
            return Err(format!("its token is shorter than {LEAST} bytes"));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_can_be_guessed_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let with = |text: &str| {
            std::fs::write(&path, text).expect("a file");
            TokenFile::new(path.clone())
        };
        for (text, part) in [
            ("", "empty"),
            ("\r\n\n", "empty"),
            ("too-short", "shorter than 16"),
            ("0123456789abcde\n", "shorter than 16"),
            ("two lines are\nnot one token", "in one line"),
            ("0123456789äbcdef", "ASCII"),
        ] {
            let error = with(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
            assert!(text.trim().is_empty() || !error.contains(text.trim()));
        }
        let file = with("0123456789abcdef\r\n").expect("a token");
        assert_eq!(file.is(b"0123456789abcdef"), Ok(true));
        assert_eq!(file.is(b"0123456789abcdeF"), Ok(false));
        assert_eq!(file.is(b""), Ok(false));
        // It may change at any time.
        std::fs::write(&path, "another-token-of-today").expect("a file");
        assert_eq!(file.is(b"0123456789abcdef"), Ok(false));
        assert_eq!(file.is(b"another-token-of-today"), Ok(true));
        std::fs::remove_file(&path).expect("removed");
        assert!(file.is(b"another-token-of-today").is_err());
    }
}
