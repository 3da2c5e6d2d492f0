//! A JSON header before packed bytes: `u32` length of the header (little-endian), header, bytes. The header takes the
//! place of the HTTP headers `Hap-…` of the specification, so that one body serves every transport.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::channel::{Refusal, codes};

/// The largest header.
const MAX_HEADER: usize = 1 << 20;

/// A header and bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame<H> {
    /// What the bytes are.
    pub header: H,
    /// The bytes.
    pub bytes: Bytes,
}

/// A body that is not a frame with this header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body has not the form of its kind")]
pub struct FrameError;

impl From<FrameError> for Refusal {
    fn from(_: FrameError) -> Self {
        Refusal::new(codes::BAD_ENCODING)
    }
}

impl<H: Serialize + DeserializeOwned> Frame<H> {
    /// A frame.
    pub fn new(header: H, bytes: impl Into<Bytes>) -> Self {
        Self { header, bytes: bytes.into() }
    }

    /// The frame as one body.
    ///
    /// # Errors
    /// [`FrameError`] for a header that is not JSON or too large.
    pub fn encode(&self) -> Result<Bytes, FrameError> {
        let header = serde_json::to_vec(&self.header).map_err(|_| FrameError)?;
        if header.len() > MAX_HEADER {
            return Err(FrameError);
        }
        let mut out = Vec::with_capacity(4 + header.len() + self.bytes.len());
        out.extend_from_slice(&(header.len() as u32).to_le_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(&self.bytes);
        Ok(out.into())
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn decode(body: &Bytes) -> Result<Self, FrameError> {
        let length = body.first_chunk::<4>().map(|b| u32::from_le_bytes(*b) as usize).ok_or(FrameError)?;
        let end = length.checked_add(4).filter(|end| length <= MAX_HEADER && *end <= body.len()).ok_or(FrameError)?;
        let header = serde_json::from_slice(&body[4..end]).map_err(|_| FrameError)?;
        Ok(Self { header, bytes: body.slice(end..) })
    }
}

/// Splits little-endian `u32`s off the front of a body.
pub(crate) fn take_u32s(bytes: &[u8], count: usize) -> Result<(Vec<u32>, &[u8]), FrameError> {
    let length = count.checked_mul(4).ok_or(FrameError)?;
    let (front, rest) = bytes.split_at_checked(length).ok_or(FrameError)?;
    let (chunks, _) = front.as_chunks::<4>();
    Ok((chunks.iter().map(|c| u32::from_le_bytes(*c)).collect(), rest))
}

/// One little-endian `u32` off the front of a body.
pub(crate) fn take_u32(bytes: &[u8]) -> Result<(u32, &[u8]), FrameError> {
    let (front, rest) = bytes.split_first_chunk::<4>().ok_or(FrameError)?;
    Ok((u32::from_le_bytes(*front), rest))
}

/// Appends little-endian `u32`s.
pub(crate) fn put_u32s(out: &mut Vec<u8>, values: impl IntoIterator<Item = u32>) {
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_round_trips_and_a_short_one_is_refused() {
        let frame = Frame::new(vec!["a".to_owned()], vec![1, 2, 3]);
        let body = frame.encode().unwrap();
        assert_eq!(Frame::<Vec<String>>::decode(&body).unwrap(), frame);
        for end in 0..(4 + 5) {
            assert!(Frame::<Vec<String>>::decode(&body.slice(..end)).is_err(), "{end}");
        }
        assert!(Frame::<u8>::decode(&body).is_err());
        assert!(Frame::<u8>::decode(&Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 1])).is_err());
    }
}
