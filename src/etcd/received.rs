//! What a watch's stream hands out.
//!
//! Promises that the end of the stream is an error. Deliberately looks into no
//! response.

use etcd_client::proto::PbWatchResponse;

use super::error::EtcdError;

/// A response, or why there is none.
pub fn received(
    message: Result<Option<etcd_client::WatchResponse>, etcd_client::Error>,
) -> Result<PbWatchResponse, EtcdError> {
    match message? {
        Some(response) => Ok(response.0),
        None => Err(EtcdError::Unavailable(
            "the server ended the watch".to_owned(),
        )),
    }
}
